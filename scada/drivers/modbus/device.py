"""One device on a line: what its answers mean for its tags, and what is written to it."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from scada.core.command import CommandResult, Outcome
from scada.core.database import Write
from scada.core.plant import ModbusEndpoint, ModbusSettings
from scada.core.tag import Tag
from scada.core.value import GOOD, SECOND_US, Kind, Quality, Value
from scada.drivers.modbus import sunspec
from scada.drivers.modbus.decode import Reading, all_ones, decode, encode, resolution
from scada.drivers.modbus.judge import Steps
from scada.drivers.modbus.link import Link, LinkLost, NoAnswer, Refused
from scada.drivers.modbus.planner import Block, plan, split
from scada.drivers.modbus.profile import Limits, Profile, Register
from scada.drivers.modbus.schedule import Schedule
from scada.runtime.host import PlantHost

OFFLINE_AFTER = 2
"""Failed rounds in a row that take a device offline: one lost answer is no news, two are."""
READBACKS = 3
READBACK_EVERY_S = 0.1
"""A device may need a moment until it reads as it was written; other devices of the line wait meanwhile."""
FAILSAFE_RETRY_S = 60.0

Sink = tuple[str, Tag, float]
"""The device's quantity, the tag it goes to, and a factor."""
log = structlog.get_logger()


