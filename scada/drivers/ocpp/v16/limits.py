"""Limits as charging profiles or keys, as the charger's make wants them (OCPP 1.6 3.13, 5.16). Pure but for `send_key`."""

from __future__ import annotations

import math
from typing import Any

from scada.core import moment
from scada.core.plant import Charger, Current
from scada.core.value import SECOND_US, TimeUs
from scada.drivers.ocpp.profile import Profile

PROFILE_ID = 7000
"""chargingProfileId of a limit of ours on connector n: 7000 + n."""
START_PROFILE_ID = 7500
"""… of the limit that goes with a remote start."""
LEAD_S = 60
"""A schedule begins so long ago: a charger whose clock is behind obeys it at once all the same."""


def wanted_a(profile: Profile, limit_a: float) -> tuple[float, str]:
    """(the limit that is sent, why it cannot be or empty): below the least current there is only a pause."""
    sent_a = 0.0 if limit_a < profile.limit.min_a else limit_a
    if sent_a > 0:
        return sent_a, ""
    if profile.limit.zero == "refuse":
        return 0.0, f"chargers of this make ({profile.label}) refuse a limit below {profile.limit.min_a:g} A"
    if profile.limit.zero == "stop":
        return (
            0.0,
            f"chargers of this make ({profile.label}) end the transaction at a limit of 0: give RemoteStop",
        )
    return 0.0, ""


def charging_profile(
    charger: Charger,
    number: int,
    limit_a: float,
    profile: Profile,
    now_us: TimeUs,
    *,
    transaction: int | None = None,
    duration_s: int | None = None,
    then_a: float | None = None,
    phases_used: int | None = None,
    at_start: bool = False,
) -> dict[str, Any]:
    """ChargingProfile (7.8) that holds a connector (0: the charger) to a current per phase of the mains.

    Args:
        limit_a: as `wanted_a` gives it.
        transaction: that the limit is of (TxProfile).
        then_a: limit after `duration_s`, without end; None: the schedule ends then.
        phases_used: by the vehicle; a limit in watts bounds no phase: it could come on these alone.
        at_start: it goes with RemoteStartTransaction, where it must be a TxProfile without transaction.
    """
    habits = profile.limit
    connector = charger.connector(number) or charger.connectors[0]
    phases = 3 if connector.current is Current.DC else connector.phases
    loaded = phases if phases_used is None else min(phases, phases_used)
    factor = 1.0 if habits.unit == "A" else habits.voltage_v * loaded
    periods: list[dict[str, Any]] = [{"startPeriod": 0, "limit": _down(limit_a * factor)}]
    if then_a is not None and duration_s is not None:
        periods.append({"startPeriod": duration_s + LEAD_S, "limit": _down(then_a * factor)})
    if habits.phases and connector.current is Current.AC:
        for period in periods:
            period["numberPhases"] = phases
    schedule: dict[str, Any] = {"chargingRateUnit": habits.unit, "chargingSchedulePeriod": periods}
    result: dict[str, Any] = {
        "chargingProfileId": START_PROFILE_ID if at_start else PROFILE_ID + number,
        "stackLevel": habits.stack_level,
        "chargingProfilePurpose": purpose(profile, number, at_start=at_start),
        "chargingProfileKind": "Relative" if at_start else "Absolute",
        "chargingSchedule": schedule,
    }
    if not at_start:
        schedule["startSchedule"] = moment.text(now_us - LEAD_S * SECOND_US)
    if duration_s is not None and then_a is None:
        schedule["duration"] = duration_s + LEAD_S
    if transaction is not None:
        result["transactionId"] = transaction
    return result


def _down(limit: float) -> float:
    """Rounded down to the tenth that OCPP takes (1.6 7.13): never more than was meant."""
    return math.floor(limit * 10 + 1e-6) / 10


def purpose(profile: Profile, number: int, *, at_start: bool = False) -> str:
    """The purpose that this make wants."""
    if at_start:
        return "TxProfile"
    return profile.limit.purpose if number else profile.limit.charger_purpose


def key_value(profile: Profile, limit_a: float) -> str:
    """The value of the vendor's key for a limit."""
    return str(round(limit_a * profile.limit.key_scale))
