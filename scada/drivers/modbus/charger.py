"""A charger without OCPP: its registers make it a full member, with a connector, sessions and commands.

What an OCPP charger decides itself is decided here: a vehicle that is plugged in asks for its session (with the charger's
token, or by an operator's RemoteStart), the session is on disk before current is released, and `Enable` follows the
session. The device's `Status` says what is true.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping

import structlog

from scada.charging.told import StartAnswer, StartTransaction, StopTransaction
from scada.core.command import Command, CommandResult, Outcome
from scada.core.effects import Event
from scada.core.errors import ScadaError
from scada.core.plant import Charger, ModbusSettings
from scada.core.records import TransactionRecord
from scada.core.tag import Tag
from scada.core.value import GOOD, TimeUs, Value
from scada.drivers.modbus.decode import Reading
from scada.drivers.modbus.device import Device, Sink
from scada.drivers.modbus.gateway import Gateway
from scada.drivers.modbus.profile import Profile
from scada.runtime.host import REQUEST_TIMEOUT_S, PlantHost
from scada.runtime.requests import Authorize

PLUGGED = frozenset(("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE"))
"""States in which a vehicle is there that may charge."""
GONE = frozenset(("Available", "Reserved"))
"""States in which no vehicle is there."""
ENABLE_AGAIN_S = 5.0
"""A release that the device did not take is tried again so often."""
START_AGAIN_S = 10.0
"""A session that the disk did not take is tried again so often."""
LOOK_EVERY_S = 1.0

MEASURANDS: Mapping[str, tuple[str, float]] = {
    "Power": ("Power.Active.Import", 1.0),
    "Energy": ("Energy.Active.Import.Register", 1000.0),
    "CurrentLimit": ("Current.Offered", 1.0),
    "Temperature": ("Temperature", 1.0),
    "SoC": ("SoC", 1.0),
    **{f"Current{phase}": (f"Current.Import@{phase}", 1.0) for phase in ("L1", "L2", "L3")},
    **{f"Voltage{phase}": (f"Voltage@{phase}", 1.0) for phase in ("L1", "L2", "L3")},
}
"""Quantity → measurand that tags name as their address, and what turns it into the measurand's base unit."""
_PLATE = {
    "Manufacturer": "Vendor",
    "Model": "Model",
    "SerialNumber": "SerialNumber",
    "Firmware": "Firmware",
}
_SINGLE = {"UnlockConnector": ("Unlock", 1.0), "Reset": ("Reset", 1.0)}
"""Commands that are one write: the register that the profile must have, and what is written."""

log = structlog.get_logger()


