"""Killed while it works out sessions and rebuilds a day: what was acknowledged is there, and nothing is filled twice."""

from __future__ import annotations

import multiprocessing
import random
import runpy
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from scada.core.value import is_good
from scada.history import open_core, schema

PROGRAM = Path(__file__).with_name("books_program.py")
SESSIONS = 8


_WARM = multiprocessing.get_context("forkserver")
_WARM.set_forkserver_preload(
    ["scada.cli", "scada.app", "scada.project", "httpx2"]
)  # as scada.testing.processes has it


def run(folder: Path, kill_after_s: float | None) -> list[str]:
    """What a run acknowledged before it was killed, or ended."""
    told = folder / "told"
    told.write_text("")
    process = _WARM.Process(
        target=runpy.run_path, args=(str(PROGRAM), {"FOLDER": str(folder)}, "__main__"), daemon=True
    )
    process.start()
    while not told.read_text() and process.is_alive():
        time.sleep(0.01)  # another process: there is nothing to wait on but what it writes
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        process.kill()
    process.join(60)
    return told.read_text().splitlines()


def test_sigkill_loses_no_figures_and_fills_no_gap_twice(tmp_path: Path) -> None:
    chance = random.Random(5)
    told: set[int] = set()
    killed_inside = 0
    for _ in range(3):
        lines = run(tmp_path, chance.uniform(0.1, 0.8))
        told |= {int(line.split()[1]) for line in lines if line.startswith("figures")}
        killed_inside += "done" not in lines
        store = open_core(tmp_path / "data")
        try:
            with store._reader.connect() as connection:
                there = set(connection.scalars(select(schema.session_figures.c.id)))
        finally:
            store.close()
        assert told <= there
    assert killed_inside
    assert "done" in run(tmp_path, None)
    store = open_core(tmp_path / "data")
    try:
        with store._reader.connect() as connection:
            ids = list(connection.scalars(select(schema.session_figures.c.id)))
            days = connection.execute(
                select(schema.document.c.key).where(schema.document.c.kind == "reconciliation")
            ).all()
        points = store.samples.points("Depot.CP01.C1.Energy", 0, 2**60, 10_000)
    finally:
        store.close()
    assert sorted(ids) == list(range(1, SESSIONS + 1))
    assert [day.key for day in days] == ["2026-03-03"]
    # The day is one of the site's clock; every register of a session of it stands in the history once.
    filled = Counter(point.time_us for point in points if is_good(point.quality))
    assert set(filled.values()) == {1}
    assert len(filled) > SESSIONS
