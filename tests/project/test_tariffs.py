"""Tariffs in a project's files: exact prices, and each mistake with its place."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.project import load

GOOD = """
[sessions]
meter_tolerance_percent = 1.5

[charging.plans.staff]
energy_kwh = 50

[[tariffs]]
name = "Everybody"
currency = "EUR"
per_kwh = 0.1
fixed = "0.333333"

[[tariffs.bands]]
from = "22:00"
to = "06:00"
days = ["mon", "sun"]
per_kwh = 0.05

[[tariffs]]
name = "Staff"
currency = "EUR"
plans = ["staff"]
"""


def add(project: Path, text: str) -> None:
    path = project / "project.toml"
    path.write_text(path.read_text() + text)


def test_prices_are_what_was_written(project: Path) -> None:
    add(project, GOOD)
    books = load(project).bookkeeping
    assert books.tolerance_percent == 1.5
    everybody, staff = books.tariffs
    assert everybody.prices.per_kwh == Decimal("0.1")
    assert everybody.fixed == Decimal("0.333333")
    (band,) = everybody.bands
    assert (band.from_min, band.to_min, band.days) == (22 * 60, 6 * 60, (0, 6))
    assert books.tariff_for("Depot", "staff") is staff


@pytest.mark.parametrize(
    ("was", "wrong", "said"),
    [
        ('plans = ["staff"]', 'plans = ["stuff"]', "there is no plan 'stuff'"),
        ('plans = ["staff"]', 'sites = ["Mars"]', "there is no site 'Mars'"),
        ('plans = ["staff"]', "", "for the same sites and plans"),
        ('name = "Staff"', 'name = "Everybody"', "name of two tariffs"),
        ('"sun"', '"sunday"', "'sunday' is no day"),
        ('currency = "EUR"', 'currency = "euro"', "currency"),
        ("per_kwh = 0.1", "per_kwh = -1", "per_kwh"),
        ("per_kwh = 0.1", 'per_kwh = "cheap"', "per_kwh"),
        ('from = "22:00"', 'from = "25:00"', "from"),
        ("meter_tolerance_percent = 1.5", "meter_tolerance_pct = 1", "meter_tolerance_pct"),
    ],
)
def test_mistakes_are_told(project: Path, was: str, wrong: str, said: str) -> None:
    add(project, GOOD.replace(was, wrong, 1))
    with pytest.raises(ProjectError) as caught:
        load(project)
    assert said in str(caught.value) or any(said in str(problem) for problem in caught.value.problems)
