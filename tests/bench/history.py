"""Samples through the whole path, and back as curves: a CPU-second, bytes, milliseconds, on both engines.

The baseline is what one writes first: a table with a row a sample, by SQLAlchemy, in the same run.
SCADA_BENCH_SAMPLES sets how many (default 2 million).
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from scada.core.database import Sample, TagDatabase
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.history.samples import Place, SampleHistory, parse_url, query
from scada.history.samples.batch import Batch
from scada.history.samples.keeper import size
from scada.history.samples.rollups import due_days, roll
from scada.history.samples.store import SampleStore
from scada.testing.postgresql import PostgreSql
from tests.bench.report import figure

SAMPLES = int(os.environ.get("SCADA_BENCH_SAMPLES", "2000000"))
TAGS = 500
STEP_US = 10_000_000
DAY_US = 86_400_000_000
T0 = 1_735_689_600_000_000
PIXELS = 1_000
WAITING_MAX = 60_000
NARROW_SHARE = 10
"""The baseline stores this share of the samples; its figures are a sample each."""


def main() -> None:
    gc.set_threshold(50_000, 20, 50)  # as the product runs
    server = PostgreSql(fsync="on", full_page_writes="on", shared_buffers="256MB", max_wal_size="4GB")
    try:
        for engine in ("sqlite", "postgresql"):
            with tempfile.TemporaryDirectory() as folder:
                _engine(engine, Path(folder), server)
    finally:
        server.close()


def _engine(engine: str, folder: Path, server: PostgreSql) -> None:
    url = parse_url(server.url(server.database())) if engine == "postgresql" else None
    place = Place(folder, url)
    narrow = sa.create_engine(
        parse_url(server.url(server.database())) if url is not None else f"sqlite:///{folder}/narrow.db"
    )
    narrow_per_cpu_s, narrow_bytes, narrow_day_ms = _narrow(narrow, engine, folder, server)
    rounds = SAMPLES // TAGS
    # The clock stands within the day of the samples: roll-ups come when it is over, and are measured below.
    now_us = T0 + 300 * DAY_US + rounds * STEP_US
    history = SampleHistory(place, now_us=lambda: now_us)
    power = _tags()
    began = _cpu(server, engine)
    _feed(history, power, rounds, T0 + 300 * DAY_US)
    assert history.flush(600)
    fed = _cpu(server, engine)
    assert history.writer.submit(lambda store: store.compact(now_us, everything=True), 600)
    done = _cpu(server, engine)
    count = rounds * TAGS
    figure("history", "samples_per_cpu_s", count / (done - began), "1/s", narrow_per_cpu_s, engine=engine)
    figure("history", "compaction_us_per_sample", (done - fed) / count * 1e6, "µs", engine=engine)
    history.close()
    _sizes(place, count, narrow_bytes, engine)
    _year(place, engine, narrow_day_ms)
    narrow.dispose()


def _sizes(place: Place, count: int, narrow_bytes: float, engine: str) -> None:
    store = SampleStore(place)
    with store.engine.connect() as connection:
        blocks = connection.scalar(sa.text("SELECT sum(length(data) + 60) FROM history_block")) or 0
    figure(
        "history", "bytes_per_sample", float(blocks) / count, "B", narrow_bytes, engine=engine, of="blocks"
    )
    while days := due_days(store, T0 + 400 * DAY_US, 100):
        roll(store, days)
    figure("history", "bytes_per_sample_all", size(store) / count, "B", engine=engine, of="with roll-ups")
    store.close()


def _year(place: Place, engine: str, narrow_day_ms: float) -> None:
    """One tag a year at 10 s: 3.15 M samples, put straight into blocks."""
    now_us = T0 + 400 * DAY_US
    store = SampleStore(place)
    (tag_id,) = store.ids([("Depot.Year", Kind.REGISTER.value, "standard")])
    chance = np.random.default_rng(5)

    for day in range(365):
        times = T0 + day * DAY_US + STEP_US * np.arange(8_640, dtype=np.int64)
        values = np.round(3_000 + 500 * np.sin(np.arange(8_640) / 500) + chance.normal(0, 3, 8_640), 1)
        ids = np.full(8_640, tag_id, np.int32)
        store.write(Batch(ids, times, values, np.zeros(8_640, np.uint32)), store.written + 1)
        if day % 50 == 49:
            store.compact(now_us, everything=True)
    store.compact(now_us, everything=True)
    began = time.process_time()
    days = 0
    while due := due_days(store, now_us, 50):
        days += roll(store, due)
    figure(
        "history", "rollup_ms_per_tag_day", (time.process_time() - began) / days * 1e3, "ms", engine=engine
    )
    store.close()
    began_s = time.perf_counter()
    history = SampleHistory(place, now_us=lambda: now_us)
    history.last_values()
    figure("history", "start_s", time.perf_counter() - began_s, "s", engine=engine)
    day_ms = _median_ms(lambda: _curve(history, "Depot.Year", T0 + 100 * DAY_US, T0 + 101 * DAY_US))
    figure("history", "tag_day_ms", day_ms, "ms", narrow_day_ms, engine=engine)
    year_ms = _median_ms(lambda: _curve(history, "Depot.Year", T0, T0 + 365 * DAY_US))
    figure("history", "tag_year_ms", year_ms, "ms", engine=engine)
    history.close()


def _curve(history: SampleHistory, path: str, from_us: int, to_us: int) -> None:
    with history.view() as view:
        assert len(query.curve(view, path, from_us, to_us, PIXELS)) > PIXELS


def _feed(history: SampleHistory, tags: TagDatabase, rounds: int, begin_us: int) -> None:
    """As the plant does: a list of samples a cycle, in the order of writing."""
    chance = np.random.default_rng(1)
    every = list(tags)
    base = chance.uniform(0, 7_000, len(every))
    for number in range(rounds):
        at = begin_us + number * STEP_US
        values = np.round(base + 500 * np.sin(number / 50) + chance.normal(0, 3, len(every)), 1).tolist()
        history.append([Sample(tag, value, GOOD, at) for tag, value in zip(every, values, strict=True)])
        while history.waiting > WAITING_MAX:
            time.sleep(0.002)


def _narrow(engine: sa.Engine, name: str, folder: Path, server: PostgreSql) -> tuple[float, float, float]:
    """(samples a CPU-second, bytes a sample, milliseconds for a tag's day) of a row a sample."""
    table = sa.Table(
        "narrow",
        sa.MetaData(),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("tag_id", sa.Integer),
        sa.Column("time_us", sa.BigInteger),
        sa.Column("value", sa.Float),
        sa.Column("quality", sa.BigInteger),
        sa.Index("ix_narrow", "tag_id", "time_us"),
    )
    table.create(engine)
    count = max(SAMPLES // NARROW_SHARE, 8_640 * 10)
    began = _cpu(server, name)
    for at in range(0, count, 20_000):
        rows = [
            {"tag_id": n % 10, "time_us": T0 + n // 10 * STEP_US, "value": n / 10, "quality": 0}
            for n in range(at, min(at + 20_000, count))
        ]
        with engine.begin() as connection:
            connection.execute(table.insert(), rows)
    cpu_s = _cpu(server, name) - began
    with engine.connect() as connection:
        if name == "sqlite":
            total = (folder / "narrow.db").stat().st_size
        else:
            total = connection.scalar(sa.text("SELECT pg_total_relation_size('narrow')")) or 0
        statement = sa.select(table.c.time_us, table.c.value).where(
            table.c.tag_id == 3, table.c.time_us >= T0, table.c.time_us < T0 + DAY_US
        )
        day_ms = _median_ms(lambda: connection.execute(statement.order_by(table.c.time_us)).all())
    return count / cpu_s, total / count, day_ms


def _median_ms(ask: Callable[[], object]) -> float:
    taken = []
    for _ in range(7):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def _cpu(server: PostgreSql, engine: str) -> float:
    """CPU-seconds of this process and, for PostgreSQL, of the server's."""
    return time.process_time() + (server.cpu_s() if engine == "postgresql" else 0.0)


def _tags() -> TagDatabase:
    return TagDatabase(
        [
            TagDefinition(path=f"Depot.T{n}", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule())
            for n in range(TAGS)
        ]
    )


if __name__ == "__main__":
    main()
