"""What each connector may at most draw now: the account of its limits.

A limit is *confirmed* when the charger accepted it, *in flight* until it answers, and *unknown* when it did not answer in
time: then the higher one counts until a later answer settles it (a charger takes orders in their order: what it accepts
settles all before). After a reduction the old limit counts until the vehicle was measured below the new one or, not
measured, until it had time to obey. What is measured above all that counts as measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scada.allocation.model import Answer, Order, Settings
from scada.allocation.tree import Member

PENDING_MAX = 8
"""Orders whose fate is not known. Of more the two oldest become one, with the higher limit."""
LEASE_LEFT = 0.55
"""Part of a lease that is left when it is renewed; with less than half of that left the fallback counts too."""
OBEYS_S = 5.0
"""IEC 61851-1: a vehicle obeys a new limit within 5 s."""
BOOT_GRACE_S = 10.0


@dataclass(slots=True)
class Flight:
    """An order under way. `lost`: nobody waits for its answer any more."""

    number: int
    limit_a: float
    lease_s: float | None
    sent_s: float
    lost: bool = False


@dataclass(slots=True)
class Account:
    """Of a connector. Begins with the worst: what the hardware can give, which nobody has limited yet.

    Attributes:
        confirmed_a: last limit accepted.
        known: a charger has accepted a limit since its (or our) start.
        lease_end_s: when it falls to the fallback by itself, margin included; None: it stands.
        draining_a, draining_from_s: limit before a reduction that was accepted then.
        drawn_a, drawn_s: measured, highest phase; when.
        drawn_fresh: it is fresh.
    """

    member: Member
    settings: Settings
    confirmed_a: float = 0.0
    known: bool = False
    lease_end_s: float | None = None
    lease_began_s: float = 0.0
    flights: list[Flight] = field(default_factory=list)
    draining_a: float = 0.0
    draining_from_s: float = 0.0
    drawn_a: float = 0.0
    drawn_s: float = float("-inf")
    drawn_fresh: bool = False
    raised_s: float = float("-inf")
    refused_s: float = float("-inf")
    refusals: int = 0
    boot_s: float | None = None
    restored_a: float = 0.0
    changed_s: float = float("-inf")

    def __post_init__(self) -> None:
        self.confirmed_a = self.member.maximum_a

    def restore(self, lowest_a: float, highest_a: float) -> None:
        """What an earlier run left: all in between may be in force until the charger accepts a limit of ours."""
        self.confirmed_a = min(lowest_a, self.member.maximum_a)
        self.restored_a = min(highest_a, self.member.maximum_a)

    @property
    def ordered_a(self) -> float:
        """The last limit ordered, answered or not."""
        return self.flights[-1].limit_a if self.flights else self.confirmed_a

    def may_order(self, now_s: float) -> bool:
        """Whether an order may go out: one at a time, until it is answered or lost."""
        return all(flight.lost or now_s - flight.sent_s >= self.settings.order_s for flight in self.flights)

    def silent(self, now_s: float) -> bool:
        """It has not answered in time, or refused: it is not to be counted on."""
        late_s = self.settings.late_s
        return self.refusals > 0 or any(one.lost or now_s - one.sent_s >= late_s for one in self.flights)

    @property
    def lowest_a(self) -> float:
        """The lowest limit that may be in force: what exceeds it may be a raise, whatever else it is."""
        if self.boot_s is not None:
            return 0.0
        lowest_a = min([self.confirmed_a, *(flight.limit_a for flight in self.flights)])
        return (
            min(lowest_a, self.member.fallback_a)
            if self.lease_end_s is not None and not self.known
            else lowest_a
        )

    def limit_a(self, now_s: float, *, online: bool) -> float:
        """The highest limit that may be in force."""
        highest_a = max([self.confirmed_a, self.restored_a, *(flight.limit_a for flight in self.flights)])
        if highest_a < self.member.fallback_a and self._may_fall_back(now_s, online=online):
            highest_a = self.member.fallback_a
        if self.boot_s is not None and now_s - self.boot_s >= BOOT_GRACE_S:
            highest_a = self.member.maximum_a
        return highest_a

    def _may_fall_back(self, now_s: float, *, online: bool) -> bool:
        """Whether a lease, of a confirmed limit or of an order of unknown fate, runs out before it is surely renewed."""
        if self.lease_end_s is not None and (not online or self.lease_left(now_s) < LEASE_LEFT / 2):
            return True
        runs_s = self.settings.lease_s * (1 - LEASE_LEFT / 2)
        return self.member.leased and any(
            one.lease_s is not None and (not online or now_s - one.sent_s > runs_s) for one in self.flights
        )

    def hold_a(self, now_s: float, *, online: bool) -> float:
        """What the connector counts as."""
        measured_a = self.drawn_a if self.drawn_fresh else 0.0
        return max(self.limit_a(now_s, online=online), self.draining_a, measured_a)

    def excess_a(self, now_s: float, *, online: bool) -> float:
        """What is measured above every limit that may be in force."""
        if not self.drawn_fresh:
            return 0.0
        draining = self.draining_a if self.drawn_s < self.draining_from_s + OBEYS_S else 0.0
        return max(0.0, self.drawn_a - max(self.limit_a(now_s, online=online), draining))

    def follows(self, now_s: float) -> bool:
        """Whether a vehicle may still be on its way to a new limit, and no value tells where it is."""
        if any(not one.lost and now_s - one.sent_s < self.settings.late_s for one in self.flights):
            return True
        changed_s = self.changed_s
        measured = self.drawn_fresh and self.drawn_s >= changed_s + OBEYS_S
        return now_s - changed_s < self.settings.reading_old_s and not measured

    def lease_left(self, now_s: float) -> float:
        """Part of the lease that is left, 0 to 1; 1: the limit stands."""
        if self.lease_end_s is None:
            return 1.0
        return max(0.0, 1 - (now_s - self.lease_began_s) / self.settings.lease_s)

    def measured(self, drawn_a: float, taken_s: float, now_s: float) -> None:
        """Take a measured current."""
        self.drawn_a, self.drawn_s = drawn_a, taken_s
        self.drawn_fresh = now_s - taken_s <= self.settings.reading_old_s

    def unmeasured(self) -> None:
        """There is no value, or a Bad one: that is not 0."""
        self.drawn_fresh = False

    def pass_time(self, now_s: float) -> None:
        """Deadlines, leases and what drains."""
        self.drawn_fresh = self.drawn_fresh and now_s - self.drawn_s <= self.settings.reading_old_s
        self._expire(now_s)
        if self.lease_end_s is not None and now_s >= self.lease_end_s:
            self.confirmed_a, self.lease_end_s = self.member.fallback_a, None
        if self.draining_a:
            obeyed = (
                self.drawn_fresh
                and self.drawn_s > self.draining_from_s
                and self.drawn_a <= self.confirmed_a + 0.5
            )
            if obeyed or now_s - self.draining_from_s >= self.settings.settle_s:
                self.draining_a = 0.0

    def _expire(self, now_s: float) -> None:
        """A lease of unknown fate ends too, and then the fallback holds if it was taken."""
        if not self.member.leased:
            return
        settings = self.settings
        for flight in tuple(self.flights):
            if flight.lease_s is not None and (
                now_s - flight.sent_s >= max(settings.order_s, flight.lease_s + settings.lease_margin_s)
            ):
                self.flights.remove(flight)
                self.confirmed_a = max(self.confirmed_a, self.member.fallback_a)

    def sent(self, order: Order, now_s: float) -> None:
        """An order goes out."""
        self.flights.append(Flight(order.number, order.limit_a, order.lease_s, now_s))
        if len(self.flights) > PENDING_MAX:
            first, second = self.flights[:2]
            second.limit_a = max(first.limit_a, second.limit_a)
            second.lease_s = None if first.lease_s is None else second.lease_s
            del self.flights[0]

    def answered(self, number: int, answer: Answer, now_s: float, *, online: bool) -> bool:
        """An answer came, in time or late; False: it was settled before."""
        at = next((n for n, flight in enumerate(self.flights) if flight.number == number), None)
        if at is None:
            return False
        flight = self.flights[at]
        if answer is Answer.UNKNOWN:
            flight.lost = True
            return True
        if answer in (Answer.REFUSED, Answer.UNSENT):
            del self.flights[at]
            self.refused_s = now_s
            self.refusals += answer is Answer.REFUSED
            return True
        if flight.limit_a != self.confirmed_a:
            self.changed_s = now_s
        before_a = max(self.limit_a(now_s, online=online), self.draining_a)
        if flight.limit_a > self.confirmed_a:
            self.raised_s = now_s
        del self.flights[: at + 1]
        self.confirmed_a, self.known, self.refusals, self.boot_s = flight.limit_a, True, 0, None
        self.restored_a = 0.0
        self.lease_end_s = None
        if flight.lease_s is not None and self.member.leased:
            self.lease_began_s = flight.sent_s
            self.lease_end_s = now_s + flight.lease_s + self.settings.lease_margin_s
        if before_a > flight.limit_a + 1e-9:
            self.draining_a, self.draining_from_s = before_a, now_s
        return True

    def rebooted(self, now_s: float) -> None:
        """The charger started anew: it may have forgotten its limits, and is told again at once."""
        self.boot_s, self.known = now_s, False
        for flight in self.flights:
            flight.lost = True
