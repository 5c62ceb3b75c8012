"""A session ends when it has what it was to have, and the order is repeated within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from scada.charging.stops import RETRY_S, USER, next_time_of_day
from scada.core.command import Outcome
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Band, Bookkeeping, ChargingSettings, Plan, Prices, StopConditions, Tariff
from scada.core.records import CommandRecord
from scada.core.value import SECOND_US
from scada.runtime.charging_requests import SetStopConditions
from scada.runtime.requests import Note
from scada.testing.cores import ANN
from tests.charging.conftest import C1, Yard

Make = Callable[..., Yard]


def test_energy_ends_a_session_after_a_restart_too(yard: Make) -> None:
    depot = yard()
    number = depot.start().transaction_id
    depot.core.ask(SetStopConditions(number, StopConditions(energy_wh=5000), ANN))
    assert depot.tag("StopCondition") == "5 kWh"
    depot.sample(5_900, number)
    depot.core.wait(2)
    assert depot.orders() == []
    depot = depot.restarted()
    assert depot.tag("StopCondition") == "5 kWh"
    depot.sample(6_000, number)
    depot.core.wait(2)
    (order,) = depot.orders("RemoteStop")
    assert (order.target, order.user) == (C1, USER)
    depot.outcome(order, Outcome.TIMED_OUT)
    depot = depot.restarted()
    depot.core.wait(12)
    assert len(depot.orders("RemoteStop")) == 1
    depot.stop(number, meter=6_050, reason="Remote")
    assert depot.transactions[-1].stop_condition == "energy"
    assert depot.tag("StopCondition") == ""
    depot.core.wait(60)
    assert depot.orders() == []


def test_a_charger_that_does_not_stop_is_left_to_people_after_bounded_tries(yard: Make) -> None:
    depot = yard()
    number = depot.start().transaction_id
    depot.core.ask(SetStopConditions(number, StopConditions(duration_us=60_000_000), ANN))
    depot.core.wait(3_600, step_s=1)
    assert len(depot.orders("RemoteStop")) == len(RETRY_S)
    assert depot.tag("StopCondition") == "duration reached: the charger did not stop (5 tries)"


def test_a_plan_a_state_of_charge_and_a_cost(yard: Make) -> None:
    plans = {"small": Plan(name="small", stop=StopConditions(energy_wh=1000))}
    depot = yard(ChargingSettings(plans=plans))
    tariff = Tariff(name="Day", currency="EUR", prices=Prices(per_kwh=Decimal("0.5")))
    plant = replace(
        depot.core.plant,
        bookkeeping=Bookkeeping(tariffs=(tariff,)),
        tokens=(replace(depot.core.plant.tokens[0], plan="small"), *depot.core.plant.tokens[1:]),
    )
    depot = Yard(plant)
    number = depot.start().transaction_id
    assert (depot.transactions[0].plan, depot.tag("StopCondition")) == ("small", "1 kWh")
    depot.core.ask(SetStopConditions(number, StopConditions(cost=2.0), ANN))
    depot.sample(4_000, number)
    depot.core.wait(12)
    assert depot.orders() == []
    depot.sample(5_000, number)
    depot.core.wait(12)
    assert len(depot.orders("RemoteStop")) == 1
    depot.core.ask(SetStopConditions(number, StopConditions(), ANN))
    depot.core.wait(60)
    assert depot.orders() == []


def test_a_cost_grows_by_the_prices_of_the_hour_at_which_the_energy_flowed(yard: Make) -> None:
    depot = yard()
    zone = ZoneInfo(depot.core.plant.timezone)
    began = datetime.fromtimestamp(depot.core.now_us / SECOND_US, zone)
    dear = began + timedelta(hours=1)
    minute = dear.hour * 60 + dear.minute
    band = Band(from_min=minute, to_min=(minute + 600) % 1440, prices=Prices(per_kwh=Decimal(10)))
    tariff = Tariff(name="Bands", currency="EUR", prices=Prices(per_kwh=Decimal(1)), bands=(band,))
    depot = Yard(replace(depot.core.plant, bookkeeping=Bookkeeping(tariffs=(tariff,))))
    number = depot.start().transaction_id
    depot.core.ask(SetStopConditions(number, StopConditions(cost=20.0), ANN))
    first_wh = 1_000
    for quarter in range(4):  # 12 kWh at 1 in the cheap hour
        depot.core.wait(870, step_s=10)
        depot.sample(first_wh + 3_000 * (quarter + 1), number)
        depot.core.wait(30, step_s=10)
    assert depot.orders() == []
    depot.core.wait(900, step_s=10)
    depot.sample(first_wh + 12_500, number)
    depot.core.wait(20, step_s=10)
    assert depot.orders() == [], "12 kWh at 1 and 0.5 kWh at 10: not yet 20"
    depot.sample(first_wh + 13_000, number)
    depot.core.wait(20, step_s=10)
    assert depot.orders("RemoteStop")
    assert depot.tag("StopCondition") == "cost reached"


def test_what_makes_no_sense_is_refused(yard: Make) -> None:
    depot = yard()
    number = depot.start().transaction_id
    for wanted, why in (
        (StopConditions(until_us=1), "past"),
        (StopConditions(cost=1.0), "no tariff"),
        (StopConditions(soc=80.0), "state of charge"),
    ):
        with pytest.raises(BadRequest, match=why):
            depot.core.ask(SetStopConditions(number, wanted, ANN))
    with pytest.raises(NotFound):
        depot.core.ask(SetStopConditions(number + 1, StopConditions(energy_wh=1), ANN))
    assert depot.core.core.charging.stops.get(number) is None


def test_who_ordered_start_and_stop_is_kept(yard: Make) -> None:
    depot = yard()

    def ordered(name: str, arguments: str) -> None:
        record = CommandRecord(
            id=name,
            time_us=depot.core.now_us,
            name=name,
            target=C1,
            arguments=arguments,
            user="ann",
            origin="test",
        )
        depot.core.ask(Note((record,)))

    ordered("RemoteStart", '{"id_tag": "FLEET-0001"}')
    number = depot.start().transaction_id
    ordered("RemoteStop", "{}")
    depot.stop(number, reason="Remote")
    (transaction,) = depot.transactions
    assert (transaction.ordered_by, transaction.stopped_by, transaction.stop_condition) == ("ann", "ann", "")
    second = depot.start(meter=6000).transaction_id
    depot.stop(second, meter=7000)
    assert (depot.transactions[-1].ordered_by, depot.transactions[-1].stopped_by) == ("", "")


@pytest.mark.parametrize(
    ("after", "at", "then"),
    [
        ("2026-11-24T05:00", "06:30", "2026-11-24T06:30"),
        ("2026-11-24T06:30", "06:30", "2026-11-25T06:30"),
        ("2026-10-24T23:00", "02:30", "2026-10-25T02:30"),  # the hour that comes twice: the first
        ("2026-03-28T23:00", "04:00", "2026-03-29T04:00"),
    ],
)
def test_the_next_time_of_day(after: str, at: str, then: str) -> None:
    zone = ZoneInfo("Europe/Paris")
    hours, minutes = at.split(":")
    begin_us = int(datetime.fromisoformat(after).replace(tzinfo=zone).timestamp() * 1e6)
    found_us = next_time_of_day(int(hours) * 60 + int(minutes), zone, begin_us)
    assert found_us / 1e6 == datetime.fromisoformat(then).replace(tzinfo=zone).timestamp()
