"""Composite schedules: tables of what the standard says, and random stacks against a naive look at each second."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.charging.profile_text import body_of, composite_body, parse
from scada.charging.profiles import (
    COMPOSITE_PERIODS_MAX,
    DAY_S,
    PERIODS_MAX,
    PROFILES_MAX,
    Kind,
    Period,
    Profile,
    ProfileError,
    ProfileStack,
    Purpose,
    Schedule,
    Situation,
    Supply,
    Unit,
)
from scada.core.moment import text
from scada.core.value import SECOND_US
from scada.drivers.ocpp import schemas
from scada.testing.clock import START_US

SUPPLY = Supply(current_max_a=32.0, phases=3)
IDLE = Situation(supply=SUPPLY)
T0 = START_US


def at(seconds: float) -> int:
    return T0 + int(seconds * SECOND_US)


def profile(
    limits: list[tuple[int, float]] | float = 16.0,
    purpose: Purpose = Purpose.TX_DEFAULT,
    kind: Kind = Kind.ABSOLUTE,
    *,
    number: int = 1,
    level: int = 0,
    unit: Unit = Unit.A,
    start_s: int | None = 0,
    duration_s: int | None = None,
    **more: Any,
) -> Profile:
    rows = limits if isinstance(limits, list) else [(0, limits)]
    phases = more.pop("phases", None)
    return Profile(
        id=number,
        stack_level=level,
        purpose=purpose,
        kind=kind,
        schedule=Schedule(
            unit=unit,
            periods=tuple(Period(start, limit, phases) for start, limit in rows),
            start_us=None if start_s is None or kind is Kind.RELATIVE else at(start_s),
            duration_s=duration_s,
            min_rate=more.pop("min_rate", None),
        ),
        **more,
    )


def stack(*placed: tuple[int, Profile]) -> ProfileStack:
    one = ProfileStack()
    for connector, what in placed:
        one.install(connector, what, charging=True)
    return one


def limits(
    profiles: ProfileStack, *seconds: int, connector: int = 1, situation: Situation = IDLE
) -> list[float]:
    return [profiles.limit_at(connector, at(s), situation).value(Unit.A) for s in seconds]


MAX, DEFAULT, TX = Purpose.CHARGER_MAX, Purpose.TX_DEFAULT, Purpose.TX


def test_without_profiles_the_hardware_limits() -> None:
    assert limits(ProfileStack(), 0) == [32.0]
    composite = ProfileStack().composite(1, T0, 3_600, Unit.W, IDLE)
    assert [(p.start_s, p.limit, p.profile_id) for p in composite.periods] == [(0, 22_080.0, None)]


def test_the_higher_level_leads_and_where_it_is_silent_the_lower_one() -> None:
    profiles = stack((1, profile(20.0)), (1, profile(10.0, number=2, level=3, start_s=100, duration_s=50)))
    assert limits(profiles, 0, 99, 100, 149, 150) == [20.0, 20.0, 10.0, 10.0, 20.0]


def test_a_tx_profile_replaces_the_default_even_upwards_but_not_the_maximum() -> None:
    profiles = stack((1, profile(10.0)), (1, profile(25.0, TX, number=2)), (0, profile(20.0, MAX, number=3)))
    assert limits(profiles, 0) == [20.0]
    profiles.transaction_ended(1)
    assert limits(profiles, 0) == [10.0]


def test_a_tx_profile_of_another_transaction_says_nothing() -> None:
    profiles = stack((1, profile(10.0, TX, transaction_id=7)))
    assert limits(profiles, 0, situation=Situation(supply=SUPPLY, transaction_id=8)) == [32.0]
    assert limits(profiles, 0, situation=Situation(supply=SUPPLY, transaction_id=7)) == [10.0]
    assert limits(profiles, 0, connector=2) == [32.0]


def test_a_default_of_the_connector_goes_before_the_one_for_all() -> None:
    profiles = stack((0, profile(8.0, level=9)), (1, profile(12.0, number=2, duration_s=60)))
    assert limits(profiles, 0, 60) == [12.0, 8.0]
    assert limits(profiles, 0, connector=2) == [8.0]


def test_validity_bounds_a_profile() -> None:
    profiles = stack((1, profile(8.0, valid_from_us=at(10), valid_to_us=at(20))))
    assert limits(profiles, 9, 10, 19, 20) == [32.0, 8.0, 8.0, 32.0]


def test_relative_counts_from_the_start_of_charging() -> None:
    profiles = stack((1, profile([(0, 6.0), (600, 16.0)], kind=Kind.RELATIVE)))
    running = Situation(supply=SUPPLY, since_us=at(-500))
    assert limits(profiles, 0, 99, 100, situation=running) == [6.0, 6.0, 16.0]
    assert limits(profiles, 0, 700) == [6.0, 6.0]  # nothing charges: it would start at that moment
    composite = profiles.composite(1, T0, 1_200, Unit.A, IDLE)
    assert [(p.start_s, p.limit) for p in composite.periods] == [(0, 6.0), (600, 16.0)]


def test_daily_begins_anew_each_day_and_not_before_its_first() -> None:
    day = profile([(0, 6.0), (3_600, 20.0)], kind=Kind.RECURRING, every_s=DAY_S, duration_s=2 * DAY_S)
    profiles = stack((1, day))
    assert limits(profiles, -1, 0, 3_600, DAY_S - 1, DAY_S, DAY_S + 3_600) == [32, 6, 20, 20, 6, 20]


def test_weekly_holds_on_its_day_only() -> None:
    week = profile(6.0, kind=Kind.RECURRING, every_s=7 * DAY_S, duration_s=DAY_S)
    assert limits(stack((1, week)), 0, DAY_S, 6 * DAY_S, 7 * DAY_S) == [6, 32, 32, 6]


def test_power_becomes_current_by_phases() -> None:
    three = stack((1, profile(6_900.0, unit=Unit.W)))
    assert limits(three, 0) == [10.0]
    one = stack((1, profile(2_300.0, unit=Unit.W, phases=1)))
    limit = one.limit_at(1, T0, IDLE)
    assert (limit.current_a, limit.power_w, limit.phases) == (10.0, 2_300.0, 1)
    both = stack((1, profile(16.0, phases=1)), (0, profile(6_900.0, MAX, number=2, unit=Unit.W)))
    assert both.limit_at(1, T0, IDLE).value(Unit.W) == 3_680.0


def test_a_limit_is_never_rounded_up() -> None:
    assert limits(stack((1, profile(11_000.0, unit=Unit.W))), 0) == [15.9]


def test_connector_0_is_the_maximum_of_the_charger() -> None:
    profiles = stack((0, profile(6.0)), (0, profile(20.0, MAX, number=2)))
    assert limits(profiles, 0, connector=0) == [20.0]


def test_the_same_id_or_place_is_replaced() -> None:
    profiles = stack((1, profile(6.0)), (2, profile(7.0)))
    assert [(where, one.id) for where, one in profiles.installed] == [(2, 1)]
    profiles.install(2, profile(9.0, number=5), charging=False)
    assert [one.id for _, one in profiles.installed] == [5]


def test_what_has_no_place_is_refused_and_changes_nothing() -> None:
    profiles = stack((1, profile()))
    before = copy.deepcopy(profiles)
    for connector, what, charging in (
        (1, profile(purpose=MAX), True),
        (0, profile(purpose=TX), True),
        (1, profile(purpose=TX), False),
        (-1, profile(), True),
    ):
        with pytest.raises(ProfileError, match=r"^\$"):
            profiles.install(connector, what, charging=charging)
    assert profiles == before


def test_a_full_charger_still_replaces() -> None:
    profiles = stack(*((1, profile(number=n, level=n)) for n in range(PROFILES_MAX)))
    with pytest.raises(ProfileError, match="30 profiles"):
        profiles.install(1, profile(number=99, level=99), charging=True)
    profiles.install(1, profile(8.0, number=3, level=3), charging=True)
    assert len(profiles.installed) == PROFILES_MAX


def test_clearing_by_id_or_by_all_conditions() -> None:
    def fresh() -> ProfileStack:
        return stack(
            (0, profile(purpose=MAX, number=1)),
            (1, profile(number=2)),
            (1, profile(number=3, level=2)),
            (2, profile(number=4)),
        )

    assert fresh().clear() == 4
    assert fresh().clear(profile_id=3, stack_level=0) == 1
    assert fresh().clear(connector=1, stack_level=2) == 1
    assert fresh().clear(purpose=DEFAULT) == 3
    assert fresh().clear(connector=0, purpose=DEFAULT) == 0


def test_a_composite_that_grows_too_long_is_cut() -> None:
    rows = [(n * 60, 6.0 + n % 2) for n in range(PERIODS_MAX)]
    profiles = stack(
        *(
            (
                1,
                profile(
                    rows,
                    number=n,
                    level=n,
                    kind=Kind.RECURRING,
                    every_s=DAY_S,
                    start_s=n * 6_000,
                    duration_s=6_000,
                ),
            )
            for n in range(14)
        )
    )
    composite = profiles.composite(1, at(DAY_S), 7 * DAY_S, Unit.A, IDLE)
    assert len(composite.periods) == COMPOSITE_PERIODS_MAX
    assert composite.duration_s == COMPOSITE_PERIODS_MAX * 60
    assert limits(profiles, DAY_S + composite.duration_s - 1) == [composite.periods[-1].limit]


# -- random stacks, second by second ---------------------------------------------------------------------

SPAN_S = 240

_rates = st.integers(0, 400).map(lambda n: n / 10)
_periods = st.lists(st.tuples(st.integers(1, 90), _rates), max_size=3, unique_by=lambda row: row[0]).flatmap(
    lambda rest: _rates.map(lambda first: [(0, first), *sorted(rest)])
)


@st.composite
def profiles_placed(draw: st.DrawFn) -> tuple[int, Profile]:
    purpose = draw(st.sampled_from(list(Purpose)))
    kind = draw(st.sampled_from([Kind.ABSOLUTE] if purpose is MAX else list(Kind)))
    unit = draw(st.sampled_from(list(Unit)))
    rows = draw(_periods)
    if unit is Unit.W:
        rows = [(start, rate * 600) for start, rate in rows]
    valid = sorted(draw(st.lists(st.integers(-50, SPAN_S), min_size=2, max_size=2, unique=True)))
    return (
        0 if purpose is MAX else draw(st.integers(1 if purpose is TX else 0, 1)),
        profile(
            rows,
            purpose,
            kind,
            number=draw(st.integers(1, 50)),
            level=draw(st.integers(0, 2)),
            unit=unit,
            start_s=draw(st.integers(-300, 200)),
            duration_s=draw(st.none() | st.integers(1, 150)),
            phases=draw(st.none() | st.integers(1, 3)),
            every_s=draw(st.sampled_from((60, 100))) if kind is Kind.RECURRING else 0,
            valid_from_us=draw(st.none() | st.just(at(valid[0]))),
            valid_to_us=draw(st.none() | st.just(at(valid[1]))),
        ),
    )


def naive(profiles: ProfileStack, second: int, since_s: int) -> tuple[float, int | None]:
    """(current, profile) at a second, found the long way."""
    found: dict[tuple[Purpose, int], tuple[Profile, Period]] = {}
    for where, one in sorted(profiles.installed, key=lambda pair: pair[1].stack_level):
        begin = since_s
        if one.kind is not Kind.RELATIVE and one.schedule.start_us is not None:
            begin = (one.schedule.start_us - T0) // SECOND_US
        while one.every_s and begin + one.every_s <= second:
            begin += one.every_s
        hours = (one.valid_from_us or at(-9_999), one.valid_to_us or at(9_999))
        if not hours[0] <= at(second) < hours[1] or second < begin:
            continue
        if one.schedule.duration_s is not None and second >= begin + one.schedule.duration_s:
            continue
        for period in one.schedule.periods:
            if second >= begin + period.start_s:
                found[one.purpose, where] = (one, period)
    session = found.get((TX, 1)) or found.get((DEFAULT, 1)) or found.get((DEFAULT, 0))
    said = [pair for pair in (found.get((MAX, 0)), session) if pair is not None]
    phases = min([3, *(period.phases for _, period in said if period.phases)])
    best, who = 32.0, None
    for one, period in said:
        current = period.limit if one.schedule.unit is Unit.A else period.limit / (230.0 * phases)
        if current < best or (current == best and who is None):
            best, who = current, one.id
    return best, who


@settings(max_examples=120, deadline=None)
@given(st.lists(profiles_placed(), max_size=6), st.integers(-200, 0), st.integers(1, SPAN_S))
def test_a_composite_is_what_each_second_says(
    placed: list[tuple[int, Profile]], since_s: int, duration_s: int
) -> None:
    profiles = stack(*placed)
    situation = Situation(supply=SUPPLY, since_us=at(since_s))
    composite = profiles.composite(1, T0, duration_s, Unit.A, situation)
    assert composite.periods[0].start_s == 0
    assert composite.duration_s == duration_s
    starts = [period.start_s for period in composite.periods]
    assert starts == sorted(set(starts))
    assert starts[-1] < duration_s
    for second in range(duration_s):
        current, who = naive(profiles, second, since_s)
        limit = profiles.limit_at(1, at(second + 0.4), situation)
        assert limit.current_a == pytest.approx(current)
        assert limit.profile_id == who
        period = [one for one in composite.periods if one.start_s <= second][-1]
        assert period.limit == limit.value(Unit.A)
        assert period.profile_id == who


# -- text -------------------------------------------------------------------------------------------------

GOOD: dict[str, Any] = {
    "chargingProfileId": 4,
    "stackLevel": 2,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-01-01T00:00:00Z",
    "validTo": "2026-02-01T00:00:00+01:00",
    "chargingSchedule": {
        "duration": 80_000,
        "startSchedule": "2026-01-01T06:00:00.700Z",
        "chargingRateUnit": "A",
        "minChargingRate": 6.0,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1, "numberPhases": 3}],
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    body: Any = copy.deepcopy(GOOD)
    *way, last = path.split(".")
    place = body
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return dict(body)


def test_what_is_written_is_read_again_and_fits_the_schema() -> None:
    one = parse(GOOD)
    assert one.every_s == DAY_S
    assert one.schedule.periods == (Period(0, 16.1, 3),)
    assert parse(body_of(one)) == one
    schemas.check_request(
        "ocpp1.6", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": body_of(one)}
    )


@settings(max_examples=60, deadline=None)
@given(profiles_placed())
def test_any_profile_can_be_written_and_read(placed: tuple[int, Profile]) -> None:
    one = placed[1]
    if one.every_s:
        one = profile(kind=Kind.RECURRING, every_s=7 * DAY_S)
    assert parse(body_of(one)) == one


def test_a_composite_as_the_answer_says_it() -> None:
    composite = stack((1, profile(10.0, phases=1))).composite(1, T0, 60, Unit.A, IDLE)
    body = composite_body(composite)
    assert body == {
        "duration": 60,
        "startSchedule": text(T0),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0, "numberPhases": 1}],
    }
    answer = {"status": "Accepted", "connectorId": 1, "scheduleStart": text(T0), "chargingSchedule": body}
    schemas.check_response("ocpp1.6", "GetCompositeSchedule", answer)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("chargingProfileId", ..., "$.chargingProfileId"),
        ("chargingProfileId", True, "$.chargingProfileId"),
        ("stackLevel", -1, "$.stackLevel"),
        ("chargingProfilePurpose", "Tx", "$.chargingProfilePurpose"),
        ("chargingProfileKind", None, "$.chargingProfileKind"),
        ("chargingProfileKind", "Absolute", "$.recurrencyKind"),
        ("recurrencyKind", "Monthly", "$.recurrencyKind"),
        ("validTo", "2025-01-01T00:00:00Z", "$.validTo"),
        ("validFrom", "soon", "$.validFrom"),
        ("transactionId", 5, "$.transactionId"),
        ("extra", 1, "$"),
        ("chargingSchedule", [], "$.chargingSchedule"),
        ("chargingSchedule.duration", 0, "$.chargingSchedule.duration"),
        ("chargingSchedule.startSchedule", ..., "$.chargingSchedule.startSchedule"),
        ("chargingSchedule.chargingRateUnit", "kW", "$.chargingSchedule.chargingRateUnit"),
        ("chargingSchedule.chargingSchedulePeriod", [], "$.chargingSchedule.chargingSchedulePeriod"),
        (
            "chargingSchedule.chargingSchedulePeriod",
            [{"startPeriod": n, "limit": 6} for n in range(PERIODS_MAX + 1)],
            "$.chargingSchedule.chargingSchedulePeriod",
        ),
        (
            "chargingSchedule.chargingSchedulePeriod",
            [{"startPeriod": 0, "limit": 6}, {"startPeriod": 0, "limit": 7}],
            "$.chargingSchedule.chargingSchedulePeriod[1].startPeriod",
        ),
        (
            "chargingSchedule.chargingSchedulePeriod.0.startPeriod",
            5,
            "$.chargingSchedule.chargingSchedulePeriod[0].startPeriod",
        ),
        (
            "chargingSchedule.chargingSchedulePeriod.0.limit",
            16.15,
            "$.chargingSchedule.chargingSchedulePeriod[0].limit",
        ),
        (
            "chargingSchedule.chargingSchedulePeriod.0.limit",
            float("nan"),
            "$.chargingSchedule.chargingSchedulePeriod[0].limit",
        ),
        (
            "chargingSchedule.chargingSchedulePeriod.0.numberPhases",
            4,
            "$.chargingSchedule.chargingSchedulePeriod[0].numberPhases",
        ),
    ],
)
def test_an_error_names_its_place(path: str, value: object, where: str) -> None:
    with pytest.raises(ProfileError) as caught:
        parse(changed(path, value))
    assert str(caught.value).startswith(f"{where}: ")


def test_a_maximum_that_changes_needs_its_own_start() -> None:
    body = changed("chargingProfilePurpose", "ChargePointMaxProfile")
    body["chargingProfileKind"] = "Absolute"
    del body["recurrencyKind"], body["chargingSchedule"]["startSchedule"]
    with pytest.raises(ProfileError, match=r"^\$\.chargingSchedule\.startSchedule: "):
        parse(body)
    del body["chargingSchedule"]["duration"]
    assert parse(body).schedule.start_us is None
    body["chargingProfileKind"] = "Relative"
    with pytest.raises(ProfileError, match=r"^\$\.chargingProfileKind: "):
        parse(body)
