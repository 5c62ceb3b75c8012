"""Local authorization list and reservation profiles."""

from __future__ import annotations

from scada.core import moment
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Handler
from scada.simulator.access import Reservation
from scada.simulator.configuration import LIST_UPDATE_MAX
from scada.simulator.orders.common import Charger, Payload


class ListOrders:
    """Handlers of local list and reservations."""

    def __init__(self, charger: Charger) -> None:
        self._charger = charger
        self._hardware = charger.hardware

    def handlers(self) -> dict[str, Handler]:
        """Action → handler."""
        return {
            "GetLocalListVersion": self._version,
            "SendLocalList": self._send,
            "ReserveNow": self._reserve,
            "CancelReservation": self._cancel,
        }

    async def _version(self, _: Payload) -> Payload:
        # -1: lists are not supported, 0: there is none (5.10)
        enabled = self._hardware.configuration.flag("LocalAuthListEnabled")
        return {"listVersion": self._hardware.state.local_list_version if enabled else -1}

    async def _send(self, request: Payload) -> Payload:
        state = self._hardware.state
        if not self._hardware.configuration.flag("LocalAuthListEnabled"):
            return {"status": "NotSupported"}
        entries, full = request.get("localAuthorizationList", []), request["updateType"] == "Full"
        if len(entries) > LIST_UPDATE_MAX or request["listVersion"] <= 0:
            return {"status": "Failed"}
        if not full and request["listVersion"] <= state.local_list_version:
            return {"status": "VersionMismatch"}
        if not self._hardware.access.update_list(entries, full=full):
            return {"status": "Failed"}
        state.local_list_version = request["listVersion"]
        self._hardware.keep()
        return {"status": "Accepted"}

    async def _reserve(self, request: Payload) -> Payload:
        number = request["connectorId"]
        expires_us = moment.parse(request["expiryDate"])
        if expires_us is None:
            raise CallError("PropertyConstraintViolation", "expiryDate: no time")
        hardware = self._hardware
        reservation = Reservation(
            request["reservationId"], request["idTag"], request.get("parentIdTag", ""), expires_us
        )
        if (number and number not in hardware.outlets) or expires_us <= hardware.clock.now_us():
            return {"status": "Rejected"}
        status = self._room(number, reservation.id)
        if status == "Accepted":
            hardware.reserve(number, reservation)
        return {"status": status}

    def _room(self, number: int, reservation_id: int) -> str:
        """ReservationStatus (7.35) of a wish; one that is there already may be moved or replaced."""
        hardware = self._hardware
        kept = hardware.state.reservations.get(number)
        if kept is not None and kept.id != reservation_id:
            return "Occupied"
        if kept is not None:
            return "Accepted"
        outlets = [hardware.outlets[number]] if number else list(hardware.outlets.values())
        if any(outlet.free and outlet.authorized is None for outlet in outlets):
            return "Accepted"
        if any(outlet.error_code == "NoError" and outlet.state.operative for outlet in outlets):
            return "Occupied"
        return "Faulted" if any(outlet.error_code != "NoError" for outlet in outlets) else "Unavailable"

    async def _cancel(self, request: Payload) -> Payload:
        for number, one in self._hardware.state.reservations.items():
            if one.id == request["reservationId"]:
                self._hardware.reserve(number, None)
                return {"status": "Accepted"}
        return {"status": "Rejected"}