class ModbusCharger:
    """One charger with one connector.

    Attributes:
        gateway: the line that it is on.
    """

    gateway: Gateway

    def __init__(self, host: PlantHost, charger: Charger, profile: Profile, settings: ModbusSettings) -> None:
        assert charger.modbus is not None
        self._host, self._charger = host, charger
        self._connector = charger.connectors[0]
        self._tags = {tag.path.removeprefix(charger.path + "."): tag for tag in host.tags.below(charger.path)}
        names = ("Status", "ErrorCode", "Energy", "Enable", "CurrentLimit", "Operative", *_PLATE)
        also = [name for name in names if name in profile.registers]
        self.device = Device(
            host, charger.path, charger.modbus, profile, settings, self._sinks(), also, self._told
        )
        self._looked = asyncio.Event()
        self._status = ""
        self._settled = False
        """This vehicle has had its answer: nothing begins by itself until it is gone."""
        self._enable_again_s = self._start_again_s = 0.0
        self._limit_ends_s = math.inf
        self._turn = asyncio.Lock()

    def _sinks(self) -> list[Sink]:
        by_address: dict[str, list[Tag]] = {}
        for tag in self._tags.values():
            if tag.definition.address and tag.definition.device == self._charger.path:
                by_address.setdefault(tag.definition.address, []).append(tag)
        return [
            (quantity, tag, factor)
            for quantity, (address, factor) in MEASURANDS.items()
            for tag in by_address.get(address, ())
        ]

    def _told(self, readings: Mapping[str, Reading]) -> None:
        """Readings have come, and are in the tags."""
        now_us = self._host.clock.now_us()
        values: dict[str, Value] = {"Protocol": "Modbus"}
        for name, tag in _PLATE.items():
            if name in readings and readings[name].value is not None:
                values[tag] = readings[name].value
        if "CurrentLimit" in readings and readings["CurrentLimit"].value is not None:
            values["C1.CurrentLimit"] = readings["CurrentLimit"].value
        if "ErrorCode" in readings and readings["ErrorCode"].value is not None:
            values["C1.VendorErrorCode"] = _code(readings["ErrorCode"].value)
        self._put(values, now_us)
        energy = readings.get("Energy")
        if energy is not None and isinstance(energy.value, float):
            running = self._running()
            number = running.id if running is not None else None
            wh = float(round(energy.value * 1000))
            write = self._host.core.register(self._charger.path, 1, wh, now_us, number)
            if write is not None:
                self._host.write([write])
        if "Status" in readings:
            self._take_status(readings["Status"], now_us)
        self._looked.set()

    def _take_status(self, reading: Reading, now_us: TimeUs) -> None:
        tag = self._tags.get("C1.Status")
        if not isinstance(reading.value, str):
            if tag is not None:
                self._host.write([(tag, tag.value, int(reading.quality), now_us)])
            self._status = ""
            return
        news = reading.value != self._status or (tag is not None and tag.quality != GOOD)
        self._status = reading.value
        faulted = reading.value == "Faulted"
        values: dict[str, Value] = {
            "C1.Status": reading.value,
            "C1.ErrorCode": "OtherError" if faulted else "NoError",
            "C1.Faulted": faulted,
            "C1.Operative": reading.value != "Unavailable",
            "Status": "Unavailable" if reading.value == "Unavailable" else "Available",
        }
        self._put(values, now_us)
        if news:
            data = {"status": reading.value, "time_us": now_us}
            self._host.event(Event("status", self._connector.path, data))

    def _put(self, values: Mapping[str, Value], now_us: TimeUs) -> None:
        self._host.write(
            [(tag, value, GOOD, now_us) for name, value in values.items() if (tag := self._tags.get(name))]
        )

    async def run(self) -> None:
        """Let sessions follow the vehicle, and `Enable` the session, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._looked.wait()
            except TimeoutError:
                pass
            self._looked.clear()
            if self.device.online:
                await self._look()

    async def _look(self) -> None:
        now_s = asyncio.get_running_loop().time()
        running = self._running()
        if self._status in GONE:
            self._settled = False
            if running is not None:
                await self._end(running, "EVDisconnected")
        elif (
            self._status in PLUGGED and running is None and not self._settled and now_s >= self._start_again_s
        ):
            await self._ask()
        if now_s >= self._limit_ends_s:
            self._limit_ends_s = math.inf
            await self._limit(self._connector.current_max_a)
        async with self._turn:
            await self._follow(now_s)

    async def _follow(self, now_s: float) -> None:
        """`Enable` is what the session says."""
        wanted, has = self._running() is not None, self._number("Enable")
        if has is None or bool(has) is wanted or now_s < self._enable_again_s:
            return
        result = await self._write("Enable", 1.0 if wanted else 0.0)
        if not result.outcome.ok:
            self._enable_again_s = now_s + ENABLE_AGAIN_S
            log.warning("modbus_enable", charger=self._charger.path, wanted=wanted, reason=result.text)

    async def _ask(self) -> None:
        """A vehicle has come: may it charge with the charger's own token?"""
        if not self._charger.token or self._energy_wh() is None:
            return
        self._settled = True
        wait_s = REQUEST_TIMEOUT_S + self._host.core.authorize_wait_s(self._charger.path)
        try:
            answer = await self._host.request(Authorize(self._charger.token, self._charger.path, 1), wait_s)
            async with self._turn:
                if answer.accepted and self._status in PLUGGED and self._running() is None:
                    await self._begin(self._charger.token)
        except ScadaError as error:
            log.warning("modbus_session_waits", charger=self._charger.path, reason=str(error))
            self._settled = False
            self._start_again_s = asyncio.get_running_loop().time() + START_AGAIN_S

    async def _begin(self, id_tag: str) -> StartAnswer:
        """Put a session on disk. Raises ScadaError: it is not; nothing was released."""
        now_us = self._host.clock.now_us()
        answer: StartAnswer = await self._host.request(
            StartTransaction(
                charger=self._charger.path,
                connector=1,
                id_tag=id_tag,
                meter_start_wh=self._energy_wh() or 0,
                time_us=now_us,
            )
        )
        if not answer.authorization.accepted and (running := self._running()) is not None:
            await self._end(running, "DeAuthorized")
        return answer

    async def _end(self, running: TransactionRecord, reason: str) -> None:
        energy_wh = self._energy_wh()
        try:
            await self._host.request(
                StopTransaction(
                    charger=self._charger.path,
                    transaction_id=running.id,
                    meter_stop_wh=running.meter_start_wh + running.energy_wh
                    if energy_wh is None
                    else energy_wh,
                    time_us=self._host.clock.now_us(),
                    reason=reason,
                )
            )
        except ScadaError as error:  # the next look tries again
            log.warning("modbus_session_not_ended", charger=self._charger.path, reason=str(error))

    async def execute(self, command: Command) -> CommandResult:
        """Carry out a command, as far as the profile has registers for it."""
        arguments = command.arguments
        match command.name:
            case "SetLimit":
                return await self._set_limit(arguments["limit_a"], arguments.get("duration_s"))
            case "ClearLimit":
                self._limit_ends_s = math.inf
                return await self._limit(self._connector.current_max_a)
            case "RemoteStart":
                return await self._remote_start(arguments["id_tag"], arguments.get("limit_a"))
            case "RemoteStop":
                return await self._remote_stop()
            case "WriteRegister":
                return await self._write(arguments["register"], float(arguments["value"]))
            case "ChangeAvailability":
                return await self._single("Operative", float(arguments["type"] == "Operative"), command.name)
            case name if name in _SINGLE:
                return await self._single(*_SINGLE[name], name)
        return CommandResult(Outcome.REFUSED, f"{command.name} is nothing for a Modbus charger")

    async def _single(self, register: str, value: float, command: str) -> CommandResult:
        if register not in self.device.profile.registers:
            return CommandResult(
                Outcome.REFUSED,
                f"{command}: profile '{self.device.profile.name}' has no register '{register}'",
            )
        return await self._write(register, value)

    async def _set_limit(self, limit_a: float, duration_s: int | None) -> CommandResult:
        result = await self._limit(limit_a)
        if result.outcome.ok:
            now_s = asyncio.get_running_loop().time()
            self._limit_ends_s = now_s + duration_s if duration_s else math.inf
        return result

    async def _limit(self, limit_a: float) -> CommandResult:
        """Hold it to a current, never to more than was asked: what the register cannot hold is rounded down."""
        register = self.device.registers["CurrentLimit"]
        if register.write is not None:
            limit_a = min(limit_a, self._connector.current_max_a, register.write.high)
        step = abs(register.scale)
        if not register.type.startswith("float"):
            limit_a = math.floor(limit_a / step + 1e-6) * step
        return await self._write("CurrentLimit", limit_a)

    async def _remote_start(self, id_tag: str, limit_a: float | None) -> CommandResult:
        running = self._running()
        if running is not None:
            return CommandResult(Outcome.REFUSED, f"transaction {running.id} runs on this connector")
        if not self.device.online:
            return CommandResult(Outcome.UNREACHABLE, "the charger does not answer")
        if self._status not in PLUGGED:
            return CommandResult(
                Outcome.REFUSED, f"no vehicle that could charge (state {self._status or 'unknown'})"
            )
        if self._energy_wh() is None:
            return CommandResult(
                Outcome.FAILED, "its energy register cannot be read: nothing could be billed"
            )
        if limit_a is not None:
            result = await self._limit(limit_a)
            if not result.outcome.ok:
                return result
        async with self._turn:
            self._settled = True
            try:
                answer = await self._begin(id_tag)
            except ScadaError as error:
                return CommandResult(Outcome.FAILED, f"the session could not be kept: {error}")
            if not answer.authorization.accepted:
                why = answer.authorization.why or answer.authorization.status.value
                return CommandResult(Outcome.REFUSED, f"the token is not good ({why})")
            enabled = await self._write("Enable", 1.0)
            running = self._running()
            if not enabled.outcome.ok and running is not None:
                await self._end(running, "Other")
                return CommandResult(enabled.outcome, f"the charger was not released: {enabled.text}")
        return CommandResult(Outcome.DONE, f"transaction {answer.transaction_id} runs")

    async def _remote_stop(self) -> CommandResult:
        running = self._running()
        if running is None:
            return CommandResult(Outcome.REFUSED, "no transaction runs on this connector")
        async with self._turn:
            disabled = await self._write("Enable", 0.0)
            if not disabled.outcome.ok:
                return disabled
            self._settled = True
            await self._end(running, "Remote")
        if self._running() is not None:
            return CommandResult(Outcome.FAILED, "the charger stopped, but the session is not on disk yet")
        return CommandResult(Outcome.DONE, f"transaction {running.id} stopped (Remote)")

    async def _write(self, register: str, value: float) -> CommandResult:
        return await self.gateway.do(lambda link: self.device.write(link, register, value))

    def _running(self) -> TransactionRecord | None:
        return self._host.core.sessions.open_on(self._charger.path, 1)

    def _number(self, name: str) -> float | None:
        reading = self.device.readings.get(name)
        value = reading[0].value if reading is not None and self.device.online else None
        return float(value) if isinstance(value, float | bool) else None

    def _energy_wh(self) -> int | None:
        energy_kwh = self._number("Energy")
        return None if energy_kwh is None else round(energy_kwh * 1000)


def _code(value: Value) -> str:
    """A device's own error code as a text; 0 is none."""
    if isinstance(value, float):
        return f"{value:g}" if value else ""
    return str(value or "")
