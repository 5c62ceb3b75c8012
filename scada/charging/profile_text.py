"""Charging profiles as JSON, with the names of OCPP 1.6 (7.8, 7.13, 7.14), read strictly and written. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from scada.charging.profiles import (
    DAY_S,
    PERIODS_MAX,
    Composite,
    Kind,
    Period,
    Profile,
    ProfileError,
    Purpose,
    Schedule,
    Unit,
)
from scada.core import moment
from scada.core.value import SECOND_US, TimeUs

INTEGER_MAX = 2**31 - 1
LIMIT_MAX = 10_000_000.0
"""10 MW, or as many amperes: no charger's limit lies above."""
STACK_LEVEL_MAX = 1_000
RECURRENCES = {"Daily": DAY_S, "Weekly": 7 * DAY_S}

_PROFILE = {
    "chargingProfileId",
    "transactionId",
    "stackLevel",
    "chargingProfilePurpose",
    "chargingProfileKind",
    "recurrencyKind",
    "validFrom",
    "validTo",
    "chargingSchedule",
}
_SCHEDULE = {"duration", "startSchedule", "chargingRateUnit", "chargingSchedulePeriod", "minChargingRate"}
_PERIOD = {"startPeriod", "limit", "numberPhases"}

E = TypeVar("E", bound=StrEnum)


def parse(body: object, where: str = "$") -> Profile:
    """A profile out of its JSON (`csChargingProfiles`).

    Args:
        where: JSON path of `body`, for the errors.

    Raises:
        ProfileError: `<JSON path>: <what is wrong>`.
    """
    fields = _object(body, where, _PROFILE)
    kind = _choice(fields, "chargingProfileKind", where, Kind)
    purpose = _choice(fields, "chargingProfilePurpose", where, Purpose)
    schedule = _schedule(fields, f"{where}.chargingSchedule")
    every_s = _recurrence(fields, where, kind, schedule)
    valid_from_us, valid_to_us = _time(fields, "validFrom", where), _time(fields, "validTo", where)
    if valid_from_us is not None and valid_to_us is not None and valid_to_us <= valid_from_us:
        raise ProfileError(f"{where}.validTo: lies not after validFrom")
    transaction_id = _integer(fields, "transactionId", where, low=-INTEGER_MAX - 1)
    if transaction_id is not None and purpose is not Purpose.TX:
        raise ProfileError(f"{where}.transactionId: only a TxProfile has one")
    if purpose is Purpose.CHARGER_MAX:
        _check_anchor(kind, schedule, where)
    return Profile(
        id=_required(
            _integer(fields, "chargingProfileId", where, low=-INTEGER_MAX - 1), where, "chargingProfileId"
        ),
        stack_level=_required(
            _integer(fields, "stackLevel", where, low=0, high=STACK_LEVEL_MAX), where, "stackLevel"
        ),
        purpose=purpose,
        kind=kind,
        schedule=schedule,
        every_s=every_s,
        valid_from_us=valid_from_us,
        valid_to_us=valid_to_us,
        transaction_id=transaction_id,
    )


def body_of(profile: Profile) -> dict[str, Any]:
    """The JSON of a profile; `parse` of it gives the same profile."""
    body: dict[str, Any] = {
        "chargingProfileId": profile.id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": profile.purpose.value,
        "chargingProfileKind": profile.kind.value,
        "chargingSchedule": _schedule_body(profile.schedule),
    }
    if profile.transaction_id is not None:
        body["transactionId"] = profile.transaction_id
    if profile.every_s:
        body["recurrencyKind"] = "Daily" if profile.every_s == DAY_S else "Weekly"
    for name, value in (("validFrom", profile.valid_from_us), ("validTo", profile.valid_to_us)):
        if value is not None:
            body[name] = moment.text(value)
    return body


def composite_body(composite: Composite) -> dict[str, Any]:
    """The chargingSchedule of a GetCompositeSchedule answer (6.22)."""
    return {
        "duration": composite.duration_s,
        "startSchedule": moment.text(composite.start_us),
        "chargingRateUnit": composite.unit.value,
        "chargingSchedulePeriod": [
            _period_body(period.start_s, period.limit, period.phases) for period in composite.periods
        ],
    }


def _schedule_body(schedule: Schedule) -> dict[str, Any]:
    body: dict[str, Any] = {
        "chargingRateUnit": schedule.unit.value,
        "chargingSchedulePeriod": [
            _period_body(one.start_s, one.limit, one.phases) for one in schedule.periods
        ],
    }
    if schedule.duration_s is not None:
        body["duration"] = schedule.duration_s
    if schedule.start_us is not None:
        body["startSchedule"] = moment.text(schedule.start_us)
    if schedule.min_rate is not None:
        body["minChargingRate"] = schedule.min_rate
    return body


