"""A simulated charger without its network: outlets, reader, contactors, meters. Synchronous; time is given.

What it has to tell goes out by two ways: `queue` for what must arrive (transactions), `tell` for what is of the
moment (states).
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from scada.charging.profiles import Profile, ProfileError, ProfileStack
from scada.core.plant import Charger
from scada.simulator.access import Access, Reservation
from scada.simulator.clock import DeviceClock
from scada.simulator.configuration import Configuration
from scada.simulator.outlet import Outlet, OutletState, Transaction
from scada.simulator.power import divide
from scada.simulator.queue import Message, TransactionQueue
from scada.simulator.sampling import Sampler
from scada.simulator.statuses import Statuses
from scada.simulator.storage import ChargerState
from scada.simulator.vehicle import Vehicle

_ROTATIONS = {"RST": 0, "STR": 1, "TRS": 2}

Tell = Callable[[str, dict[str, Any]], bool]
"""Takes (action, payload) of a message that is worth nothing later; False: there is no link, it is dropped."""


class Hardware:
    """One charger.

    Args:
        state: of an earlier life; kept up to date.
        speed: simulated seconds a real second.
        clock: its own; schedules, expiries and the times that it tells go by it.
        tell: takes messages of the moment.
        owe: called when something was put into the queue, or the state must be saved.

    Attributes:
        blinks: how often the lamp has blinked to a token (BlinkRepeat).
    """

    def __init__(
        self,
        charger: Charger,
        state: ChargerState,
        *,
        speed: float,
        rng: random.Random,
        clock: DeviceClock,
        tell: Tell,
        owe: Callable[[], None],
        written: Callable[[str, str], None] | None = None,
        phase_shift: int = 0,
    ) -> None:
        self.charger = charger
        self.state = state
        self.clock = clock
        self.queue = TransactionQueue(state.queue)
        self.configuration = Configuration(len(charger.connectors), state.configuration, written)
        self.access = Access(state.cache, state.local_list)
        self.profiles = ProfileStack(state.profiles)
        self.outlets: dict[int, Outlet] = {}
        self.blinks = 0
        self._profile_waits: dict[int, Profile] = {}
        self._speed, self._rng, self._owe = speed, rng, owe
        self._authorized_s: dict[int, float] = {}
        """Real seconds left of what `Outlet.authorized` says."""
        self._phase_shift = phase_shift
        for spec in charger.connectors:
            saved = state.outlets.setdefault(spec.number, OutletState(register_wh=rng.uniform(0.5e6, 9e6)))
            self.outlets[spec.number] = Outlet(spec=spec, state=saved, interval_from_wh=saved.register_wh)
        self.statuses = Statuses(self.outlets, self.configuration, clock.text, tell)
        self.sampler = Sampler(self.outlets, self.configuration, self.queue, clock.text, tell)
        self._turn_phases()
        self._mark_reserved()
        self._divide()

    # -- what happens at the charger ---------------------------------------------------------------------

    def plug_in(self, number: int, vehicle: Vehicle) -> None:
        """A vehicle is connected; a token or remote start that waits for it takes effect."""
        outlet = self.outlets[number]
        outlet.state.vehicle = vehicle
        outlet.state.finished = False
        if outlet.authorized is not None:
            self.start(number, outlet.authorized)
        self._changed()

    def unplug(self, number: int) -> None:
        """The vehicle is disconnected; a transaction ends with it, or waits (StopTransactionOnEVSideDisconnect)."""
        outlet = self.outlets[number]
        if self.configuration.flag("StopTransactionOnEVSideDisconnect"):
            self.stop(number, "EVDisconnected")
        outlet.state.vehicle = None
        outlet.state.finished = False
        self._changed()

    def fault(self, number: int, error_code: str, vendor_error_code: str = "") -> None:
        """A fault opens the contactor and ends the transaction; `NoError` is the recovery."""
        outlet = self.outlets[number]
        outlet.error_code, outlet.vendor_error_code = error_code, vendor_error_code
        if error_code != "NoError":
            self.stop(number, "Other")
        self._changed()

    def heat(self, number: int, extra_c: float) -> None:
        """A bad contact makes the plug warmer by up to `extra_c`; 0 ends it."""
        self.outlets[number].heat_c = extra_c

    def known(self, id_tag: str, *, online: bool) -> str | None:
        """What the charger itself says of a token (3.5): a status, or None: it cannot say.

        Online it says something only with LocalPreAuthorize, and only good things; offline with
        LocalAuthorizeOffline, and AllowOfflineTxForUnknownId decides of the others.
        """
        flag = self.configuration.flag
        if not flag("LocalPreAuthorize" if online else "LocalAuthorizeOffline"):
            return None
        status = self.access.find(
            id_tag,
            self.clock.now_us(),
            use_list=flag("LocalAuthListEnabled"),
            use_cache=flag("AuthorizationCacheEnabled"),
        )
        if online:
            return status if status == "Accepted" else None
        if status is None and flag("AllowOfflineTxForUnknownId"):
            return "Accepted"
        return status

    def may_use(self, number: int, id_tag: str) -> bool:
        """Whether reservations leave a connector to a token."""
        parent = self.access.parent(id_tag)
        kept = self.state.reservations.get(number)
        if kept is not None:
            return kept.is_for(id_tag, parent)
        for_any = self.state.reservations.get(0)
        if for_any is None or for_any.is_for(id_tag, parent):
            return True
        return sum(1 for outlet in self.outlets.values() if outlet.free) > 1

    def admit(self, number: int, id_tag: str, profile: Profile | None = None) -> bool:
        """A token is good: start, or wait for a vehicle as long as ConnectionTimeOut says. False: it is reserved.

        Args:
            profile: a TxProfile for the transaction that will begin.
        """
        if not self.may_use(number, id_tag):
            return False
        outlet = self.outlets[number]
        self._profile_waits.pop(number, None)
        if profile is not None:
            self._profile_waits[number] = profile
        self.blinks += self.configuration.number("BlinkRepeat")
        if outlet.state.vehicle is not None:
            self.start(number, id_tag)
        else:
            outlet.authorized = id_tag
            self._authorized_s[number] = self.configuration.number("ConnectionTimeOut")
        self._changed()
        return True

    # -- transactions ------------------------------------------------------------------------------------

    def start(self, number: int, id_tag: str) -> None:
        """Begin a transaction; a reservation for the token is used up."""
        outlet = self.outlets[number]
        transaction = Transaction(
            key=f"{self._rng.getrandbits(64):016x}",
            id_tag=id_tag,
            started=self.clock.text(),
            meter_start_wh=int(outlet.state.register_wh),
            began_us=self.clock.now_us(),
        )
        payload: dict[str, Any] = {
            "connectorId": number,
            "idTag": id_tag,
            "meterStart": transaction.meter_start_wh,
            "timestamp": transaction.started,
        }
        for place in (number, 0):
            kept = self.state.reservations.get(place)
            if kept is not None and kept.is_for(id_tag, self.access.parent(id_tag)):
                payload["reservationId"] = transaction.reservation_id = kept.id
                del self.state.reservations[place]
                self._mark_reserved()
                break
        outlet.state.transaction = transaction
        outlet.authorized = None
        profile = self._profile_waits.pop(number, None)
        if profile is not None:
            with contextlib.suppress(ProfileError):  # the charger is full of profiles
                self.profiles.install(number, profile, charging=True)
        self.sampler.started(number)
        self.queue.put(Message("StartTransaction", payload, transaction.key))
        self._owe()
        self._changed()

    def stop(self, number: int, reason: str, id_tag: str = "") -> None:
        """End the transaction, if there is one. The reason is one of OCPP 1.6 7.36."""
        outlet = self.outlets[number]
        transaction = outlet.state.transaction
        if transaction is None:
            return
        payload: dict[str, Any] = {
            "meterStop": int(outlet.state.register_wh),
            "timestamp": self.clock.text(),
            "reason": reason,
        }
        if id_tag:
            payload["idTag"] = id_tag
        if transaction.id is not None:
            payload["transactionId"] = transaction.id
        data = self.sampler.ended(number, transaction)
        if data:
            payload["transactionData"] = data
        outlet.state.transaction = None
        outlet.state.finished = outlet.state.vehicle is not None
        if outlet.close_later:
            outlet.close_later, outlet.state.operative = False, False
        self.profiles.transaction_ended(number)
        self.queue.put(Message("StopTransaction", payload, transaction.key))
        self._owe()
        self._changed()

    def answered(self, message: Message, answer: dict[str, Any]) -> None:
        """The central system has answered a queued message."""
        self.queue.remove(message)
        info = answer.get("idTagInfo")
        if message.action == "StopTransaction":
            if info is not None and "idTag" in message.payload:
                self.remember(message.payload["idTag"], info)
            self._owe()
        if message.action != "StartTransaction":
            return
        transaction_id = int(answer["transactionId"])
        self.queue.name(message.key, transaction_id)
        self.remember(message.payload["idTag"], answer["idTagInfo"])
        good = answer["idTagInfo"]["status"] == "Accepted"
        for number, outlet in self.outlets.items():
            transaction = outlet.state.transaction
            if transaction is not None and transaction.key == message.key:
                transaction.id = transaction_id
                if not good:
                    self._deauthorize(number, transaction)
        self._owe()

    def _deauthorize(self, number: int, transaction: Transaction) -> None:
        """The token is no good: stop, or let at most MaxEnergyOnInvalidId flow on (4.8)."""
        if self.configuration.flag("StopTransactionOnInvalidId"):
            self.stop(number, "DeAuthorized")
            return
        more_wh = self.configuration.number("MaxEnergyOnInvalidId")
        transaction.energy_end_wh = self.outlets[number].state.register_wh + more_wh
        self._changed()

    def remember(self, id_tag: str, info: dict[str, Any]) -> None:
        """The authorization cache (OCPP 1.6 3.5.1): used while there is no link."""
        if self.configuration.flag("AuthorizationCacheEnabled"):
            self.access.remember(id_tag, info)

    # -- what the central system sets --------------------------------------------------------------------

    def set_operative(self, number: int, operative: bool) -> str:
        """ChangeAvailability (OCPP 1.6 5.2) of one connector: the status to answer."""
        outlet = self.outlets[number]
        if not operative and outlet.state.transaction is not None:
            outlet.close_later = True
            return "Scheduled"
        outlet.close_later = False
        outlet.state.operative = operative
        if not operative:
            outlet.authorized = None
        self._owe()
        self._changed()
        return "Accepted"

    def reserve(self, number: int, reservation: Reservation | None) -> None:
        """Keep a connector (0: any) for somebody, or no longer."""
        reservations = self.state.reservations
        if reservation is None:
            reservations.pop(number, None)
        else:
            for place in [place for place, one in reservations.items() if one.id == reservation.id]:
                del reservations[place]
            reservations[number] = reservation
        self._mark_reserved()
        self._owe()
        self._changed()

    def install(self, number: int, profile: Profile) -> None:
        """SetChargingProfile (5.16).

        Raises:
            ProfileError: it has no place there.
        """
        outlet = self.outlets.get(number)
        self.profiles.install(
            number, profile, charging=outlet is not None and outlet.state.transaction is not None
        )
        self.limits_changed()

    def keep(self) -> None:
        """The state has changed and must not be lost."""
        self._owe()

    def limits_changed(self) -> None:
        """Profiles have come or gone."""
        self._owe()
        self._changed()

    # -- time --------------------------------------------------------------------------------------------

    def step(self, real_s: float) -> None:
        """Let time pass: physics at `speed`, message intervals in real time."""
        for number, outlet in self.outlets.items():
            outlet.step(real_s * self._speed, self._rng)
            if outlet.authorized is not None:
                self._authorized_s[number] -= real_s
                if self._authorized_s[number] <= 0:
                    outlet.authorized = None
        self.statuses.step(real_s)
        if self.sampler.step(real_s):
            self._owe()  # also so that after a kill the register never stands below one that was told
        if self.state.reservations:
            self._expire()
        self._changed()

    @property
    def busy(self) -> bool:
        """Whether its registers move."""
        return any(outlet.state.vehicle is not None for outlet in self.outlets.values())

    def booted(self) -> None:
        """The central system has accepted the boot: it is told everything."""
        self.statuses.forget()
        self.statuses.tell_all()
        self.sampler.booted()

    def reboot(self, reason: str) -> None:
        """Stop what runs; what a charger keeps only in memory is gone."""
        for number in self.outlets:
            self.stop(number, reason)
        self._forget_memory()

    def power_returned(self) -> None:
        """After a power cut: transactions that ran are ended by it, or resumed (ResumeAfterPowerLoss)."""
        if not self.configuration.flag("ResumeAfterPowerLoss"):
            for number in self.outlets:
                self.stop(number, "PowerLoss")
        self._forget_memory()

    def _forget_memory(self) -> None:
        self.configuration.rebooted()
        self._turn_phases()
        for outlet in self.outlets.values():
            outlet.authorized = None
            outlet.state.finished = False
        self.statuses.forget()

    def _turn_phases(self) -> None:
        """ConnectorPhaseRotation (9.1), of each connector or (0) of the charger; else as it was mounted."""
        if "ConnectorPhaseRotation" not in self.configuration.changed:
            turned = next(name for name, shift in _ROTATIONS.items() if shift == self._phase_shift)
            self.configuration.learn("ConnectorPhaseRotation", f"0.{turned}")
        by_number = dict(
            part.partition(".")[::2] for part in self.configuration.texts("ConnectorPhaseRotation")
        )
        for number, outlet in self.outlets.items():
            name = by_number.get(str(number), by_number.get("0", "RST"))
            outlet.phase_shift = _ROTATIONS.get(name, 0)

    def _expire(self) -> None:
        now_us = self.clock.now_us()
        for place, one in list(self.state.reservations.items()):
            if one.expires_us <= now_us:
                self.reserve(place, None)

    def _mark_reserved(self) -> None:
        for number, outlet in self.outlets.items():
            outlet.reserved = number in self.state.reservations

    def _changed(self) -> None:
        self._divide()
        for number in self.outlets:
            self.statuses.tell(number)

    def _divide(self) -> None:
        divide(self.outlets.values(), self.profiles, self.clock.now_us())
