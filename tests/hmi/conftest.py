"""A running plant without drivers, and visits to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from scada.core.access import Actor, Right, Role
from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import Denied
from scada.core.message_ports import OutboxRow
from scada.core.plant import Mimic
from scada.core.ports import (
    Aggregate,
    AlarmFigures,
    Clock,
    CommandRow,
    Correction,
    DeedFilter,
    JournalFilter,
    Page,
    Point,
    SessionFilter,
    VisitFilter,
)
from scada.core.records import (
    AlarmTransition,
    AuditRecord,
    Record,
    SessionFigures,
    TransactionRecord,
    TransactionState,
    VisitRecord,
)
from scada.core.session_ports import SessionRow
from scada.core.tag import AlarmDefinition, Source, TagDefinition
from scada.core.value import GOOD, SECOND_US, Kind, TimeUs, Value
from scada.hmi import HmiServices
from scada.hmi.context import Visit
from scada.hmi.pages import PAGES
from scada.hmi.services import Preview
from scada.hmi.tab import Tab
from scada.reports import Desk
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.modes import Modes
from scada.runtime.plant_core import Restart
from scada.runtime.report_jobs import ReportJobs
from scada.runtime.requests import Note
from scada.runtime.router import CommandRouter
from scada.runtime.shift_log import ShiftLog
from scada.runtime.tickets import Tickets
from scada.testing import FakeClock, small_plant

HOUR_US = 3600 * SECOND_US
RIGHTS = {
    "admin": frozenset(Right),
    "op": frozenset({Right.SEE, Right.OPERATE, Right.ACKNOWLEDGE, Right.MASK}),
    "night": frozenset({Right.SEE, Right.ACKNOWLEDGE, Right.MASK}),
    "guest": frozenset({Right.SEE}),
    "blind": frozenset({Right.OPERATE, Right.ACKNOWLEDGE}),
}
SCOPES = {"night": Role(see=(20, 29), acknowledge=(20, 23), mask=(20, 23))}
"""Whoever is not named here sees everything."""


def actor_named(name: str, origin: str = "hmi test") -> Actor:
    """The actor of a test's account."""
    return Actor(name, RIGHTS[name], origin, name, SCOPES.get(name, Role()))


