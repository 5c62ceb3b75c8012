"""Killed while it works out sessions and rebuilds a day: what was acknowledged is there, and nothing is filled twice."""

from __future__ import annotations

import random
import runpy
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from scada.core.value import is_good
from scada.history import open_core, schema
from scada.testing.processes import WARM

PROGRAM = Path(__file__).with_name("books_program.py")
SESSIONS = 8


def run(folder: Path, kill_after: tuple[int, float] | None) -> list[str]:
    """What a run acknowledged before it was killed, or ended.

    Args:
        kill_after: so many lines, and then so many seconds; None: it ends by itself.
    """
    told = folder / "told"
    told.write_text("")
    process = WARM.Process(
        target=runpy.run_path, args=(str(PROGRAM), {"FOLDER": str(folder)}, "__main__"), daemon=True
    )
    process.start()
    if kill_after is not None:
        lines, delay_s = kill_after
        while len(told.read_text().splitlines()) < lines and process.is_alive():
            time.sleep(0.002)  # another process: there is nothing to wait on but what it writes
        time.sleep(delay_s)
        process.kill()
    process.join(60)
    return told.read_text().splitlines()


def test_sigkill_loses_no_figures_and_fills_no_gap_twice(tmp_path: Path) -> None:
    chance = random.Random(5)
    told: set[int] = set()
    killed_inside = 0
    # Twice between the figures of two sessions, then while gaps are filled.
    for moment in ((2, 0.0), (3, 0.0), (1, chance.uniform(0.2, 0.6))):
        lines = run(tmp_path, moment)
        told |= {int(line.split()[1]) for line in lines if line.startswith("figures")}
        killed_inside += "done" not in lines
        store = open_core(tmp_path / "data")
        try:
            with store._reader.connect() as connection:
                there = set(connection.scalars(select(schema.session_figures.c.id)))
        finally:
            store.close()
        assert told <= there
    assert killed_inside >= 2
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
