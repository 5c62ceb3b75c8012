"""Charging profiles and the composite schedule (OCPP 1.6 3.13): what may flow, and when. Pure.

A profile is one plan of limits over time; a stack holds the profiles of one charger. At every instant the profile
of the highest stack level that says something leads its purpose; a TxProfile replaces TxDefaultProfiles, one of
the connector those of connector 0; a ChargePointMaxProfile bounds them all, and the hardware bounds that.

Times count in whole seconds, as the standard's schedules do: what is finer is cut off when it is read.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from scada.core.errors import BadRequest
from scada.core.value import SECOND_US, TimeUs

PERIODS_MAX = 100
"""Of one schedule; a longer one is refused."""
PROFILES_MAX = 30
"""Of one charger; a further one is refused."""
COMPOSITE_PERIODS_MAX = 1_000
"""Of one composite schedule; a longer one is cut, and its duration says where."""
COMPOSITE_S_MAX = 7 * 86_400
DAY_S = 86_400


class ProfileError(BadRequest):
    """A profile that cannot be; the text begins with the JSON path of what is wrong."""


class Purpose(StrEnum):
    """What a profile is for (7.17)."""

    CHARGER_MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(StrEnum):
    """From when a schedule counts (7.16)."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Unit(StrEnum):
    """A: per phase; W: of all phases together (7.14)."""

    A = "A"
    W = "W"


