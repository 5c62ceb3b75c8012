"""Start with 100 M samples (`SCADA_BENCH_SAMPLES`): opening the store and reading the last value of every tag."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from scada.core.value import Kind
from scada.history.samples import Place, SampleHistory
from scada.history.samples.batch import Batch
from scada.history.samples.store import SampleStore
from tests.bench.report import figure

SAMPLES = int(os.environ.get("SCADA_BENCH_SAMPLES", "100000000"))
TAGS = 500
DAY_US = 86_400_000_000
STEP_US = 10_000_000
A_DAY = 8_640
T0 = 1_735_689_600_000_000


def main() -> None:
    """Fill day by day, straight into blocks, then open it as the product does."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        store = SampleStore(place)
        ids = store.ids([(f"Depot.T{number}", Kind.REGISTER.value, "standard") for number in range(TAGS)])
        chance = np.random.default_rng(5)
        days = max(1, round(SAMPLES / TAGS / A_DAY))
        now_us = T0 + (days + 1) * DAY_US
        for day in range(days):
            times = T0 + day * DAY_US + STEP_US * np.arange(A_DAY, dtype=np.int64)
            for tag_id in ids:
                values = np.round(3_000 + chance.normal(0, 3, A_DAY), 1)
                store.write(
                    Batch(np.full(A_DAY, tag_id, np.int32), times, values, np.zeros(A_DAY, np.uint32)),
                    store.written + 1,
                )
            store.compact(now_us, everything=True)
        store.close()
        began_s = time.perf_counter()
        history = SampleHistory(place, now_us=lambda: now_us)
        found = history.last_values()
        figure("history", "start_s", time.perf_counter() - began_s, "s", of=f"{days * TAGS * A_DAY} samples")
        assert len(found) == TAGS
        history.close()


if __name__ == "__main__":
    main()
