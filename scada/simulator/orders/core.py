"""Core and remote trigger profiles."""

from __future__ import annotations

import asyncio

from scada.charging.profile_text import parse
from scada.charging.profiles import Profile, ProfileError, Purpose, check_place
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Handler
from scada.simulator.configuration import KEYS_MAX
from scada.simulator.orders.common import Charger, Payload, can_start
from scada.simulator.outlet import Outlet

VENDOR = "net.scada.simulator"
"""The vendorId whose DataTransfer it understands: it sends the data back (4.3, 5.6)."""


class CoreOrders:
    """Handlers of core and trigger."""

    def __init__(self, charger: Charger) -> None:
        self._charger = charger
        self._hardware = charger.hardware
        self._tasks: set[asyncio.Task[None]] = set()

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
        number, id_tag = request.get("connectorId"), request["idTag"]
        outlets = self._hardware.outlets
        candidates = [outlets[number]] if number in outlets else [] if number else list(outlets.values())
        ready = [one for one in candidates if can_start(one) and self._hardware.may_use(one.number, id_tag)]
        profile = self._profile(request)
        if not ready or (profile is not None and number is None):
            return {"status": "Rejected"}
        # With no connector named: the one where a vehicle waits.
        chosen = next((outlet for outlet in ready if outlet.state.vehicle is not None), ready[0])
        if self._hardware.configuration.flag("AuthorizeRemoteTxRequests"):
            task = asyncio.get_running_loop().create_task(self._ask_first(chosen, id_tag, profile))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._begin(chosen, id_tag, profile)
        return {"status": "Accepted"}

    async def _ask_first(self, outlet: Outlet, id_tag: str, profile: Profile | None) -> None:
        if await self._charger.authorize(id_tag) == "Accepted" and can_start(outlet):
            self._begin(outlet, id_tag, profile)

    def _begin(self, outlet: Outlet, id_tag: str, profile: Profile | None) -> None:
        self._hardware.admit(outlet.number, id_tag, profile)

    def _profile(self, request: Payload) -> Profile | None:
        """The profile of a remote start: a TxProfile without transaction (5.11)."""
        body = request.get("chargingProfile")
        if body is None:
            return None
        try:
            profile = parse(body)
            check_place(1, profile)
        except ProfileError as error:
            raise CallError("PropertyConstraintViolation", str(error)) from None
        if profile.purpose is not Purpose.TX or profile.transaction_id is not None:
            raise CallError(
                "PropertyConstraintViolation", "chargingProfile: a TxProfile without transactionId"
            )
        return profile

    async def _remote_stop(self, request: Payload) -> Payload:
        for number, outlet in self._hardware.outlets.items():
            transaction = outlet.state.transaction
            if transaction is not None and transaction.id == request["transactionId"]:
                self._hardware.stop(number, "Remote")
                return {"status": "Accepted"}
        return {"status": "Rejected"}

    async def _reset(self, request: Payload) -> Payload:
        self._charger.begin_reset(f"{request['type']}Reset")
        return {"status": "Accepted"}

    async def _change_availability(self, request: Payload) -> Payload:
        number, operative = request["connectorId"], request["type"] == "Operative"
        outlets = self._hardware.outlets
        if number and number not in outlets:
            return {"status": "Rejected"}
        statuses = [self._hardware.set_operative(n, operative) for n in ([number] if number else outlets)]
        return {"status": "Scheduled" if "Scheduled" in statuses else "Accepted"}

    async def _get_configuration(self, request: Payload) -> Payload:
        keys = request.get("key", [])
        if len(keys) > KEYS_MAX:
            raise CallError("OccurenceConstraintViolation", f"key: at most {KEYS_MAX}")
        return self._hardware.configuration.read(keys)

    async def _change_configuration(self, request: Payload) -> Payload:
        key, value = request["key"], request["value"]
        if not self._charger.permits(key, value):
            return {"status": "Rejected"}
        return {"status": self._hardware.configuration.set(key, value)}

    async def _trigger_message(self, request: Payload) -> Payload:
        wanted, number = request["requestedMessage"], request.get("connectorId")
        hardware = self._hardware
        if number is not None and number not in hardware.outlets and not (number == 0 and wanted[0] == "S"):
            return {"status": "Rejected"}
        if wanted == "BootNotification":
            self._charger.tell_boot()
        elif wanted == "Heartbeat":
            self._charger.tell("Heartbeat", {})
        elif wanted == "StatusNotification":
            for one in [0, *hardware.outlets] if number is None else [number]:
                hardware.statuses.tell(one, always=True)
        elif wanted == "MeterValues":
            for one in [number] if number else hardware.outlets:
                hardware.sampler.measure(one, "Trigger")
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
        if not self._hardware.configuration.flag("AuthorizationCacheEnabled"):
            return {"status": "Rejected"}
        self._hardware.state.cache.clear()
        return {"status": "Accepted"}

    async def _data_transfer(self, request: Payload) -> Payload:
        if request["vendorId"] != VENDOR:
            return {"status": "UnknownVendorId"}
        if request.get("messageId") != "Echo":
            return {"status": "UnknownMessageId"}
        return {"status": "Accepted", "data": str(request.get("data", ""))}
