"""Smart charging profile."""

from __future__ import annotations

from scada.charging.profile_text import composite_body, parse
from scada.charging.profiles import ProfileError, Purpose, Situation, Unit, check_place
from scada.core import moment
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Handler
from scada.simulator.configuration import STACK_LEVEL_MAX
from scada.simulator.orders.common import Charger, Payload
from scada.simulator.power import situation_of, supply_of


class LimitOrders:
    """Handlers of smart charging."""

    def __init__(self, charger: Charger) -> None:
        self._charger = charger
        self._hardware = charger.hardware

    def handlers(self) -> dict[str, Handler]:
        """Action → handler."""
        return {
            "SetChargingProfile": self._set,
            "ClearChargingProfile": self._clear,
            "GetCompositeSchedule": self._composite,
        }

    async def _set(self, request: Payload) -> Payload:
        number = request["connectorId"]
        try:
            profile = parse(request["csChargingProfiles"], "csChargingProfiles")
            check_place(number, profile)
        except ProfileError as error:
            raise CallError("PropertyConstraintViolation", str(error)) from None
        if profile.stack_level > STACK_LEVEL_MAX or (number and number not in self._hardware.outlets):
            return {"status": "Rejected"}
        if profile.transaction_id is not None:
            transaction = self._hardware.outlets[number].state.transaction
            if transaction is None or transaction.id != profile.transaction_id:
                return {"status": "Rejected"}
        try:
            self._hardware.install(number, profile)
        except ProfileError:  # no transaction runs, or the charger is full
            return {"status": "Rejected"}
        return {"status": "Accepted"}

    async def _clear(self, request: Payload) -> Payload:
        purpose = request.get("chargingProfilePurpose")
        cleared = self._hardware.profiles.clear(
            profile_id=request.get("id"),
            connector=request.get("connectorId"),
            purpose=Purpose(purpose) if purpose is not None else None,
            stack_level=request.get("stackLevel"),
        )
        if not cleared:
            return {"status": "Unknown"}
        self._hardware.limits_changed()
        return {"status": "Accepted"}

    async def _composite(self, request: Payload) -> Payload:
        number, hardware = request["connectorId"], self._hardware
        if (number and number not in hardware.outlets) or request["duration"] <= 0:
            return {"status": "Rejected"}
        situation = (
            situation_of(hardware.outlets[number])
            if number
            else Situation(supply=supply_of(hardware.outlets.values()))
        )
        unit = Unit(request.get("chargingRateUnit", "A"))
        composite = hardware.profiles.composite(
            number, hardware.clock.now_us(), request["duration"], unit, situation
        )
        return {
            "status": "Accepted",
            "connectorId": number,
            "scheduleStart": moment.text(composite.start_us),
            "chargingSchedule": composite_body(composite),
        }
