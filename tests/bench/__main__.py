"""`./dev bench [name …]`: one JSON object a line. Figures are compared within one run, never between machines."""

from __future__ import annotations

import importlib
import platform
import subprocess
import sys
from pathlib import Path

from tests.bench.report import emit

NAMES = (
    "tags",
    "expressions",
    "ocpp",
    "alarms",
    "history",
    "start",
    "sessions",
    "hmi",
    "modbus",
    "allocation",
)


def main() -> None:
    wanted = sys.argv[1:] or list(NAMES)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    emit({"machine": _machine(), "python": platform.python_version(), "commit": commit})
    for name in wanted:
        importlib.import_module(f"tests.bench.{name}").main()


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} × {models[0]}" if models else platform.machine()


if __name__ == "__main__":
    main()