def _period_body(start_s: int, limit: float, phases: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {"startPeriod": start_s, "limit": limit}
    return body if phases is None else {**body, "numberPhases": phases}


def _schedule(owner: Mapping[str, object], where: str) -> Schedule:
    fields = _object(owner.get("chargingSchedule"), where, _SCHEDULE)
    rows = fields.get("chargingSchedulePeriod")
    path = f"{where}.chargingSchedulePeriod"
    if not isinstance(rows, list) or not 1 <= len(rows) <= PERIODS_MAX:
        raise ProfileError(f"{path}: a list of 1 to {PERIODS_MAX} periods")
    periods = tuple(_period(row, f"{path}[{number}]") for number, row in enumerate(rows))
    if periods[0].start_s != 0:
        raise ProfileError(f"{path}[0].startPeriod: the first period starts at 0")
    for number, (before, after) in enumerate(itertools.pairwise(periods), 1):
        if after.start_s <= before.start_s:
            raise ProfileError(f"{path}[{number}].startPeriod: lies not after the period before")
    return Schedule(
        unit=_choice(fields, "chargingRateUnit", where, Unit),
        periods=periods,
        start_us=_time(fields, "startSchedule", where),
        duration_s=_integer(fields, "duration", where, low=1),
        min_rate=_rate(fields, "minChargingRate", where),
    )


def _period(row: object, where: str) -> Period:
    fields = _object(row, where, _PERIOD)
    return Period(
        _required(_integer(fields, "startPeriod", where, low=0), where, "startPeriod"),
        _required(_rate(fields, "limit", where), where, "limit"),
        _integer(fields, "numberPhases", where, low=1, high=3),
    )


def _recurrence(fields: Mapping[str, object], where: str, kind: Kind, schedule: Schedule) -> int:
    given = fields.get("recurrencyKind")
    if kind is not Kind.RECURRING:
        if given is not None:
            raise ProfileError(f"{where}.recurrencyKind: only a Recurring profile has one")
        if kind is Kind.RELATIVE and schedule.start_us is not None:
            raise ProfileError(f"{where}.chargingSchedule.startSchedule: a Relative profile has none")
        return 0
    if given not in RECURRENCES:
        raise ProfileError(f"{where}.recurrencyKind: one of {', '.join(RECURRENCES)}")
    if schedule.start_us is None:
        raise ProfileError(f"{where}.chargingSchedule.startSchedule: a Recurring profile needs one")
    return RECURRENCES[str(given)]


def _check_anchor(kind: Kind, schedule: Schedule, where: str) -> None:
    """A ChargePointMaxProfile holds for the charger, where no charging starts that it could count from (3.13.1)."""
    if kind is Kind.RELATIVE:
        raise ProfileError(f"{where}.chargingProfileKind: a ChargePointMaxProfile cannot be Relative")
    constant = len(schedule.periods) == 1 and schedule.duration_s is None
    if schedule.start_us is None and not constant:
        raise ProfileError(
            f"{where}.chargingSchedule.startSchedule: a ChargePointMaxProfile that changes needs one"
        )


def _object(body: object, where: str, known: set[str]) -> Mapping[str, object]:
    if not isinstance(body, Mapping):
        raise ProfileError(f"{where}: an object is needed")
    for name in body:
        if name not in known:
            raise ProfileError(f"{where}: has no field {str(name)[:50]!r}")
    return body


def _choice(fields: Mapping[str, object], name: str, where: str, choices: type[E]) -> E:
    try:
        return choices(str(fields.get(name)))
    except ValueError:
        raise ProfileError(f"{where}.{name}: one of {', '.join(choices)}") from None


def _integer(
    fields: Mapping[str, object], name: str, where: str, *, low: int, high: int = INTEGER_MAX
) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ProfileError(f"{where}.{name}: a whole number from {low} to {high}")
    return value


def _rate(fields: Mapping[str, object], name: str, where: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LIMIT_MAX:
        raise ProfileError(f"{where}.{name}: a number from 0 to {LIMIT_MAX:.0f}")
    if not math.isclose(value * 10, round(value * 10), abs_tol=1e-6):
        raise ProfileError(f"{where}.{name}: at most one decimal")
    return round(float(value), 1)


def _time(fields: Mapping[str, object], name: str, where: str) -> TimeUs | None:
    value = fields.get(name)
    if value is None:
        return None
    time_us = moment.parse(value) if isinstance(value, str) else None
    if time_us is None:
        raise ProfileError(f"{where}.{name}: a time such as 2026-01-31T12:00:00Z")
    return time_us - time_us % SECOND_US


N = TypeVar("N", int, float)


def _required(value: N | None, where: str, name: str) -> N:
    if value is None:
        raise ProfileError(f"{where}.{name}: is missing")
    return value
