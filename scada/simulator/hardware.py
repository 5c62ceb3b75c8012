"""A simulated charger without its network: outlets, reader, contactors, meters. Synchronous; time is given.

What it has to tell goes out by two ways: `queue` for what must arrive (transactions), `tell` for what is of the
moment (states).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scada.core.plant import Charger
from scada.simulator.configuration import Configuration
from scada.simulator.outlet import Outlet, OutletState, Transaction
from scada.simulator.samples import meter_value
from scada.simulator.storage import ChargerState, Message, TransactionQueue
from scada.simulator.vehicle import Vehicle

CACHE_MAX = 100
"""Tokens remembered as good; at it the oldest is forgotten."""
FIRST_SAMPLE_S = 2.0
"""After the start of a transaction, so that its first values do not take a whole interval."""

Tell = Callable[[str, dict[str, Any]], bool]
"""Takes (action, payload) of a message that is worth nothing later; False: there is no link, it is dropped."""


@dataclass(slots=True)
class _Timers:
    """Real seconds left."""

    sample_s: float = 0.0
    authorized_s: float = 0.0


class Hardware:
    """One charger.

    Args:
        state: of an earlier life; kept up to date.
        speed: simulated seconds a real second.
        now: the time as OCPP writes it, always the real one.
        tell: takes messages of the moment.
        owe: called when something was put into the queue, or the state must be saved.
    """

    def __init__(
        self,
        charger: Charger,
        state: ChargerState,
        *,
        speed: float,
        rng: random.Random,
        now: Callable[[], str],
        tell: Tell,
        owe: Callable[[], None],
    ) -> None:
        self.charger = charger
        self.state = state
        self.queue = TransactionQueue(state.queue)
        self.configuration = Configuration(len(charger.connectors), state.configuration)
        self.outlets: dict[int, Outlet] = {}
        self._speed, self._rng, self._now, self._tell, self._owe = speed, rng, now, tell, owe
        self._timers: dict[int, _Timers] = {}
        self._told: dict[int, tuple[str, str, str]] = {}
        self._aligned_s = 0.0
        for spec in charger.connectors:
            saved = state.outlets.setdefault(spec.number, OutletState(register_wh=rng.uniform(0.5e6, 9e6)))
            self.outlets[spec.number] = Outlet(spec=spec, state=saved)
            self._timers[spec.number] = _Timers()
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
        """The vehicle is disconnected; a transaction ends with it."""
        outlet = self.outlets[number]
        if outlet.state.transaction is not None:
            self.stop(number, "EVDisconnected")
        outlet.state.vehicle = None
        outlet.state.finished = False
        self._changed()

    def fault(self, number: int, error_code: str, vendor_error_code: str = "") -> None:
        """A fault opens the contactor and ends the transaction; `NoError` is the recovery."""
        outlet = self.outlets[number]
        outlet.error_code, outlet.vendor_error_code = error_code, vendor_error_code
        if error_code != "NoError" and outlet.state.transaction is not None:
            self.stop(number, "Other")
        self._changed()

    def heat(self, number: int, extra_c: float) -> None:
        """A bad contact makes the plug warmer by up to `extra_c`; 0 ends it."""
        self.outlets[number].heat_c = extra_c

    def admit(self, number: int, id_tag: str) -> None:
        """A token is good: start, or wait for a vehicle as long as ConnectionTimeOut says."""
        outlet = self.outlets[number]
        if outlet.state.vehicle is not None:
            self.start(number, id_tag)
        else:
            outlet.authorized = id_tag
            self._timers[number].authorized_s = self.configuration.number("ConnectionTimeOut")
        self._changed()

    def start(self, number: int, id_tag: str) -> None:
        """Begin a transaction."""
        outlet = self.outlets[number]
        transaction = Transaction(
            key=f"{self._rng.getrandbits(64):016x}",
            id_tag=id_tag,
            started=self._now(),
            meter_start_wh=int(outlet.state.register_wh),
        )
        outlet.state.transaction = transaction
        outlet.authorized = None
        self._timers[number].sample_s = FIRST_SAMPLE_S
        payload = {
            "connectorId": number,
            "idTag": id_tag,
            "meterStart": transaction.meter_start_wh,
            "timestamp": transaction.started,
        }
        self.queue.put(Message("StartTransaction", payload, transaction.key))
        self._owe()
        self._changed()

    def stop(self, number: int, reason: str, id_tag: str = "") -> None:
        """End the transaction. The reason is one of OCPP 1.6 7.36."""
        outlet = self.outlets[number]
        transaction = outlet.state.transaction
        if transaction is None:
            return
        payload: dict[str, Any] = {
            "meterStop": int(outlet.state.register_wh),
            "timestamp": self._now(),
            "reason": reason,
        }
        if id_tag:
            payload["idTag"] = id_tag
        if transaction.id is not None:
            payload["transactionId"] = transaction.id
        outlet.state.transaction = None
        outlet.state.finished = outlet.state.vehicle is not None
        if outlet.close_later:
            outlet.close_later, outlet.state.operative = False, False
        self.queue.put(Message("StopTransaction", payload, transaction.key))
        self._owe()
        self._changed()

    def answered(self, message: Message, answer: dict[str, Any]) -> None:
        """The central system has answered a queued message."""
        self.queue.remove(message)
        if message.action != "StartTransaction":
            if message.action == "StopTransaction":
                self._owe()
            return
        transaction_id = int(answer["transactionId"])
        self.queue.name(message.key, transaction_id)
        good = answer["idTagInfo"]["status"] == "Accepted"
        self.remember(message.payload["idTag"], good)
        for number, outlet in self.outlets.items():
            transaction = outlet.state.transaction
            if transaction is not None and transaction.key == message.key:
                transaction.id = transaction_id
                if not good and self.configuration.flag("StopTransactionOnInvalidId"):
                    self.stop(number, "DeAuthorized")
        self._owe()

    def remember(self, id_tag: str, good: bool) -> None:
        """The authorization cache (OCPP 1.6 3.5.1): used while there is no link."""
        cache = self.state.cache
        if id_tag in cache:
            cache.remove(id_tag)
        if good and self.configuration.flag("AuthorizationCacheEnabled"):
            cache.append(id_tag)
            del cache[:-CACHE_MAX]

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

    # -- time --------------------------------------------------------------------------------------------

    def step(self, real_s: float) -> None:
        """Let time pass: physics at `speed`, message intervals in real time."""
        for number, outlet in self.outlets.items():
            outlet.step(real_s * self._speed, self._rng)
            timers = self._timers[number]
            if outlet.authorized is not None:
                timers.authorized_s -= real_s
                if timers.authorized_s <= 0:
                    outlet.authorized = None
            interval_s = self.configuration.number("MeterValueSampleInterval")
            if outlet.state.transaction is not None and interval_s:
                timers.sample_s -= real_s
                if timers.sample_s <= 0:
                    timers.sample_s = max(timers.sample_s + interval_s, 0.0)
                    self._sample(outlet, outlet.state.transaction)
        self._align(real_s)
        self._changed()

    def measure(self, number: int, context: str) -> None:
        """Tell the values of one connector outside any transaction (clock-aligned, or as asked for)."""
        outlet = self.outlets[number]
        key = "MeterValuesAlignedData" if context == "Sample.Clock" else "MeterValuesSampledData"
        value = meter_value(outlet, self.configuration.texts(key), self._now(), context)
        if not value["sampledValue"]:
            return
        payload: dict[str, Any] = {"connectorId": number, "meterValue": [value]}
        if outlet.state.transaction is not None and outlet.state.transaction.id is not None:
            payload["transactionId"] = outlet.state.transaction.id
        self._tell("MeterValues", payload)

    def tell_status(self, number: int, *, always: bool = False) -> None:
        """StatusNotification of a connector, or (0) of the charger, where it is another than was told last."""
        outlet = self.outlets.get(number)
        now = ("Available", "NoError", "")
        if outlet is not None:
            now = (outlet.status, outlet.error_code, outlet.vendor_error_code)
        if not always and self._told.get(number) == now:
            return
        status, error_code, vendor_error_code = now
        payload = {
            "connectorId": number,
            "errorCode": error_code,
            "status": status,
            "timestamp": self._now(),
        }
        if vendor_error_code:
            payload["vendorErrorCode"] = vendor_error_code
        if self._tell("StatusNotification", payload):
            self._told[number] = now

    def tell_all(self) -> None:
        """What is not told yet."""
        for number in (0, *self.outlets):
            self.tell_status(number)

    def booted(self) -> None:
        """The central system has accepted the boot: it is told everything."""
        self.forget_told()
        self.tell_all()
        self._aligned_s = float(self.configuration.number("ClockAlignedDataInterval"))

    def forget_told(self, number: int | None = None) -> None:
        """The central system does not know a state (any more); None: any state."""
        if number is None:
            self._told.clear()
        else:
            self._told.pop(number, None)

    def reboot(self, reason: str) -> None:
        """Stop what runs; what a charger keeps only in memory is gone."""
        for number, outlet in self.outlets.items():
            self.stop(number, reason)
            outlet.authorized = None
            outlet.state.finished = False
        self.forget_told()

    def _sample(self, outlet: Outlet, transaction: Transaction) -> None:
        measurands = self.configuration.texts("MeterValuesSampledData")
        value = meter_value(outlet, measurands, self._now(), "Sample.Periodic")
        if not value["sampledValue"]:
            return
        payload: dict[str, Any] = {"connectorId": outlet.number, "meterValue": [value]}
        if transaction.id is not None:
            payload["transactionId"] = transaction.id
        self.queue.put(Message("MeterValues", payload, transaction.key))
        self._owe()  # also so that after a kill the register never stands below one that was told

    def _align(self, real_s: float) -> None:
        interval_s = self.configuration.number("ClockAlignedDataInterval")
        if not interval_s:
            return
        self._aligned_s += real_s
        if self._aligned_s >= interval_s:
            self._aligned_s = 0.0
            for number, outlet in self.outlets.items():
                if outlet.state.transaction is None:
                    self.measure(number, "Sample.Clock")

    def _changed(self) -> None:
        self._divide()
        for number in self.outlets:
            self.tell_status(number)

    def _divide(self) -> None:
        """What each outlet may draw: the outlets of a DC charger share its power stage."""
        busy = sum(1 for o in self.outlets.values() if o.is_dc and o.state.transaction is not None)
        for outlet in self.outlets.values():
            spec = outlet.spec
            if outlet.is_dc:
                outlet.offered_a = spec.current_max_a / max(1, busy)
            else:
                outlet.offered_a = min(spec.current_max_a, spec.power_max_kw * 1000 / (spec.phases * 230.0))
