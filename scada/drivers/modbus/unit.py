"""One meter: what its answers mean for its tags."""

from __future__ import annotations

import asyncio
from collections import deque

import structlog

from scada.core.database import Write
from scada.core.plant import Meter
from scada.core.tag import Tag
from scada.core.value import GOOD, Quality, Value
from scada.drivers.modbus.decode import Reading, decode
from scada.drivers.modbus.planner import Block, plan, split
from scada.drivers.modbus.profile import Profile
from scada.drivers.modbus.wire import Link, LinkLost, NoAnswer, Refused
from scada.runtime.host import PlantHost

OFFLINE_AFTER = 2
"""Failed rounds in a row that take a meter offline: one lost answer is no news, two are."""

log = structlog.get_logger()


class Unit:
    """A meter behind a gateway.

    Attributes:
        failures: rounds that brought nothing, in a row.
    """

    def __init__(self, host: PlantHost, meter: Meter, profile: Profile) -> None:
        self.meter = meter
        self.failures = 0
        self._host = host
        self._profile = profile
        self._online: bool | None = None
        self._errors = 0
        self._complaint = ""
        self._online_tag = host.tags.get(f"{meter.path}.Online")
        self._errors_tag = host.tags.get(f"{meter.path}.Errors")
        self._round_trip_tag = host.tags.get(f"{meter.path}.RoundTrip")
        self._tags: dict[str, list[Tag]] = {}
        unknown: list[Tag] = []
        for tag in host.tags:
            definition = tag.definition
            if definition.device == meter.path and definition.address:
                if definition.address in profile.registers:
                    self._tags.setdefault(definition.address, []).append(tag)
                else:
                    unknown.append(tag)
        if unknown:
            log.warning(
                "modbus_unknown_quantity",
                meter=meter.path,
                profile=profile.name,
                tags=[tag.path for tag in unknown],
            )
            host.write([(tag, tag.value, int(Quality.BAD_CONFIGURATION_ERROR), 0) for tag in unknown])
        self._blocks: tuple[Block, ...] = ()
        self.renew()

    @property
    def online(self) -> bool:
        """Whether it answers."""
        return self._online is True

    def renew(self) -> None:
        """Forget which blocks were refused: the device may be another one now."""
        self._blocks = plan((self._profile.registers[name] for name in self._tags), self._profile.limits)

    async def poll(self, link: Link) -> bool:
        """Read everything once and write the tags.

        A refused block is read in ever smaller pieces, so that only the registers that the device does not
        have go Bad (at most two requests a register). Silence ends the round: nothing of it is written.

        Returns:
            Whether the meter said anything at all, be it a refusal.
        """
        loop = asyncio.get_running_loop()
        readings: dict[str, Reading] = {}
        layout: list[Block] = []
        pending = deque(self._blocks)
        requests = usable = 0
        started = loop.time()
        while pending:
            block = pending.popleft()
            requests += 1
            try:
                words = await link.read(self.meter.unit_id, block)
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
            except (NoAnswer, LinkLost) as error:
                self._errors += 1
                self.fail(str(error))
                return False
            layout.append(block)
            whole = len(words) == block.count
            usable += whole
            self._errors += not whole
            for register in block.registers:
                start = register.address - block.address
                # Of an answer of another length nobody knows which register is which.
                readings[register.name] = decode(
                    register, words[start : start + register.words] if whole else ()
                )
        self._blocks = tuple(layout)
        round_trip_ms = (loop.time() - started) * 1000 / max(1, requests)
        if usable:
            self.failures = 0
            self._set_online(True, "")
        self._write(readings, round_trip_ms)
        if not usable and requests:
            self.fail("no request was answered with data")
        return True

    def fail(self, reason: str) -> None:
        """A round brought nothing."""
        self.failures += 1
        self._write_counters()
        if self.failures >= OFFLINE_AFTER:
            self._set_online(False, reason)

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
            log.info("link_up", device=self.meter.path)
        elif self._online is None:
            # At the start of the whole system a device may come later than we do; the alarm has its delay too.
            log.info("link_awaited", device=self.meter.path, reason=reason)
        else:
            log.warning("link_lost", device=self.meter.path, reason=reason)
        self._online = online
        now_us = self._host.clock.now_us()
        if self._online_tag is not None:
            self._host.write([(self._online_tag, online, GOOD, now_us)])
        self._host.link(self.meter.path, online)

    def _write(self, readings: dict[str, Reading], round_trip_ms: float) -> None:
        now_us = self._host.clock.now_us()
        batch: list[Write] = []
        for name, reading in readings.items():
            for tag in self._tags[name]:
                value: Value = (
                    tag.value
                    if reading.value is None
                    else reading.value * tag.definition.gain + tag.definition.offset
                )
                batch.append((tag, value, int(reading.quality), now_us))
        if self._round_trip_tag is not None:
            batch.append((self._round_trip_tag, round(round_trip_ms, 1), GOOD, now_us))
        self._host.write(batch)
        self._write_counters()
        self._say(readings)

    def _write_counters(self) -> None:
        if self._errors_tag is not None:
            self._host.write([(self._errors_tag, self._errors, GOOD, self._host.clock.now_us())])

    def _say(self, readings: dict[str, Reading]) -> None:
        """Log what is wrong with the readings when it changes, not at each round."""
        bad = {name: reading.reason for name, reading in readings.items() if reading.value is None}
        complaint = ",".join(sorted(bad))
        if complaint != self._complaint:
            self._complaint = complaint
            if bad:
                log.warning("modbus_bad_readings", meter=self.meter.path, readings=bad)
            else:
                log.info("modbus_readings_good_again", meter=self.meter.path)