class MemoryJournal:
    """Keeps records in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def commit(self, records: Sequence[Record]) -> None:
        self.records.extend(records)


class NoSamples:
    def append(self, samples: object) -> None:
        return None


@dataclass
class MemoryArchive:
    """Reads what the journal holds."""

    journal: MemoryJournal
    samples: list[Point] = field(default_factory=list)
    messages: list[OutboxRow] = field(default_factory=list)

    async def sessions(self, where: SessionFilter, limit: int, cursor: str | None) -> Page[TransactionRecord]:
        newest = {r.id: r for r in self.journal.records if isinstance(r, TransactionRecord)}
        rows = [r for r in newest.values() if where.state in (None, r.state)]
        return Page(sorted(rows, key=lambda r: -r.id)[:limit], None)

    async def visits(self, where: VisitFilter, limit: int, cursor: str | None) -> Page[VisitRecord]:
        newest = {r.id: r for r in self.journal.records if isinstance(r, VisitRecord)}
        return Page(sorted(newest.values(), key=lambda r: -r.id)[:limit], None)

    async def alarm_journal(
        self, where: JournalFilter, limit: int, cursor: str | None
    ) -> Page[AlarmTransition]:
        rows = [
            r
            for r in reversed(self.journal.records)
            if isinstance(r, AlarmTransition)
            and (not where.alarm or r.alarm == where.alarm)
            and f"{r.alarm}.".startswith(f"{where.branch}." if where.branch else "")
            and (not where.events or r.event in where.events)
            and where.level_min <= r.level <= where.level_max
            and where.user in ("", r.user)
            and where.text in f"{r.alarm} {r.comment} {r.user}"
            and (where.role is None or where.role.sees(r.level, r.site, r.domain))
        ]
        return Page(rows[:limit], "7" if len(rows) > limit else None)

    async def alarm_figures(self, where: JournalFilter, from_us: TimeUs, to_us: TimeUs) -> AlarmFigures:
        return AlarmFigures(
            from_us=from_us,
            to_us=to_us,
            raised=0,
            per_10_min_mean=0.0,
            per_10_min_peak=0,
            flood_percent=0.0,
            most_frequent=[],
            chattering=[],
            fleeting=[],
            stale=[],
            by_priority={},
            acknowledge_s_median=None,
            acknowledge_s_p90=None,
        )

    async def audit(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        rows = [
            r
            for r in reversed(self.journal.records)
            if isinstance(r, AuditRecord)
            and where.action in ("", r.action)
            and where.user in ("", r.user)
            and (where.from_us is None or r.time_us >= where.from_us)
        ]
        return Page(rows[:limit], None)

    async def commands(self, where: DeedFilter, limit: int, cursor: str | None) -> Page[CommandRow]:
        return Page([], None)

    async def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> Sequence[Point]:
        return self.samples[-limit:]

    async def curve(self, path: str, from_us: TimeUs, to_us: TimeUs, pixels: int) -> Sequence[Point]:
        return self.samples

    async def aggregates(
        self, path: str, from_us: TimeUs, to_us: TimeUs, step_us: int, *, interpolated: bool = False
    ) -> Sequence[Aggregate]:
        return []

    async def values_at(self, paths: Sequence[str], time_us: TimeUs) -> Mapping[str, Point]:
        return {}

    async def correct(self, corrections: Sequence[Correction]) -> None: ...

    async def outbox(self, limit: int, cursor: str | None) -> Page[OutboxRow]:
        return Page(self.messages[:limit], None)

    async def energy_wh(self, site: str, from_us: TimeUs, to_us: TimeUs) -> tuple[int, int]:
        return 642_300, 23


@dataclass
class MemorySessions:
    """Sessions out of the journal, with what was worked out of them."""

    journal: MemoryJournal

    def _rows(self) -> list[SessionRow]:
        records = self.journal.records
        figures = {r.id: r for r in records if isinstance(r, SessionFigures)}
        stays = {r.id: r for r in records if isinstance(r, VisitRecord)}
        newest = {r.id: r for r in records if isinstance(r, TransactionRecord)}
        return [SessionRow(r, figures.get(r.id), stays.get(r.visit)) for r in newest.values()]

    async def session(self, number: int) -> SessionRow | None:
        return next((row for row in self._rows() if row.record.id == number), None)

    async def span(self, where: SessionFilter, limit: int) -> Sequence[SessionRow]:
        return list(self.walk(where, limit))

    def walk(self, where: SessionFilter, limit: int) -> Iterator[SessionRow]:
        for row in self._rows()[:limit]:
            if where.from_us is None or where.from_us <= row.record.started_us:
                yield row

    async def unfigured(self, since_us: TimeUs, limit: int) -> Sequence[TransactionRecord]:
        return []

    async def beside(self, record: TransactionRecord, limit: int = 10) -> Sequence[TransactionRecord]:
        return []


@dataclass
class Accounts:
    """Everybody's password is `x`; the token is the name."""

    sessions: set[str] = field(default_factory=set)

    async def log_in(self, name: str, password: str, origin: str) -> str:
        if password != "x" or name not in RIGHTS:
            raise Denied("user name or password is wrong")
        self.sessions.add(name)
        return name

    def actor(self, token: str, origin: str) -> Actor | None:
        return actor_named(token, origin) if token in self.sessions else None

    def log_out(self, token: str) -> None:
        self.sessions.discard(token)

    def language(self, name: str) -> str:
        return "fr" if name == "guest" else ""

    def theme(self, name: str) -> str:
        return ""

    def must_change(self, name: str) -> bool:
        return False

    async def choose(self, name: str, *, language: str = "", theme: str = "") -> None: ...


@dataclass
class Charger:
    """Carries commands out as it is told."""

    result: CommandResult = field(
        default_factory=lambda: CommandResult(Outcome.DONE, "the charger has booted")
    )
    seen: list[Command] = field(default_factory=list)

    async def execute(self, command: Command) -> CommandResult:
        self.seen.append(command)
        return self.result


