"""What sessions cost: bands, midnights, clocks that change, and not a cent lost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.charging.registers import Reading, Step, steps
from scada.charging.tariffs import cost_of
from scada.core.plant import Band, Bookkeeping, Prices, Tariff

PARIS = ZoneInfo("Europe/Paris")
NIGHT = Band(from_min=22 * 60, to_min=6 * 60, prices=Prices(per_kwh=Decimal("0.10")), name="night")
DAY_AND_NIGHT = Tariff(
    name="two", currency="EUR", prices=Prices(per_kwh=Decimal("0.30")), bands=(NIGHT,), fixed=Decimal("1")
)


def at(text: str, zone: ZoneInfo = PARIS) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000_000)


def flow(*readings: tuple[str, float]) -> list[Step]:
    return steps(Reading(at(text), value) for text, value in readings)


def test_over_the_border_of_a_band_each_part_has_its_price() -> None:
    found = flow(("2026-03-02T21:00", 0), ("2026-03-02T23:00", 20_000))
    cost = cost_of(DAY_AND_NIGHT, PARIS, at("2026-03-02T21:00"), at("2026-03-02T23:00"), 20_000, found)
    assert [(part.band, part.energy_wh, part.cost) for part in cost.parts] == [
        ("", 10_000, Decimal("3.00")),
        ("night", 10_000, Decimal("1.00")),
    ]
    assert cost.total == Decimal("5.00")


def test_the_morning_belongs_to_the_day_that_the_night_began_on() -> None:
    weekend = Band(
        from_min=22 * 60, to_min=6 * 60, prices=Prices(per_kwh=Decimal(0)), days=(5,), name="saturday night"
    )
    tariff = Tariff(name="t", currency="EUR", prices=Prices(per_kwh=Decimal(1)), bands=(weekend,))
    sunday = at("2026-03-08T03:00")  # a Sunday; the night began on Saturday
    monday = at("2026-03-09T03:00")
    for begin, total in ((sunday, Decimal("0.00")), (monday, Decimal("7.00"))):
        assert cost_of(tariff, PARIS, begin, begin + 600_000_000, 7_000, []).total == total


def test_minutes_are_priced_through_the_hour_that_is_not_there() -> None:
    """On 29 March 2026 Paris has no 2:30; ten minutes of clock time from 1:55 are ten minutes."""
    tariff = Tariff(name="t", currency="EUR", prices=Prices(per_minute=Decimal("0.06")), bands=(NIGHT,))
    begin = at("2026-03-29T01:55")
    cost = cost_of(tariff, PARIS, begin, begin + 600_000_000, 0, [])
    assert cost.total == Decimal("0.00")  # night: its minutes cost nothing
    by_day = at("2026-03-29T12:00")
    assert cost_of(tariff, PARIS, by_day, by_day + 600_000_000, 0, []).total == Decimal("0.60")


def test_halves_go_up_once_at_the_end() -> None:
    tariff = Tariff(name="t", currency="EUR", prices=Prices(per_kwh=Decimal("0.005")))
    begin = at("2026-03-02T12:00")
    assert cost_of(tariff, PARIS, begin, begin + 1, 1_000, []).total == Decimal("0.01")
    assert cost_of(tariff, PARIS, begin, begin + 1, 999, []).total == Decimal("0.00")


@given(
    begin=st.integers(at("2026-01-01T00:00"), at("2026-12-31T00:00")),
    minutes=st.integers(0, 3 * 24 * 60),
    energy=st.integers(0, 200_000),
    edge=st.integers(0, 24 * 60 - 1),
    length=st.integers(1, 24 * 60 - 1),
)
def test_bands_of_one_price_change_nothing(
    begin: int, minutes: int, energy: int, edge: int, length: int
) -> None:
    same = Prices(per_kwh=Decimal("0.31"), per_minute=Decimal("0.02"))
    plain = Tariff(name="t", currency="EUR", prices=same)
    band = Band(from_min=edge, to_min=(edge + length) % (24 * 60), prices=same)
    banded = Tariff(name="t", currency="EUR", prices=same, bands=(band,))
    end = begin + minutes * 60_000_000
    one, other = (cost_of(tariff, PARIS, begin, end, energy, []) for tariff in (plain, banded))
    assert sum(part.energy_wh for part in other.parts) == energy
    assert abs(one.total - other.total) <= Decimal("0.01")


@pytest.mark.parametrize(
    ("site", "plan", "name"),
    [
        ("Depot", "", "everybody"),
        ("Depot", "staff", "staff"),
        ("Harbour", "", "harbour"),
        ("Harbour", "staff", "staff"),
        ("Harbour", "guest", "harbour"),
    ],
)
def test_which_tariff_holds(site: str, plan: str, name: str) -> None:
    books = Bookkeeping(
        tariffs=(
            Tariff(name="everybody", currency="EUR"),
            Tariff(name="staff", currency="EUR", plans=("staff",)),
            Tariff(name="harbour", currency="EUR", sites=("Harbour",)),
        )
    )
    found = books.tariff_for(site, plan)
    assert found is not None
    assert found.name == name


def test_no_tariff_no_cost() -> None:
    assert Bookkeeping().tariff_for("Depot", "") is None