@dataclass(frozen=True, slots=True)
class Period:
    """A limit from `start_s` after the schedule's start on. `phases` None: as many as there are."""

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Limits one after the other (7.13).

    Attributes:
        start_us: None: it counts from the start of charging.
        duration_s: None: the last period goes on.
        min_rate: below it the vehicle charges badly, in `unit`; nothing is limited by it.
    """

    unit: Unit
    periods: tuple[Period, ...]
    start_us: TimeUs | None = None
    duration_s: int | None = None
    min_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One charging profile (7.8).

    Attributes:
        every_s: of a recurring profile: a day or a week; 0 for others.
        valid_from_us, valid_to_us: None: no bound. The end does not belong to it.
        transaction_id: of a TxProfile: None: whichever runs.
    """

    id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedule: Schedule
    every_s: int = 0
    valid_from_us: TimeUs | None = None
    valid_to_us: TimeUs | None = None
    transaction_id: int | None = None

    def started_us(self, at_us: TimeUs, charging_us: TimeUs) -> TimeUs:
        """The start of the schedule that counts at a moment; it may lie ahead."""
        start_us = self.schedule.start_us
        if self.kind is Kind.RELATIVE or start_us is None:
            return charging_us
        if self.kind is Kind.RECURRING and at_us > start_us:
            return start_us + (at_us - start_us) // (self.every_s * SECOND_US) * self.every_s * SECOND_US
        return start_us

    def period_at(self, at_us: TimeUs, charging_us: TimeUs) -> Period | None:
        """What it says at a moment; None: nothing."""
        if self.valid_from_us is not None and at_us < self.valid_from_us:
            return None
        if self.valid_to_us is not None and at_us >= self.valid_to_us:
            return None
        since_us = at_us - self.started_us(at_us, charging_us)
        duration_s = self.schedule.duration_s
        if since_us < 0 or (duration_s is not None and since_us >= duration_s * SECOND_US):
            return None
        place = bisect_right(self.schedule.periods, since_us // SECOND_US, key=lambda one: one.start_s)
        return self.schedule.periods[place - 1] if place else None

    def changes(self, from_us: TimeUs, to_us: TimeUs, charging_us: TimeUs) -> Iterator[TimeUs]:
        """The moments in [from, to) at which it may say something else; in no order."""
        offsets = [period.start_s for period in self.schedule.periods]
        if self.schedule.duration_s is not None:
            offsets.append(self.schedule.duration_s)
        moments = [one for one in (self.valid_from_us, self.valid_to_us) if one is not None]
        start_us = self.started_us(from_us, charging_us)
        while start_us < to_us:
            moments += [start_us + offset * SECOND_US for offset in offsets]
            if not self.every_s:
                break
            start_us += self.every_s * SECOND_US
        return (one for one in moments if from_us <= one < to_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What the hardware of a connector, or (connector 0) of the charger, can give.

    Attributes:
        current_max_a: per phase; of a DC output: its current.
        phases: wired; 1 for a DC output.
        voltage_v: phase to neutral; of a DC output: what A and W are converted with.
    """

    current_max_a: float
    phases: int = 3
    voltage_v: float = 230.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What runs at a connector: profiles may count from its start, or be meant for it alone.

    Attributes:
        since_us: start of charging; None: nothing charges, and relative profiles count from the moment asked for.
        transaction_id: None: not known, or none.
    """

    supply: Supply
    since_us: TimeUs | None = None
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What may flow at a moment.

    Attributes:
        current_a: per phase.
        power_w: the same as power of all its phases.
        phases: on how many; None: nobody has said.
        profile_id: of the profile that bounds it; None: the hardware does.
        min_rate_a: the least rate at which the vehicle charges well, where its profile says one.
    """

    current_a: float
    power_w: float
    phases: int | None = None
    profile_id: int | None = None
    min_rate_a: float | None = None

    def value(self, unit: Unit) -> float:
        """In a unit, to one decimal as the standard bounds it, never more than is allowed."""
        exact = self.current_a if unit is Unit.A else self.power_w
        return math.floor(exact * 10 + 1e-6) / 10


@dataclass(frozen=True, slots=True)
class CompositePeriod:
    """A piece of a composite schedule; `profile_id` None: only the hardware limits it."""

    start_s: int
    limit: float
    phases: int | None
    profile_id: int | None


@dataclass(frozen=True, slots=True)
class Composite:
    """What will be offered (5.7): from `start_us` for `duration_s`, in `unit`."""

    start_us: TimeUs
    duration_s: int
    unit: Unit
    periods: tuple[CompositePeriod, ...]


@dataclass(slots=True)
class ProfileStack:
    """The profiles of one charger; `installed` holds (connector, profile) and can be saved as it is."""

    installed: list[tuple[int, Profile]] = field(default_factory=list)

    def install(self, connector: int, profile: Profile, *, charging: bool) -> None:
        """Take a profile in (5.16); it replaces the one with its id, or with its place, purpose and level.

        Args:
            charging: whether a transaction runs at the connector (a TxProfile needs one).

        Raises:
            ProfileError: it has no place there; nothing is changed.
        """
        check_place(connector, profile)
        if profile.purpose is Purpose.TX and not charging:
            raise ProfileError("$.chargingProfilePurpose: a TxProfile needs a transaction that runs")
        place = (connector, profile.purpose, profile.stack_level)
        rest = [
            (where, one)
            for where, one in self.installed
            if one.id != profile.id and (where, one.purpose, one.stack_level) != place
        ]
        if len(rest) >= PROFILES_MAX:
            raise ProfileError(f"$: the charger holds {PROFILES_MAX} profiles already")
        self.installed[:] = [*rest, (connector, profile)]

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> int:
        """Remove what all given conditions fit (5.4), an id alone decides; returns how many went."""

        def fits(where: int, one: Profile) -> bool:
            if profile_id is not None:
                return one.id == profile_id
            return (
                connector in (None, where)
                and purpose in (None, one.purpose)
                and stack_level in (None, one.stack_level)
            )

        rest = [pair for pair in self.installed if not fits(*pair)]
        cleared = len(self.installed) - len(rest)
        self.installed[:] = rest
        return cleared

    def transaction_ended(self, connector: int) -> None:
        """TxProfiles end with their transaction (3.13.1)."""
        self.clear(connector=connector, purpose=Purpose.TX)

    def limit_at(self, connector: int, at_us: TimeUs, situation: Situation) -> Limit:
        """What may flow at a moment; of connector 0: what the whole charger may take, per phase."""
        at_us -= at_us % SECOND_US
        return self._limit(connector, at_us, situation, _since(situation, at_us))

    def composite(
        self, connector: int, from_us: TimeUs, duration_s: int, unit: Unit, situation: Situation
    ) -> Composite:
        """The limits that will hold from a moment on, if nothing more is sent (5.7).

        Args:
            duration_s: at most COMPOSITE_S_MAX, longer ones are cut.
        """
        from_us -= from_us % SECOND_US
        duration_s = max(1, min(duration_s, COMPOSITE_S_MAX))
        to_us = from_us + duration_s * SECOND_US
        since_us = _since(situation, from_us)
        moments = {from_us}
        for _, profile in self._heard(connector, situation):
            moments.update(profile.changes(from_us, to_us, since_us))
        periods: list[CompositePeriod] = []
        for at_us in sorted(moments):
            limit = self._limit(connector, at_us, situation, since_us)
            start_s = (at_us - from_us) // SECOND_US
            period = CompositePeriod(start_s, limit.value(unit), limit.phases, limit.profile_id)
            if periods and _same(periods[-1], period):
                continue
            if len(periods) >= COMPOSITE_PERIODS_MAX:
                duration_s = start_s
                break
            periods.append(period)
        return Composite(from_us, duration_s, unit, tuple(periods))

    def _heard(self, connector: int, situation: Situation) -> Iterator[tuple[int, Profile]]:
        """The profiles that have a say at a connector."""
        for where, profile in self.installed:
            if profile.purpose is Purpose.CHARGER_MAX:
                yield where, profile
            elif connector and where in (0, connector):
                if profile.purpose is Purpose.TX and profile.transaction_id not in (
                    None,
                    situation.transaction_id,
                ):
                    continue
                yield where, profile

    def _limit(self, connector: int, at_us: TimeUs, situation: Situation, since_us: TimeUs) -> Limit:
        said: dict[tuple[Purpose, int], tuple[int, Profile, Period]] = {}
        for where, profile in self._heard(connector, situation):
            period = profile.period_at(at_us, since_us)
            leading = said.get((profile.purpose, where))
            if period is not None and (leading is None or leading[0] < profile.stack_level):
                said[profile.purpose, where] = (profile.stack_level, profile, period)
        bounds = [said.get((Purpose.CHARGER_MAX, 0))]
        bounds.append(
            said.get((Purpose.TX, connector))
            or said.get((Purpose.TX_DEFAULT, connector))
            or said.get((Purpose.TX_DEFAULT, 0))
        )
        return _merge([(one[1], one[2]) for one in bounds if one is not None], situation.supply)


def check_place(connector: int, profile: Profile) -> None:
    """Whether a profile may stand at a connector (5.16).

    Raises:
        ProfileError: it may not.
    """
    if connector < 0:
        raise ProfileError("$.connectorId: is 0 for the charger, or a connector's number")
    if profile.purpose is Purpose.CHARGER_MAX and connector != 0:
        raise ProfileError("$.chargingProfilePurpose: a ChargePointMaxProfile stands at connector 0 only")
    if profile.purpose is Purpose.TX and connector == 0:
        raise ProfileError("$.chargingProfilePurpose: a TxProfile stands at a connector, not at 0")


def _since(situation: Situation, at_us: TimeUs) -> TimeUs:
    since_us = at_us if situation.since_us is None else situation.since_us
    return since_us - since_us % SECOND_US


def _merge(bounds: Iterable[tuple[Profile, Period]], supply: Supply) -> Limit:
    """The lowest of what is said; a current counts per phase, a power is spread over the phases that are used."""
    bounds = list(bounds)
    asked = [period.phases for _, period in bounds if period.phases is not None]
    phases = min([supply.phases, *asked])
    per_a = supply.voltage_v * phases
    current_a, profile_id, min_rate_a = supply.current_max_a, None, None
    for profile, period in bounds:
        in_a = period.limit if profile.schedule.unit is Unit.A else period.limit / per_a
        if in_a < current_a or (in_a == current_a and profile_id is None):
            current_a, profile_id = in_a, profile.id
        rate = profile.schedule.min_rate
        if rate is not None:
            rate_a = rate if profile.schedule.unit is Unit.A else rate / per_a
            min_rate_a = max(min_rate_a or 0.0, rate_a)
    return Limit(current_a, current_a * per_a, phases if asked else None, profile_id, min_rate_a)


def _same(one: CompositePeriod, other: CompositePeriod) -> bool:
    return (one.limit, one.phases, one.profile_id) == (other.limit, other.phases, other.profile_id)