class Device:
    """A device behind a gateway.

    Args:
        sinks: where readings go.
        also: quantities that are read besides.
        told: called with the readings of each round; the tags are written then.

    Attributes:
        failures: rounds that brought nothing, in a row.
        readings: quantity → its last reading, and when it came (µs).
        registers: what it has (of a SunSpec device after its models are known).
    """

    def __init__(
        self,
        host: PlantHost,
        path: str,
        endpoint: ModbusEndpoint,
        profile: Profile,
        settings: ModbusSettings,
        sinks: Iterable[Sink],
        also: Iterable[str] = (),
        told: Callable[[Mapping[str, Reading]], None] = lambda _: None,
    ) -> None:
        self.path, self.endpoint, self.profile = path, endpoint, profile
        self.failures = 0
        self.readings: dict[str, tuple[Reading, int]] = {}
        self.registers: Mapping[str, Register] = {}
        self._host, self._settings, self._told = host, settings, told
        self._online: bool | None = None
        self._errors = 0
        self._complaint = ""
        self._online_tag, self._errors_tag, self._round_trip_tag = (
            host.tags.get(f"{path}.{name}") for name in ("Online", "Errors", "RoundTrip")
        )
        self._sinks: dict[str, list[tuple[Tag, float]]] = {}
        for quantity, tag, factor in sinks:
            self._sinks.setdefault(quantity, []).append((tag, factor))
        self._wanted = tuple(dict.fromkeys((*self._sinks, *also)))
        self._steps = Steps()
        self._schedule = Schedule((), {}, profile.limits, {})
        self._walked = False
        self._beat = 0
        self._beat_due_s = self._failsafe_due_s = 0.0
        self.renew()

    @property
    def online(self) -> bool:
        """Whether it answers."""
        return self._online is True

    @property
    def errors(self) -> int:
        """Requests without a usable answer since the start."""
        return self._errors

    @property
    def due_s(self) -> float:
        """When it wants its turn, in the loop's time."""
        due_s = self._schedule.due_s() if self._walked else 0.0
        if self.online and self.profile.watchdog is not None:
            due_s = min(due_s, self._beat_due_s)
        return max(due_s, self._postponed_s)

    def renew(self) -> None:
        """Forget what was learned: the device may be another one now."""
        self._walked = not self.profile.sunspec
        self._postponed_s = 0.0
        self._failsafe_due_s = 0.0
        self._plan(self.profile.registers)

    def _plan(self, registers: Mapping[str, Register]) -> None:
        self.registers = registers
        settings = self._settings
        fast_s = self.endpoint.poll_us / SECOND_US
        self._schedule = Schedule(
            (registers[name] for name in self._wanted if name in registers),
            registers,
            self.profile.limits,
            {
                "fast": fast_s,
                "normal": max(fast_s, settings.normal_us / SECOND_US),
                "slow": max(fast_s, settings.slow_us / SECOND_US),
                "once": None,
            },
        )

    async def turn(self, link: Link) -> bool:
        """Do what is due: read and write the tags, tell the watchdog, set what it falls back to.

        A refused block is read in ever smaller pieces, so that only the registers that the device does not
        have go Bad (at most two requests a register). Silence ends the turn: nothing of the class is written.

        Returns:
            Whether the device said anything at all, be it a refusal.
        """
        loop = asyncio.get_running_loop()
        try:
            if not self._walked:
                await self._discover(link)
            for poll in self._schedule.due(loop.time()):
                await self._round(link, poll)
            if self.online:
                await self._guard(link)
        except (NoAnswer, LinkLost) as error:
            self._errors += 1
            self._fail(str(error))
            return False
        return True

    async def _discover(self, link: Link) -> None:
        walk = sunspec.ModelWalk()
        while walk.address is not None:
            register = sunspec.header("model", walk.address)
            try:
                words: Sequence[int] | None = await self._read(link, plan((register,), Limits())[0])
            except Refused:
                words = None
            walk.take(words)
        self._plan(sunspec.placed(self.profile, walk.models))
        self._walked = True
        missing = [name for name in self._wanted if name not in self.registers]
        log.info("sunspec_models", device=self.path, models=sorted(walk.models), missing=missing)
        self._put({name: Reading(None, Quality.BAD_DEVICE_FAILURE, "not in its models") for name in missing})
        if not self._schedule.blocks:
            self._walked = False  # it may be a device that starts up
            self._fail("no SunSpec model that the profile knows")

    async def _round(self, link: Link, poll: str) -> None:
        loop = asyncio.get_running_loop()
        words: dict[str, Sequence[int]] = {}
        readings: dict[str, Reading] = {}
        layout: list[Block] = []
        pending = deque(self._schedule.blocks[poll])
        requests = usable = 0
        started = loop.time()
        while pending:
            block = pending.popleft()
            requests += 1
            try:
                answer = await self._read(link, block)
            except Refused as refusal:
                pieces = split(block)
                if refusal.divisible and len(pieces) > 1:
                    pending.extendleft(reversed(pieces))
                    continue
                layout.append(block)
                self._errors += 1
                for register in block.registers:
                    readings[register.name] = Reading(None, Quality.BAD_DEVICE_FAILURE, f"refused: {refusal}")
                continue
            layout.append(block)
            # Of an answer of another length nobody knows which register is which.
            whole = len(answer) == block.count and not all_ones(answer)
            usable += whole
            self._errors += not whole
            for register in block.registers:
                start = register.address - block.address
                words[register.name] = answer[start : start + register.words] if whole else ()
        round_trip_ms = (loop.time() - started) * 1000 / max(1, requests)
        self._schedule.done(poll, tuple(layout), loop.time())
        readings |= self._decode(words, readings)
        if usable:
            self.failures = 0
            self._set_online(True, "")
        self._put(readings, round_trip_ms)
        if not usable and requests:
            self._fail("no request was answered with data")

    async def _read(self, link: Link, block: Block) -> list[int]:
        """Read, and once more after silence where the device is known to answer."""
        if self.profile.limits.gap_s:
            await asyncio.sleep(self.profile.limits.gap_s)
        for _ in range(self._settings.retries if self.online else 0):
            try:
                return await link.read(self.endpoint.unit_id, block)
            except NoAnswer:
                self._errors += 1
        return await link.read(self.endpoint.unit_id, block)

    def _decode(
        self, words: Mapping[str, Sequence[int]], refused: Mapping[str, Reading]
    ) -> dict[str, Reading]:
        out: dict[str, Reading] = {}
        for name, of_it in words.items():
            register = self.registers[name]
            exponent = 0
            if register.scale_register:
                scale = self.registers[register.scale_register]
                reading = refused.get(scale.name) or decode(scale, words.get(scale.name, ()))
                if not isinstance(reading.value, float):
                    out[name] = Reading(None, reading.quality, f"{scale.name}: {reading.reason}")
                    continue
                exponent = round(reading.value)
            out[name] = self._steps.judge(register, decode(register, of_it, exponent))
        return out

    def _put(self, readings: Mapping[str, Reading], round_trip_ms: float | None = None) -> None:
        now_us = self._host.clock.now_us()
        batch: list[Write] = []
        for name, reading in readings.items():
            self.readings[name] = (reading, now_us)
            for tag, factor in self._sinks.get(name, ()):
                batch.append((tag, *_fit(tag, reading, factor), now_us))
        if self._round_trip_tag is not None and round_trip_ms is not None:
            batch.append((self._round_trip_tag, round(round_trip_ms, 1), GOOD, now_us))
        self._host.write(batch)
        self._write_counters()
        self._say()
        self._told(readings)

    def _fail(self, reason: str) -> None:
        """A turn brought nothing: the next one comes later, and later."""
        self.failures += 1
        self._write_counters()
        if self.failures >= OFFLINE_AFTER:
            self._set_online(False, reason)
        fast_s = self.endpoint.poll_us / SECOND_US
        back_off_s = min(fast_s * 2.0 ** min(self.failures, 16), self._settings.retry_max_s)
        wait_s = fast_s if self.online else max(fast_s, back_off_s * random.uniform(0.8, 1.2))
        self._postponed_s = asyncio.get_running_loop().time() + wait_s

    def lose(self, reason: str) -> None:
        """There is no connection to the gateway."""
        self.failures = max(self.failures + 1, OFFLINE_AFTER)
        self._errors += 1
        self._write_counters()
        self._set_online(False, reason)

    def _set_online(self, online: bool, reason: str) -> None:
        if self._online is online:
            return
        if online:
            log.info("link_up", device=self.path)
            self._failsafe_due_s = 0.0
        elif self._online is None:
            # At the start of the whole system a device may come later than we do; the alarm has its delay too.
            log.info("link_awaited", device=self.path, reason=reason)
        else:
            log.warning("link_lost", device=self.path, reason=reason)
        self._online = online
        if self._online_tag is not None:
            self._host.write([(self._online_tag, online, GOOD, self._host.clock.now_us())])
        self._host.link(self.path, online)

    def _write_counters(self) -> None:
        if self._errors_tag is not None:
            self._host.write([(self._errors_tag, float(self._errors), GOOD, self._host.clock.now_us())])

    def _say(self) -> None:
        """Log what is wrong with the readings when it changes, not at each round."""
        bad = {name: one.reason for name, (one, _) in self.readings.items() if one.value is None}
        complaint = ",".join(sorted(bad))
        if complaint != self._complaint:
            self._complaint = complaint
            if bad:
                log.warning("modbus_bad_readings", device=self.path, readings=bad)
            else:
                log.info("modbus_readings_good_again", device=self.path)

    async def _guard(self, link: Link) -> None:
        """Tell the device that we live, and what to do when we do not."""
        now_s = asyncio.get_running_loop().time()
        if self.profile.failsafe and now_s >= self._failsafe_due_s:
            self._failsafe_due_s = float("inf")
            for name, value in self.profile.failsafe.items():
                result = await self.write(link, name, value)
                if not result.outcome.ok:
                    log.warning(
                        "modbus_failsafe_not_set", device=self.path, register=name, reason=result.text
                    )
                    self._failsafe_due_s = now_s + FAILSAFE_RETRY_S
        watchdog = self.profile.watchdog
        if watchdog is not None and now_s >= self._beat_due_s:
            self._beat_due_s = now_s + watchdog.every_s
            value = watchdog.values[self._beat % len(watchdog.values)]
            self._beat += 1
            result = await self.write(link, watchdog.register, value)
            if not result.outcome.ok:
                self._errors += 1
                log.warning("modbus_watchdog_not_told", device=self.path, reason=result.text)

    async def write(self, link: Link, name: str, value: float) -> CommandResult:
        """Write a register as far as the profile allows it; done when the device reads as written."""
        register = self.registers.get(name)
        if register is None:
            return CommandResult(Outcome.REFUSED, f"{self.path} has no register '{name[:50]}'")
        rule = register.write
        if rule is None:
            return CommandResult(Outcome.REFUSED, f"{name} is read-only")
        if not rule.low <= value <= rule.high:
            return CommandResult(
                Outcome.REFUSED,
                f"{value:g} is not within {rule.low:g} to {rule.high:g} {register.unit}".rstrip(),
            )
        try:
            exponent = await self._exponent(link, register)
            await link.write(self.endpoint.unit_id, register, encode(register, value, exponent))
        except Refused as refusal:
            return CommandResult(Outcome.REFUSED, f"the device refused: {refusal}")
        except LinkLost as lost:
            return CommandResult(Outcome.UNREACHABLE, str(lost))
        except NoAnswer as error:
            self._errors += 1
            return CommandResult(Outcome.TIMED_OUT, f"{error}; what the device does is not known")
        if not rule.readback:
            return CommandResult(Outcome.DONE, "the device took it", {"value": value})
        return await self._read_back(link, register, value, exponent)

    async def _exponent(self, link: Link, register: Register) -> int:
        scale = self.registers.get(register.scale_register)
        if scale is None:
            return 0
        reading = decode(scale, await link.read(self.endpoint.unit_id, plan((scale,), Limits())[0]))
        if not isinstance(reading.value, float):
            raise NoAnswer(f"{scale.name}: {reading.reason}")
        return round(reading.value)

    async def _read_back(self, link: Link, register: Register, value: float, exponent: int) -> CommandResult:
        reading = Reading(None, Quality.BAD_NO_DATA, "nothing was read")
        for attempt in range(READBACKS):
            if attempt:
                await asyncio.sleep(READBACK_EVERY_S)
            try:
                words = await link.read(self.endpoint.unit_id, plan((register,), Limits())[0])
            except (Refused, NoAnswer, LinkLost) as error:
                reading = Reading(None, Quality.BAD_DEVICE_FAILURE, str(error))
                continue
            reading = decode(register, words, exponent)
            seen = float(reading.value) if isinstance(reading.value, float | bool) else None
            if seen is not None and abs(seen - value) <= resolution(register, exponent):
                self._put({register.name: reading})
                return CommandResult(
                    Outcome.DONE, f"reads {seen:g} {register.unit}".rstrip(), {"value": seen}
                )
        shown = reading.reason if reading.value is None else f"{reading.value} {register.unit}".rstrip()
        return CommandResult(Outcome.FAILED, f"written {value:g}, but the device reads: {shown}")


def _fit(tag: Tag, reading: Reading, factor: float) -> tuple[Value, int]:
    """(value, quality) of a tag for a reading; a reading of another kind is Bad."""
    value, definition = reading.value, tag.definition
    if value is None:
        return tag.value, int(reading.quality)
    if definition.kind is Kind.TEXT:
        return str(value), GOOD
    if isinstance(value, str):
        return tag.value, int(Quality.BAD_CONFIGURATION_ERROR)
    if definition.kind is Kind.BIT:
        return bool(value), GOOD
    return float(value) * factor * definition.gain + definition.offset, GOOD