class Wire:
    """Stands for the socket server."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, str]] = []
        self.rooms: set[str] = set()
        self.actor: Actor | None = None

    async def emit(self, event: str, payload: Any, room: str) -> None:
        self.sent.append((event, payload, room))

    async def enter(self, room: str) -> None:
        self.rooms.add(room)

    async def leave(self, room: str) -> None:
        self.rooms.discard(room)

    def toasts(self) -> list[tuple[str, str]]:
        return [(p["state"], p["text"]) for event, p, _ in self.sent if event == "scada_toast"]


class Letters:
    """Two templates."""

    def templates(self) -> Sequence[str]:
        return ["alarm", "test"]

    def preview(self, template: str, language: str) -> Preview:
        return Preview(f"{template} in {language}", "<b>plain</b>", "<p>rich</p>")


@dataclass
class World:
    """The plant and everything around it."""

    services: HmiServices
    host: PlantHost
    clock: FakeClock
    journal: MemoryJournal
    archive: MemoryArchive
    accounts: Accounts
    charger: Charger

    def write(self, path: str, value: Value, quality: int = GOOD) -> None:
        self.host.write([(self.host.tags[path], value, quality, self.host.clock.now_us())])

    def online(self, *chargers: str) -> None:
        """Let chargers be connected: an offline one masks the alarms of its connectors."""
        for charger in chargers:
            self.write(f"{charger}.Online", True)

    def fault(self, connector: str) -> str:
        """Let a connector of a charger that is there report over-voltage (level 22); returns the alarm's path."""
        self.online(connector.rpartition(".")[0])
        self.write(f"{connector}.ErrorCode", "OverVoltage")
        return f"{connector}.ErrorOverVoltage"

    def learn(self, path: str) -> str:
        """A device sends what no template names."""
        self.host.tags.add(
            TagDefinition(path=path, kind=Kind.REGISTER, source=Source.DRIVER, site="Depot", nature="learned")
        )
        return path

    async def settle(self, seconds: float = 1.0) -> None:
        """Let delays run out, and what waits for the journal out."""
        self.clock.leap(seconds)
        self.host.cycle()
        await self.host.request(Note(()))  # answered when everything before it is on disk

    def keep(self, number: int = 7, **changes: Any) -> TransactionRecord:
        """An ended session of an hour, three hours ago, with figures and a visit."""
        began_us = self.host.clock.now_us() - 3 * HOUR_US
        given: dict[str, Any] = {
            "id": number,
            "charger": "Depot.CP03",
            "connector": 1,
            "site": "Depot",
            "id_tag": "BADGE<1>",
            "started_us": began_us,
            "stopped_us": began_us + HOUR_US,
            "meter_start_wh": 1_000,
            "meter_stop_wh": 12_345,
            "energy_wh": 11_345,
            "state": TransactionState.CLOSED,
            "reason": "EVDisconnected",
            "visit": 70,
        }
        record = TransactionRecord(**(given | changes))
        figures = SessionFigures(
            id=number,
            computed_us=began_us + 2 * HOUR_US,
            charging_us=HOUR_US // 2,
            power_mean_kw=11.0,
            tariff="day",
            currency="EUR",
            cost="3.40",
            cost_parts=json.dumps(
                [
                    {
                        "from": "2026-11-21T10:00:00Z",
                        "to": "2026-11-21T11:00:00Z",
                        "band": "peak",
                        "energy_wh": 11_345,
                        "cost": "3.4035",
                    }
                ]
            ),
            quarters=json.dumps([[began_us, 5_000], [began_us + 900 * SECOND_US, 6_345]]),
            meter="Depot.Grid",
            meter_difference_wh=12,
        )
        stay = VisitRecord(
            id=70, charger="Depot.CP03", connector=1, site="Depot", began_us=began_us - 60 * SECOND_US
        )
        self.journal.commit([record, figures, stay])
        return record

    def actor(self, user: str) -> Actor:
        """The actor of an account."""
        return actor_named(user)

    async def open(
        self, route: str = "/site/{path}", path: str = "Depot", user: str = "op", **query: str
    ) -> tuple[Tab, Wire]:
        """A page in a tab, and what it sends."""
        visit = self.visit(user, path=path, **query)
        wire = Wire()
        wire.actor = visit.actor
        view = await PAGES[route](visit)
        return Tab(visit, view, "own", wire.emit, wire.enter, wire.leave, lambda: wire.actor), wire

    def visit(self, user: str = "op", path: str = "", language: str = "en", **query: str) -> Visit:
        return Visit(
            services=self.services,
            actor=actor_named(user),
            language=language,
            theme="light",
            url="/",
            path=path,
            query=query,
        )


