"""Printing figures."""

from __future__ import annotations

import json
from typing import Any


def emit(row: dict[str, Any]) -> None:
    print(json.dumps(row, ensure_ascii=False), flush=True)


def figure(
    bench: str, name: str, value: float, unit: str, baseline: float | None = None, **more: Any
) -> None:
    row: dict[str, Any] = {"bench": bench, "figure": name, "value": _round(value), "unit": unit}
    if baseline is not None:
        row["baseline"] = _round(baseline)
        row["ratio"] = _round(value / baseline) if baseline else None
    emit({**row, **more})


def _round(value: float) -> float:
    return float(f"{value:.4g}")
