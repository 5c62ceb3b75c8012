"""What a charger answers to GetCompositeSchedule, looked at before it is believed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scada.core import moment
from scada.core.value import SECOND_US

LIMIT_MAX = 1e7
"""No charger has a limit beyond, in A or W."""
STARTS_APART_S = 600


def implausible(answer: Mapping[str, Any], duration_s: int) -> tuple[dict[str, Any], list[str]]:
    """The answer without the periods that cannot be right, and what is wrong with it."""
    schedule = answer.get("chargingSchedule")
    faults: list[str] = []
    if not schedule:
        return dict(answer), faults
    last_s = min(int(schedule.get("duration") or duration_s), duration_s)
    kept: list[Any] = []
    for period in schedule["chargingSchedulePeriod"]:
        start_s = period["startPeriod"]
        if not 0 <= start_s <= last_s:
            _once(faults, "a period begins outside the schedule")
        elif kept and start_s <= kept[-1]["startPeriod"]:
            _once(faults, "periods are out of order")
        elif not 0 <= period["limit"] <= LIMIT_MAX:
            _once(faults, "a limit cannot be right")
        else:
            kept.append(period)
    begins = [
        moment.parse(str(text))
        for text in (answer.get("scheduleStart"), schedule.get("startSchedule"))
        if text
    ]
    times = [time_us for time_us in begins if time_us is not None]
    if len(times) == 2 and abs(times[0] - times[1]) > STARTS_APART_S * SECOND_US:
        _once(faults, "scheduleStart and startSchedule are not the same")
    return {**answer, "chargingSchedule": {**schedule, "chargingSchedulePeriod": kept}}, faults


def _once(faults: list[str], fault: str) -> None:
    if fault not in faults:
        faults.append(fault)
