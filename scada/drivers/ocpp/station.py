"""One charger, seen from the central system: its connection, its tags, its commands. Knows no version."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog

from scada.core import moment
from scada.core.command import Command, CommandResult, Outcome
from scada.core.effects import Event
from scada.core.file_ports import FileExchange
from scada.core.plant import Charger
from scada.core.tag import Tag
from scada.core.value import GOOD, TimeUs, Value
from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.device_clock import DeviceClock
from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout, Peer, PeerBusy, PeerClosed, PeerSuperseded, Priority, Socket
from scada.drivers.ocpp.samples import ConnectorSamples, connector_samples
from scada.drivers.ocpp.security import ChargerSecurity, Link
from scada.drivers.ocpp.trace import Tap
from scada.drivers.ocpp.watch import Watched
from scada.runtime.host import PlantHost

BOOT_WAIT_S = 3.0
"""How long after connecting a BootNotification is waited for before the charger is learned without one."""
TEXT_LENGTH_MAX = 255
"""Texts of a charger are kept up to here; no field of the standard is longer."""
DEVIATIONS_MAX = 100
"""How many different deviations are kept by name; further ones only count."""

T = TypeVar("T")
log = structlog.get_logger()


class Station:
    """A charger of the plant, connected or not.

    Attributes:
        configuration: its configuration keys as last read: key → (value, read-only).
        files: where it fetches and uploads files; None: there is no file server.
        transfers: kinds of file transfers under way (`diagnostics`, `firmware`): one of each at a time.
        deviations: what it does otherwise than the standard says → how often.
        security: its credentials.
        link: how it has come in; None: it is not connected.
        watched: its connection under the watch.
        signing: what signs its certificate and gives it to it.
    """

    def __init__(
        self,
        charger: Charger,
        host: PlantHost,
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
        self.settings = host.plant.ocpp
        self._ping_s = self.settings.ping_s
        self.configuration: dict[str, tuple[str, bool]] = {}
        self.deviations: dict[str, int] = {}
        self.samples: dict[int, ConnectorSamples] = {
            connector.number: connector_samples(host.tags, connector.path, charger)
            for connector in charger.connectors
        }
        self.clock = DeviceClock()
        self._tap = tap
        self.files = files
        self.transfers: set[str] = set()
        self.peer: Peer | None = None
        self._dialect: Dialect | None = None
        self._learn_now = asyncio.Event()
        self._tags = {
            tag.path.removeprefix(charger.path + "."): tag for tag in host.tags.select(f"{charger.path}.*")
        }
        self._deviation_count = 0
        self._closing: set[asyncio.Task[None]] = set()

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

    def now_us(self) -> TimeUs:
        """The product's time."""
        return self.host.clock.now_us()

    def device_time(self, text: str, now_us: TimeUs) -> TimeUs:
        """The charger's time by our clock, or ours where its own is missing or cannot be right."""
        time_us = moment.parse(text)
        if time_us is None:
            return now_us
        clock = self.clock
        if clock.observe(time_us, now_us):
            self.put({"ClockOffset": -clock.offset_us / 1_000_000})
        time_us = clock.correct(time_us, now_us)
        return time_us if moment.believable(time_us, now_us) else now_us

    def tag(self, name: str) -> Tag | None:
        """A tag below the charger, for example `C1.Status`."""
        return self._tags.get(name)

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

    def deviation(self, what: str) -> None:
        """Note that the charger does not keep to the standard: counted, visible, never silent."""
        what = what[:160]
        if what in self.deviations:
            self.deviations[what] += 1
        elif len(self.deviations) < DEVIATIONS_MAX:
            self.deviations[what] = 1
            log.info("ocpp_deviation", charger=self.charger.path, what=what)
        self._deviation_count += 1
        self.put({"Deviations": self._deviation_count})

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

    async def call(
        self, action: str, body: Mapping[str, Any], priority: Priority = Priority.NORMAL
    ) -> dict[str, Any]:
        """Call the charger. Raises what `Peer.call` raises; PeerClosed where there is no connection."""
        peer = self.peer
        if peer is None:
            raise PeerClosed(f"{self.charger.path} is not connected")
        loop = asyncio.get_running_loop()
        before = loop.time()
        answer = await peer.call(action, body, self.settings.call_timeout_s, priority)
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

    def booted(self) -> None:
        """The charger has booted: it is learned anew."""
        self.host.event(Event("boot", self.charger.path))
        self._learn_now.set()

    async def execute(self, command: Command) -> CommandResult:
        """Carry out a command to its real end (port Commander)."""
        dialect = self._dialect
        if self.peer is None or dialect is None:
            return CommandResult(Outcome.UNREACHABLE, "the charger is not connected")
        execute = dialect.commands.get(command.name)
        if execute is None:
            return CommandResult(Outcome.REFUSED, f"{dialect.version} has no such command")
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
            try:
                await dialect.learn(self)
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