FLOOD = 10_000
TOP = "Depot.Flood.B05000"
"""The one critical alarm of a flood."""


def flood_tags() -> Iterator[TagDefinition]:
    """So many bits with alarms, of 20 kinds."""
    for number in range(FLOOD):
        path = f"Depot.Flood.B{number:05d}"
        yield TagDefinition(
            path=path,
            kind=Kind.BIT,
            source=Source.INTERNAL,
            initial=False,
            site="Depot",
            domain="charging",
            label={"en": f"Bit {number}", "fr": f"Bit {number}"},
            alarm=AlarmDefinition(
                level=29 if path == TOP else 5 + number % 20,
                name="flood_top" if path == TOP else f"flood_{number % 20}",
                message={"en": f"Flood of kind {number % 20}", "fr": f"Avalanche {number % 20}"},
            ),
        )


def make_world(
    tmp_path: Path,
    clock: Clock | None = None,
    *,
    flood: bool = False,
    tags: Sequence[TagDefinition] = (),
    mimics: Sequence[Mimic] = (),
) -> World:
    """A plant in a directory.

    Args:
        flood: it has 10,000 more alarms.
        tags, mimics: further ones.
    """
    plant = small_plant(tmp_path)
    plant = replace(plant, tags=(*plant.tags, *tags), mimics=(*plant.mimics, *mimics))
    if flood:
        plant = replace(plant, tags=(*plant.tags, *flood_tags()))
    standing, journal = FakeClock(), MemoryJournal()
    host = PlantHost(plant, Restart(), clock or standing, journal, NoSamples())
    router, charger = CommandRouter(host), Charger()
    for known in plant.chargers():
        router.register(known.path, charger)
    archive, accounts, sessions = MemoryArchive(journal), Accounts(), MemorySessions(journal)
    desk = Desk(plant, archive, sessions, host.clock)
    mails = tmp_path / "mails"
    (mails / "new").mkdir(parents=True)
    services = HmiServices(
        plant=plant,
        host=host,
        router=router,
        accounts=accounts,
        archive=archive,
        sessions=sessions,
        reports=desk,
        report_jobs=ReportJobs(desk, host.clock),
        mail_dir=mails,
        version="9.9.9",
        messages=Letters(),
        tickets=Tickets(host, Documents(host, ())),
        modes=Modes(host, router, Documents(host, ())),
        shift_log=ShiftLog(host, archive),
    )
    return World(services, host, standing, journal, archive, accounts, charger)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


@pytest.fixture
def flood_world(tmp_path: Path) -> World:
    """A plant with 10,000 more alarms."""
    return make_world(tmp_path, flood=True)


@dataclass
class Served:
    """The HMI of a plant in a process of its own (NiceGUI is one per process)."""

    url: str
    mails: Path


@contextmanager
def serve(folder: Path, *arguments: str) -> Iterator[Served]:
    """A process of its own until the end of the block."""
    program = Path(__file__).with_name("served_program.py")
    with subprocess.Popen(
        [sys.executable, str(program), str(folder), *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Served(f"http://127.0.0.1:{int(process.stdout.readline())}", folder / "mails" / "new")
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[tuple[Served, Path]]:
    """A plant with 10,000 more alarms, and the file whose coming raises them all at once."""
    with serve(tmp_path, "flood") as running:
        yield running, tmp_path / "now"
