"""One charger, seen from the central system: its connection, its tags, its commands. Knows no version."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import structlog

from scada.core.command import Command, CommandResult, Outcome
from scada.core.effects import Event
from scada.core.file_ports import FileExchange
from scada.core.plant import Charger
from scada.core.tag import Tag
from scada.core.value import GOOD, TimeUs, Value
from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.capabilities import Capabilities
from scada.drivers.ocpp.dialect import Dialect, Need
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.knowledge import Knowledge
from scada.drivers.ocpp.peer import CallTimeout, Peer, PeerClosed, PeerSuperseded, Socket
from scada.drivers.ocpp.samples import ConnectorSamples, connector_samples
from scada.drivers.ocpp.security import ChargerSecurity, Link
from scada.drivers.ocpp.times import ChargerTime
from scada.drivers.ocpp.trace import Tap
from scada.drivers.ocpp.turns import Pace, PeerBusy, Priority
from scada.drivers.ocpp.watch import Watched
from scada.runtime.host import PlantHost

BOOT_WAIT_S = 3.0
"""How long after connecting a BootNotification is waited for before the charger is learned without one."""
TEXT_LENGTH_MAX = 255
"""Texts of a charger are kept up to here; no field of the standard is longer."""
DEVIATIONS_SAVED_AFTER_S = 30.0
"""Deviations are counted in memory and saved so long after the first that is not on disk."""

RARE_PER_S, RARE_BURST = 2.0, 1_000
"""What a charger says rarely and we write down each time (transactions, security events, progress of files): more is
answered, but slowly, so that one charger fills neither disk nor log. A day's queue is within the burst."""

T = TypeVar("T")
log = structlog.get_logger()


