"""What a simulated charger does when the central system calls (OCPP 1.6 chapter 5).

Actions that are not here are answered NotSupported or NotImplemented by the peer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scada.drivers.ocpp.peer import Handler
from scada.simulator.hardware import Hardware
from scada.simulator.outlet import Outlet

Payload = dict[str, Any]


class Orders:
    """The handlers of one charger.

    Args:
        trigger: sends a message of the charger itself soon: `BootNotification` or `Heartbeat`.
        reboot: begins a reset of the given type soon, after the answer is out.
    """

    def __init__(
        self, hardware: Hardware, trigger: Callable[[str], None], reboot: Callable[[str], None]
    ) -> None:
        self._hardware, self._trigger, self._reboot = hardware, trigger, reboot

    def handlers(self) -> dict[str, Handler]:
        """Action → handler."""
        return {
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "Reset": self._reset,
            "ChangeAvailability": self._change_availability,
            "GetConfiguration": self._get_configuration,
            "ChangeConfiguration": self._change_configuration,
            "TriggerMessage": self._trigger_message,
            "UnlockConnector": self._unlock,
            "ClearCache": self._clear_cache,
            "DataTransfer": self._data_transfer,
        }

    async def _remote_start(self, request: Payload) -> Payload:
        number = request.get("connectorId")
        outlets = self._hardware.outlets
        candidates = [outlets[number]] if number in outlets else [] if number else list(outlets.values())
        ready = [outlet for outlet in candidates if _can_start(outlet)]
        if not ready:
            return {"status": "Rejected"}
        # With no connector named: the one where a vehicle waits.
        chosen = next((outlet for outlet in ready if outlet.state.vehicle is not None), ready[0])
        self._hardware.admit(chosen.number, request["idTag"])
        return {"status": "Accepted"}

    async def _remote_stop(self, request: Payload) -> Payload:
        for number, outlet in self._hardware.outlets.items():
            transaction = outlet.state.transaction
            if transaction is not None and transaction.id == request["transactionId"]:
                self._hardware.stop(number, "Remote")
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    async def _reset(self, request: Payload) -> Payload:
        self._reboot(request["type"])
        return {"status": "Accepted"}

    async def _change_availability(self, request: Payload) -> Payload:
        number, operative = request["connectorId"], request["type"] == "Operative"
        outlets = self._hardware.outlets
        if number and number not in outlets:
            return {"status": "Rejected"}
        statuses = [self._hardware.set_operative(n, operative) for n in ([number] if number else outlets)]
        return {"status": "Scheduled" if "Scheduled" in statuses else "Accepted"}

    async def _get_configuration(self, request: Payload) -> Payload:
        return self._hardware.configuration.read(request.get("key", []))

    async def _change_configuration(self, request: Payload) -> Payload:
        return {"status": self._hardware.configuration.set(request["key"], request["value"])}

    async def _trigger_message(self, request: Payload) -> Payload:
        wanted, number = request["requestedMessage"], request.get("connectorId")
        hardware = self._hardware
        if number is not None and number not in hardware.outlets:
            return {"status": "Rejected"}
        if wanted in ("BootNotification", "Heartbeat"):
            self._trigger(wanted)
        elif wanted == "StatusNotification":
            for one in [number] if number else [0, *hardware.outlets]:
                hardware.tell_status(one, always=True)
        elif wanted == "MeterValues":
            for one in [number] if number else hardware.outlets:
                hardware.measure(one, "Trigger")
        else:
            return {"status": "NotImplemented"}
        return {"status": "Accepted"}

    async def _unlock(self, request: Payload) -> Payload:
        outlet = self._hardware.outlets.get(request["connectorId"])
        if outlet is None or outlet.is_dc:  # a DC cable hangs on the charger: there is no lock to open
            return {"status": "NotSupported"}
        if outlet.error_code == "ConnectorLockFailure":
            return {"status": "UnlockFailed"}
        self._hardware.stop(outlet.number, "UnlockCommand")
        return {"status": "Unlocked"}

    async def _clear_cache(self, _: Payload) -> Payload:
        self._hardware.state.cache.clear()
        return {"status": "Accepted"}

    async def _data_transfer(self, _: Payload) -> Payload:
        return {"status": "UnknownVendorId"}


def _can_start(outlet: Outlet) -> bool:
    state = outlet.state
    return state.transaction is None and state.operative and outlet.error_code == "NoError"
