"""Search among sessions: a page by several filters, the first and one that lies deep.

SCADA_BENCH_SESSIONS sets how many (default 1,000,000; the goal is 100 ms a page at 10,000,000).
Baseline: the same page by number of rows to skip, the obvious way.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from scada.core.ports import SessionFilter
from scada.history import open_core
from tests.bench.report import figure

SESSIONS = int(os.environ.get("SCADA_BENCH_SESSIONS", "1000000"))
CHARGERS = 1_000
REPEATS = 7
STEP_US = 30_000_000
_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO charging_transaction (id, charger, connector, site, id_tag, started_us, meter_start_wh, state, stopped_us,
    meter_stop_wh, energy_wh, reason, authorized_by, flags, updated_us, vehicle)
SELECT i, 'Depot' || (i % 20) || '.CP' || (i % :chargers), 1 + i % 2, 'Depot' || (i % 20), 'CARD' || (i * 7919 % 50000),
    i * :step, 1000, 'closed', i * :step + 3600000000, 12000, 1000 + i * 7919 % 60000,
    CASE WHEN i % 100003 = 0 THEN 'PowerLoss' ELSE 'Local' END, 'local',
    CASE WHEN i % 5000 = 0 THEN 'clock' ELSE '' END, i * :step, ''
FROM n
"""
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
        store = open_core(Path(directory))
        try:
            began = time.perf_counter()
            _fill(Path(directory) / "core.db")
            figure("sessions", "fill_s", time.perf_counter() - began, "s", sessions=SESSIONS)
            baseline = _by_number(Path(directory) / "core.db")
            for name, where in FILTERS.items():
                times = []
                for _ in range(REPEATS):
                    began = time.perf_counter()
                    asyncio.run(store.archive.sessions(where, 100, None))
                    times.append((time.perf_counter() - began) * 1_000)
                figure(
                    "sessions",
                    f"page_ms_{name}",
                    statistics.median(times),
                    "ms",
                    baseline if name == "deep" else None,
                    worst_ms=round(max(times), 1),
                )
        finally:
            store.close()


def _fill(path: Path) -> None:
    connection = sqlite3.connect(path, timeout=60)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(_FILL, {"count": SESSIONS, "chargers": CHARGERS, "step": STEP_US})
    connection.commit()
    connection.close()


def _by_number(path: Path) -> float:
    connection = sqlite3.connect(path)
    began = time.perf_counter()
    connection.execute(
        "SELECT * FROM charging_transaction ORDER BY started_us DESC, id DESC LIMIT 100 OFFSET ?",
        [SESSIONS // 2],
    ).fetchall()
    connection.close()
    return (time.perf_counter() - began) * 1_000
