"""Reports as data: tables, charts and facts of a period, which renderers turn into files; and who is asked for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, TypeAlias

from scada.core.access import Role
from scada.core.ports import SessionFilter
from scada.core.value import TimeUs

REPORTS = ("sessions", "energy", "availability", "utilisation", "peak", "alarms", "audit")
DIMENSIONS = ("site", "charger", "connector", "token", "vehicle", "plan", "all")
STEPS = ("hour", "day", "week", "month", "all")
PERIODS = ("today", "yesterday", "last_week", "last_month", "this_month")
FORMATS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
ROWS_MAX = 100_000
"""Rows of a table; what is more is said, not shown."""

Cell: TypeAlias = str | int | float | None


class CellKind(Enum):
    """What stands in a column."""

    TEXT = "text"
    COUNT = "count"
    ENERGY = "energy"
    """Wh; people read kWh."""
    POWER = "power"
    """kW."""
    TIME = "time"
    """Microseconds since 1970 UTC; people read the report's zone."""
    DURATION = "duration"
    """Microseconds; people read hours, minutes and seconds."""
    PERCENT = "percent"
    """0 to 100."""
    MONEY = "money"
    """Decimal text."""
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: the same in every language; the head in csv and json.
        unit: of what people read.
        total: it is summed up.
    """

    key: str
    title: str
    kind: CellKind = CellKind.TEXT
    unit: str = ""
    total: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        cut: there were more rows.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a value for each label, in as many series; `stacked` bars, or lines."""

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    unit: str = ""
    stacked: bool = False
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A report of `from_us <= time < to_us`; the first table is the one that csv holds.

    Attributes:
        facts: (what, value) as text: filter, zone, figures that are no table.
        notes: what a reader must know of it: what was cut, what is not known.
    """

    kind: str
    title: str
    project: str
    language: str
    timezone: str
    from_us: TimeUs
    to_us: TimeUs
    made_us: TimeUs
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What is wanted.

    Attributes:
        report: one of `REPORTS`.
        by, step: of `energy`: dimension and step of time.
        where: which sessions; its times are those of the report.
        scope: what the reader may see of alarms; None: all.
    """

    report: str
    from_us: TimeUs
    to_us: TimeUs
    site: str = ""
    by: str = "charger"
    step: str = "day"
    language: str = "en"
    timezone: str = ""
    where: SessionFilter = field(default_factory=SessionFilter)
    scope: Role | None = None


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A rendered report."""

    name: str
    media_type: str
    content: bytes


class ReportDesk(Protocol):
    """Makes reports."""

    async def build(self, request: ReportRequest) -> Report:
        """The data. Raises BadRequest for what cannot be meant."""
        ...

    async def file(
        self, request: ReportRequest, form: str, progress: Callable[[int], None] = lambda _: None
    ) -> ReportFile:
        """The report as a file of one of `FORMATS`; `progress` is told rows done. Raises BadRequest, ScadaError."""
        ...

    def span(self, period: str, now_us: TimeUs, timezone: str) -> tuple[TimeUs, TimeUs]:
        """A period of `PERIODS` by its name. Raises BadRequest."""
        ...
