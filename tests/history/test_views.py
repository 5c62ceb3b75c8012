"""The views of docs/sql.md say the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from scada.core.records import AlarmTransition, SessionFigures, TransactionRecord
from scada.history import open_core, schema
from scada.history.samples import parse_url
from scada.history.upgrade import upgrade
from scada.testing.postgresql import PostgreSql

ROOT = Path(__file__).parents[2]
T0 = 1_767_261_600_000_000  # 2026-01-01T10:00Z
QUARTER = 900_000_000
TABLES = (schema.transaction, schema.session_figures, schema.alarm_journal)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSql]:
    server = PostgreSql()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def views(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    charging: Callable[..., TransactionRecord],
    transition: Callable[..., AlarmTransition],
) -> Iterator[Engine]:
    store = open_core(tmp_path)
    store.journal.commit(
        [
            charging(1, started_us=T0, stopped_us=T0 + 2 * QUARTER, energy_wh=3_000, vehicle="Bus 7"),
            charging(2, started_us=T0),
            SessionFigures(
                id=1,
                computed_us=T0,
                charging_us=QUARTER,
                cost="1.20",
                currency="EUR",
                quarters=json.dumps([[T0, 1_000], [T0 + QUARTER, 2_000]]),
            ),
            transition(1, time_us=T0, raised_us=T0, user="ann"),
        ]
    )
    store.close()
    source = create_engine(f"sqlite:///{tmp_path / 'core.db'}")
    if request.param == "sqlite":
        yield source
        source.dispose()
        return
    server: PostgreSql = request.getfixturevalue("postgresql")
    target = create_engine(parse_url(server.url(server.database())))
    with target.begin() as out, source.connect() as rows:
        upgrade(out)
        for table in TABLES:
            found = [dict(row._mapping) for row in rows.execute(table.select())]
            out.execute(table.insert(), found)
    source.dispose()
    yield target
    target.dispose()


def ask(engine: Engine, query: str) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row._mapping) for row in connection.exec_driver_sql(query)]


def text(moment: Any) -> str:
    return moment if isinstance(moment, str) else f"{moment.astimezone():%Y-%m-%d}"


def test_sessions(views: Engine) -> None:
    first, second = ask(views, "SELECT * FROM sessions ORDER BY id")
    assert (first["energy_wh"], float(first["duration_s"]), float(first["charging_s"])) == (3_000, 1_800, 900)
    assert Decimal(str(first["cost"])) == Decimal("1.20")
    assert text(first["started"]).startswith("2026-01-01")
    assert (first["vehicle"], second["stopped"], second["cost"]) == ("Bus 7", None, None)


def test_energy_by_quarter_hours_adds_up(views: Engine) -> None:
    rows = ask(views, "SELECT quarter_us, energy_wh FROM energy_15min WHERE session = 1 ORDER BY quarter_us")
    assert [tuple(row.values()) for row in rows] == [(T0, 1_000), (T0 + QUARTER, 2_000)]
    (sums,) = ask(views, "SELECT sum(energy_wh) AS wh FROM energy_15min GROUP BY charger")
    assert sums["wh"] == 3_000


def test_alarms(views: Engine) -> None:
    (row,) = ask(views, "SELECT * FROM alarms")
    assert (row["alarm"], row["who"], row["until"]) == ("Depot.CP01.Online", "ann", None)
    assert text(row["time"]) == text(row["raised"])


def test_the_document_names_every_column_of_sessions(tmp_path: Path) -> None:
    open_core(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "core.db")
    words = set(re.findall(r"[a-z_0-9]+", (ROOT / "docs" / "sql.md").read_text()))
    for view in ("sessions", "alarms", "energy_15min"):
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({view})")}
        assert columns <= words
    connection.close()
