"""The figures of sessions: power, time, quarter hours, and the station's own meter beside the charger's."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from scada.charging.bookkeeping import QUARTER_US, Power, SessionSamples, work_out
from scada.charging.registers import Reading
from scada.core.plant import Bookkeeping, Prices, Tariff
from scada.core.records import SessionFigures, TransactionRecord, TransactionState

BEGIN = 1_767_261_600_000_000  # 2026-01-01T10:00Z
MINUTE = 60_000_000
BOOKS = Bookkeeping(
    tariffs=(Tariff(name="day", currency="EUR", prices=Prices(per_kwh=Decimal("0.4"))),), tolerance_wh=100
)


def session(**changes: object) -> TransactionRecord:
    values: dict[str, object] = {
        "id": 1,
        "charger": "Depot.CP01",
        "connector": 1,
        "site": "Depot",
        "id_tag": "CARD1",
        "started_us": BEGIN + 5 * MINUTE,
        "stopped_us": BEGIN + 65 * MINUTE,
        "meter_start_wh": 1_000,
        "meter_stop_wh": 11_000,
        "energy_wh": 10_000,
        "state": TransactionState.CLOSED,
    }
    return TransactionRecord(**(values | changes))  # type: ignore[arg-type]


def worked(record: TransactionRecord, **samples: object) -> SessionFigures:
    return work_out(record, SessionSamples(**samples), BOOKS, "Europe/Paris", BEGIN + 90 * MINUTE)  # type: ignore[arg-type]


def test_quarter_hours_come_from_the_register_and_add_up() -> None:
    registers = [
        Reading(BEGIN + 15 * MINUTE, 3_000),
        Reading(BEGIN + 30 * MINUTE, 9_000),
        Reading(BEGIN + 45 * MINUTE, 11_000),
    ]
    figures = worked(session(), registers=registers)
    assert json.loads(figures.quarters) == [
        [BEGIN, 2_000],
        [BEGIN + QUARTER_US, 6_000],
        [BEGIN + 2 * QUARTER_US, 2_000],
    ]
    assert figures.charging_us == 40 * MINUTE
    assert (figures.cost, figures.currency, figures.tariff) == ("4.00", "EUR", "day")


def test_without_samples_the_energy_lies_evenly() -> None:
    quarters = json.loads(worked(session()).quarters)
    assert sum(energy for _, energy in quarters) == 10_000
    assert len(quarters) == 5


def test_power_and_the_time_in_which_it_flowed() -> None:
    power = [
        Power(BEGIN + 5 * MINUTE, 0.0),
        Power(BEGIN + 10 * MINUTE, 11.0),
        Power(BEGIN + 20 * MINUTE, 22.0),
        Power(BEGIN + 30 * MINUTE, None),
        Power(BEGIN + 40 * MINUTE, 5.0),
        Power(BEGIN + 50 * MINUTE, 0.02),
    ]
    figures = worked(session(), power=power)
    assert figures.charging_us == 30 * MINUTE
    assert figures.power_max_kw == 22.0
    assert figures.power_mean_kw == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("stop_wh", "difference", "flags"),
    [(510_150, 150, ""), (510_201, 201, "meter_difference"), (509_700, -300, "meter_difference")],
)
def test_the_station_s_own_meter(stop_wh: float, difference: int, flags: str) -> None:
    readings = [Reading(BEGIN + 5 * MINUTE, 500_000), Reading(BEGIN + 65 * MINUTE, stop_wh)]
    figures = worked(session(), meter="Depot.M1", meter_registers=readings)
    assert figures.meter_difference_wh == difference
    assert figures.flags == flags
    assert (figures.meter_start_wh, figures.meter_stop_wh) == (500_000, round(stop_wh))


def test_a_meter_that_measured_two_at_once_says_nothing_of_either() -> None:
    readings = [Reading(BEGIN + 5 * MINUTE, 500_000), Reading(BEGIN + 65 * MINUTE, 590_000)]
    figures = worked(session(), meter="Depot.M1", meter_registers=readings, alone=False)
    assert figures.meter_difference_wh is None
    assert figures.flags == ""
    assert figures.meter_stop_wh == 590_000


def test_a_register_that_fell_is_said() -> None:
    figures = worked(
        session(flags="meter_backwards", meter_start_wh=90_000, meter_stop_wh=4_000, energy_wh=4_000),
        registers=[Reading(BEGIN + 6 * MINUTE, 90_500), Reading(BEGIN + 30 * MINUTE, 2_000)],
    )
    assert figures.flags == "register_reset"
    assert sum(energy for _, energy in json.loads(figures.quarters)) == 4_000
