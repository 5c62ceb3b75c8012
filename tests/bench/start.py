"""From the start of the process to the first accepted OCPP connection."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from scada.testing.processes import supervisor
from tests.bench.projects import many_chargers
from tests.bench.report import figure


def main() -> None:
    for chargers in (100, 5_000):
        figure("start", f"ready_{chargers}_s", _ready_s(chargers), "s")


def _ready_s(chargers: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        project = many_chargers(Path(folder), chargers)
        began = time.perf_counter()
        # The program prints its addresses once the port is open.
        with supervisor(project, "--no-simulate", "--log-level", "error", own_interpreter=True):
            return time.perf_counter() - began
