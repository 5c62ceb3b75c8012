"""Search among sessions: a page by several filters, the first and one that lies deep, on both engines.

SCADA_BENCH_SESSIONS sets how many (default 1,000,000; the goal is 100 ms a page at 10,000,000). The rows are made
inside the databases, before their indexes. Baseline: the same page by number of rows to skip, the obvious way.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from scada.core.ports import SessionFilter
from scada.history import schema
from scada.history.pages import look
from scada.history.samples import parse_url
from scada.history.samples.engine import postgresql_engine
from scada.history.sessions import wanted
from scada.history.upgrade import open_core_database, upgrade
from scada.testing.postgresql import PostgreSql
from tests.bench.report import figure

SESSIONS = int(os.environ.get("SCADA_BENCH_SESSIONS", "1000000"))
CHARGERS = 1_000
PART = 1_000_000
REPEATS = 7
STEP_US = 30_000_000
_COLUMNS = f"""INSERT INTO charging_transaction (id, charger, connector, site, id_tag, started_us, meter_start_wh, state,
    stopped_us, meter_stop_wh, energy_wh, reason, authorized_by, flags, updated_us, vehicle)
SELECT i, 'Depot' || (i % 20) || '.CP' || (i % {CHARGERS}), 1 + i % 2, 'Depot' || (i % 20),
    'CARD' || (i * 7919 % 50000), i * {STEP_US}, 1000, 'closed', i * {STEP_US} + 3600000000, 12000, 1000 + i * 7919 % 60000,
    CASE WHEN i % 100003 = 0 THEN 'PowerLoss' ELSE 'Local' END, 'local',
    CASE WHEN i % 5000 = 0 THEN 'clock' ELSE '' END, i * {STEP_US}, ''
FROM """
_SQLITE = (
    "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) " + _COLUMNS + "n"
)
_POSTGRESQL = _COLUMNS.replace("%", "%%") + "generate_series({first}::bigint, {last}) AS n(i)"
_SKIP = "SELECT * FROM charging_transaction ORDER BY started_us DESC, id DESC LIMIT 100 OFFSET {rows}"
FILTERS = {
    "newest": SessionFilter(),
    "of_a_charger": SessionFilter(charger="Depot7.CP7"),
    "of_a_token": SessionFilter(id_tag="card4711"),
    "of_a_site_with_much_energy": SessionFilter(site="Depot3", energy_min_wh=60_990),
    "flagged": SessionFilter(flags=("clock",)),
    "rare_word": SessionFilter(text="powerloss"),
    "deep": SessionFilter(to_us=SESSIONS * STEP_US // 2),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        engine = open_core_database(Path(directory) / "core.db")
        try:
            _measure(engine, _SQLITE)
        finally:
            engine.dispose()
    server = PostgreSql()
    try:
        engine = postgresql_engine(parse_url(server.url(server.database())), 1)
        try:
            with engine.begin() as connection:
                upgrade(connection)
            _measure(engine, _POSTGRESQL)
        finally:
            engine.dispose()
    finally:
        server.close()


def _measure(engine: Engine, fill: str) -> None:
    name = engine.dialect.name
    began = time.perf_counter()
    _fill(engine, fill)
    figure("sessions", f"{name}_fill_s", time.perf_counter() - began, "s", sessions=SESSIONS)
    with engine.connect() as connection:
        began = time.perf_counter()
        connection.exec_driver_sql(_SKIP.format(rows=SESSIONS // 2)).all()
        by_number_ms = (time.perf_counter() - began) * 1_000
        for filtered, where in FILTERS.items():
            times, found = [], 0
            for _ in range(REPEATS):
                began = time.perf_counter()
                found = len(look(connection, wanted(where), 100, None).rows)
                times.append((time.perf_counter() - began) * 1_000)
            figure(
                "sessions",
                f"{name}_page_ms_{filtered}",
                statistics.median(times),
                "ms",
                by_number_ms if filtered == "deep" else None,
                worst_ms=round(max(times), 1),
                rows=found,
            )


def _fill(engine: Engine, fill: str) -> None:
    """All rows in parts, each told on the standard error, then the indexes at once: many times faster than row by row."""
    postgresql = engine.dialect.name == "postgresql"
    began = time.perf_counter()

    def tell(what: str) -> None:
        print(
            f"{engine.dialect.name}: {what}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True
        )

    with engine.connect() as connection:
        if postgresql:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("SET maintenance_work_mem = '512MB'")
        else:
            connection.exec_driver_sql("PRAGMA cache_size = -400000")
        connection.commit()
        for index in schema.transaction.indexes:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")
        for first in range(1, SESSIONS + 1, PART):
            last = min(first + PART - 1, SESSIONS)
            connection.exec_driver_sql(fill.format(first=first, last=last))
            connection.commit()
            tell(f"{last:,} sessions")
        for index in sorted(schema.transaction.indexes, key=lambda one: str(one.name)):
            index.create(connection)
            connection.commit()
            tell(f"index {index.name}")
        connection.exec_driver_sql("ANALYZE charging_transaction" if postgresql else "PRAGMA optimize")
        connection.commit()
        tell("ready")
