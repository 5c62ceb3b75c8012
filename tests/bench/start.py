"""From the start of the process to the first accepted OCPP connection."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from scada.project import scaffold
from scada.testing.processes import supervisor
from tests.bench.report import figure


def main() -> None:
    for chargers in (100, 5_000):
        figure("start", f"ready_{chargers}_s", _ready_s(chargers), "s")


def _ready_s(chargers: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "bench"
        scaffold(project, simulated=False)
        (project / "meters.csv").unlink()
        header = "site,tag,identity,type,feeder,connectors,plug,current_a,power_kw"
        rows = [f"Depot,X{n},X{n},ac3,A,1,Type_2,32,22" for n in range(chargers)]
        (project / "chargers.csv").write_text("\n".join([header, *rows]) + "\n")
        began = time.perf_counter()
        # The program prints its addresses once the port is open.
        with supervisor(project, "--log-level", "error"):
            return time.perf_counter() - began