class Station:
    """A charger of the plant, connected or not.

    Attributes:
        configuration: its configuration keys as last read: key → (value, read-only).
        deviations: what it does otherwise than the standard says.
        profile: what its make wants otherwise (`profile_name`; empty: no profile speaks of it).
        capabilities: what it can be asked for.
        time: reads its times.
        plate: what its last BootNotification said of it: vendor, model, serial, firmware, meter.
        samples: connectorId → where samples go; 0: those of the charger as a whole.
        files: where it fetches and uploads files; None: there is no file server.
        transfers: kinds of file transfers under way (`diagnostics`, `firmware`): one of each at a time.
        security: its credentials.
        link: how it has come in; None: it is not connected.
        watched: its connection under the watch.
        signing: what signs its certificate and gives it to it.
    """

    def __init__(
        self,
        charger: Charger,
        host: PlantHost,
        knowledge: Knowledge,
        security: ChargerSecurity,
        tap: Tap | None = None,
        files: FileExchange | None = None,
    ) -> None:
        self.charger = charger
        self.security = security
        self.link: Link | None = None
        self.watched: Watched | None = None
        self.signing: asyncio.Task[None] | None = None
        self.host = host
        self.knowledge = knowledge
        self.settings = host.plant.ocpp
        self._ping_s = self.settings.ping_s
        self.deviations = knowledge.log_of(charger.path)
        self.samples: dict[int, ConnectorSamples] = {
            number: connector_samples(host.tags, charger, number)
            for number in (0, *(connector.number for connector in charger.connectors))
        }
        self._tap = tap
        self.files = files
        self.transfers: set[str] = set()
        self.time = ChargerTime(
            ZoneInfo(host.plant.timezone_of(charger.site)),
            self.deviation,
            lambda offset_s: self.put({"ClockOffset": offset_s}),
        )
        report = knowledge.report(charger.path)
        self.configuration: dict[str, tuple[str, bool]] = {}
        self.capabilities = Capabilities()
        if report is not None:
            read_only = frozenset(report.read_only)
            self.configuration = {
                key: (value, key in read_only) for key, value in report.configuration.items()
            }
            self.capabilities = Capabilities(report.features, report.unsupported)
        self.find_profile(*((report.vendor, report.model, report.firmware) if report else ("", "", "")))
        self.peer: Peer | None = None
        self._dialect: Dialect | None = None
        self._learn_now = asyncio.Event()
        self._tags = {
            tag.path.removeprefix(charger.path + "."): tag for tag in host.tags.select(f"{charger.path}.*")
        }
        self.plate: dict[str, str] = {}
        self._limit_ends: dict[int, asyncio.TimerHandle] = {}
        self._booted = False
        self._rare = Pace(RARE_PER_S, RARE_BURST)
        self._closing: set[asyncio.Task[None]] = set()
        self._saving: asyncio.Task[None] | None = None

    @property
    def dialect(self) -> Dialect | None:
        """The version that it speaks, or spoke last in this run."""
        return self._dialect

    @property
    def connected(self) -> bool:
        """Whether a connection stands."""
        return self.peer is not None

    @property
    def ping_s(self) -> float:
        """How often it is pinged; 0: never, and it is closed when nothing is heard of it."""
        return self._ping_s

    @ping_s.setter
    def ping_s(self, ping_s: float) -> None:
        self._ping_s = ping_s
        if self.watched is not None:
            self.watched.ping_s = ping_s

    @property
    def may_leave_subprotocol_out(self) -> bool:
        """Whether it is taken for 1.6 when it names no subprotocol."""
        return self.charger.missing_subprotocol or self.profile.connection.missing_subprotocol

    def now_us(self) -> TimeUs:
        """The product's time."""
        return self.host.clock.now_us()

    def device_time(self, text: str, now_us: TimeUs) -> TimeUs:
        """The charger's time of something that has just happened, by our clock."""
        return self.time.live(text, now_us)

    def find_profile(self, vendor: str, model: str, firmware: str) -> None:
        """Take the quirk profile that fits a make."""
        self.profile_name, self.profile = self.knowledge.profile_of(self.charger, vendor, model, firmware)
        self.time.habits = self.profile.clock
        ping_s = self.profile.connection.ping_s
        self.ping_s = self.settings.ping_s if ping_s is None else ping_s
        for samples in self.samples.values():
            samples.scale(self.profile.meter.scale)

    def tag(self, name: str) -> Tag | None:
        """A tag below the charger, for example `C1.Status`."""
        return self._tags.get(name)

    def read_tag(self, name: str) -> Value:
        """The value of a tag below the charger whose quality is Good; else None."""
        tag = self._tags.get(name)
        return tag.value if tag is not None and tag.quality == GOOD else None

    def put(self, values: Mapping[str, Value], source_us: TimeUs | None = None) -> None:
        """Write tags below the charger; names that its device type does not have are passed over."""
        now_us = self.now_us()
        time_us = now_us if source_us is None else source_us
        self.host.write(
            [
                (tag, self._bounded(name, value), GOOD, time_us)
                for name, value in values.items()
                if (tag := self._tags.get(name)) is not None
            ]
        )

    def _bounded(self, name: str, value: Value) -> Value:
        if isinstance(value, str) and len(value) > TEXT_LENGTH_MAX:
            self.deviation(f"{name} has more than {TEXT_LENGTH_MAX} characters")
            return value[:TEXT_LENGTH_MAX] + "…"
        return value

    def deviation(self, what: str, action: str = "") -> None:
        """Note that the charger does not keep to the standard: counted, visible, never silent."""
        if not action:
            before, colon, rest = what.partition(": ")
            if colon and before.isidentifier():
                action, what = before, rest
        if self.deviations.note(action, what, self.now_us()):
            log.info("ocpp_deviation", charger=self.charger.path, action=action, what=what[:TEXT_LENGTH_MAX])
        self.put({"Deviations": self.deviations.count})
        if self._saving is None:
            self._saving = asyncio.get_running_loop().create_task(self._save_deviations())

    async def _save_deviations(self) -> None:
        await asyncio.sleep(DEVIATIONS_SAVED_AFTER_S)
        self._saving = None
        await self.save_deviations()

    async def save_deviations(self) -> None:
        """Put what was counted on disk; called when the system stops, too."""
        if self.deviations.unsaved:
            self.deviations.unsaved = False
            await self.knowledge.keep_deviations(self.charger.path, self.deviations.document())

    def read(self, action: str, body: dict[str, Any], shape: type[T]) -> T:
        """A payload in its shape: what can be understood is, what is odd about it counts as a deviation.

        Raises:
            CallError: it cannot be understood; the code is that of the schema's first fault.
        """
        version = self._dialect.version if self._dialect else "ocpp1.6"
        try:
            value = msgspec.convert(body, shape, strict=False)
        except msgspec.ValidationError as fault:
            schemas.check_request(version, action, body)
            raise CallError("FormationViolation", str(fault)) from None
        try:
            schemas.check_request(version, action, body)
        except CallError as fault:
            self.deviation(f"{action}: {fault}")
        return value

    async def rare(self) -> None:
        """A message came that is written down: wait where there were too many of them."""
        wait_s = self._rare.wait_s(asyncio.get_running_loop().time())
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def call(
        self,
        action: str,
        body: Mapping[str, Any],
        priority: Priority = Priority.NORMAL,
        *,
        checked: bool = True,
    ) -> dict[str, Any]:
        """Call the charger. Raises what `Peer.call` raises; PeerClosed where there is no connection.

        Args:
            checked: an answer that the schema refuses counts as none; False: it is returned as it came.
        """
        peer = self.peer
        if peer is None:
            raise PeerClosed(f"{self.charger.path} is not connected")
        loop = asyncio.get_running_loop()
        before = loop.time()
        try:
            answer = await peer.call(action, body, self.settings.call_timeout_s, priority, checked=checked)
        except CallError as fault:
            self.capabilities.experience(action, fault.code)
            raise
        self.put({"RoundTrip": round((loop.time() - before) * 1000, 1)})
        return answer

    async def serve(self, socket: Socket, dialect: Dialect, link: Link) -> None:
        """Serve a connection until it closes. One that stood before is superseded."""
        before = self.peer
        peer = Peer(
            socket,
            dialect.version,
            {name: partial(action, self) for name, action in dialect.actions.items()},
            hot={name: partial(action, self) for name, action in dialect.hot.items()},
            name=self.charger.identity,
            deviation=self.deviation,
            tap=self._tap,
        )
        self.peer, self._dialect, self.link = peer, dialect, link
        if before is not None:
            log.info("ocpp_superseded", charger=self.charger.path)
            # A half-dead connection may take its time to close; the new one is served meanwhile.
            before.retire()
            closing = asyncio.create_task(before.close(1000, "superseded by a new connection"))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        else:
            log.info("ocpp_connected", charger=self.charger.path, version=dialect.version)
        self.put({"Online": True, "Protocol": dialect.version})
        self.host.link(self.charger.path, True)
        self._learn_now.clear()
        learner = asyncio.create_task(self._learn(dialect), name=f"learn {self.charger.identity}")
        try:
            await peer.run()
        finally:
            learner.cancel()
            if self.peer is peer:
                self.peer = self.link = self.watched = None
                log.info("ocpp_disconnected", charger=self.charger.path)
                self.put({"Online": False})
                self.host.link(self.charger.path, False)

    def booted(self, **plate: str) -> None:
        """The charger has booted: it is learned anew. `plate`: see the attribute."""
        self.host.event(Event("boot", self.charger.path, dict(plate)))
        self.plate = plate
        self._booted = True
        self._learn_now.set()

    async def wait_for_boot(self, timeout_s: float) -> bool:
        """Whether a BootNotification comes within a time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._learn_now.wait()
        except TimeoutError:
            return False
        return self._booted

    async def forget(self) -> None:
        """Know nothing of the charger any more: another device stands there now."""
        self.configuration.clear()
        self.capabilities = Capabilities()
        self.plate = {}
        self.find_profile("", "", "")
        await self.knowledge.forget(self.charger.path)

    def why_not(self, command: str, need: Need) -> str:
        """Why a command is not for this charger, in words; empty: it may be tried."""
        return self.capabilities.why_not(command, need.actions, need.feature, self.profile)

    def limit_set(self, number: int, limit_a: float, duration_s: int | None) -> None:
        """A connector (0: the charger) has taken a limit, for a time or until it is cleared."""
        self._end_limit_later(number, duration_s)
        self.put({self._limit_tag(number): limit_a})

    def limit_cleared(self, number: int) -> None:
        """It has none of ours any more."""
        self._end_limit_later(number, None)
        tag = self._tags.get(self._limit_tag(number))
        if tag is not None and tag.value is not None:
            self.host.write([(tag, float("nan"), GOOD, self.now_us())])

    def _limit_tag(self, number: int) -> str:
        return f"C{number}.CurrentLimit" if number else "CurrentLimit"

    def _end_limit_later(self, number: int, duration_s: int | None) -> None:
        timer = self._limit_ends.pop(number, None)
        if timer is not None:
            timer.cancel()
        if duration_s is not None:
            loop = asyncio.get_running_loop()
            self._limit_ends[number] = loop.call_later(duration_s, self.limit_cleared, number)

    async def execute(self, command: Command) -> CommandResult:
        """Carry out a command to its real end (port Commander)."""
        dialect = self._dialect
        if self.peer is None or dialect is None:
            return CommandResult(Outcome.UNREACHABLE, "the charger is not connected")
        execute = dialect.commands.get(command.name)
        if execute is None:
            return CommandResult(Outcome.REFUSED, f"{dialect.version} has no such command")
        why = self.why_not(command.name, dialect.needs.get(command.name, Need()))
        if why:
            return CommandResult(Outcome.REFUSED, why)
        try:
            return await execute(self, command)
        except CallError as fault:
            return CommandResult(Outcome.FAILED, f"the charger answered {fault}")
        except CallTimeout:
            return CommandResult(Outcome.TIMED_OUT, "the charger did not answer")
        except PeerBusy as busy:
            return CommandResult(Outcome.REFUSED, str(busy))
        except PeerSuperseded:
            return CommandResult(
                Outcome.SUPERSEDED, "the charger connected anew meanwhile; what it does is not known"
            )
        except PeerClosed:
            return CommandResult(Outcome.FAILED, "the connection to the charger was lost")

    async def _learn(self, dialect: Dialect) -> None:
        """Get to know the charger after each boot, and once after a connection without one."""
        try:
            async with asyncio.timeout(BOOT_WAIT_S):
                await self._learn_now.wait()
        except TimeoutError:
            pass
        while True:
            self._learn_now.clear()
            booted, self._booted = self._booted, False
            try:
                await dialect.learn(self, booted)
            except (CallError, CallTimeout, PeerClosed, PeerBusy) as error:
                log.info("ocpp_learning_stopped", charger=self.charger.path, reason=str(error))
            await self._learn_now.wait()


async def outcome_event(future: asyncio.Future[Event], deadline_us: TimeUs, now_us: TimeUs) -> Event | None:
    """The awaited event, or None when the command's deadline passes first."""
    try:
        async with asyncio.timeout(max(0.0, (deadline_us - now_us) / 1_000_000 - 1.0)):
            return await future
    except TimeoutError:
        return None
