"""Sessions of vehicles whose state of charge the charger tells: on the record, as a stop condition, for reloading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from scada.charging.automation import RELOAD_PAUSE_US
from scada.core.command import Outcome
from scada.core.plant import ChargingSettings, Plan, Plant, StopConditions
from scada.core.tag import Source, TagDefinition
from scada.core.value import SECOND_US, Kind, Quality
from scada.runtime.charging_requests import SetStopConditions
from scada.testing.cores import ANN
from tests.charging.conftest import C1, Yard

Make = Callable[..., Yard]
SOC = f"{C1}.Soc"


@pytest.fixture
def fast(model: Plant, yard: Make) -> Make:
    """The same yard with a charger that knows the state of charge."""
    soc = TagDefinition(path=SOC, kind=Kind.REGISTER, source=Source.DRIVER, site="Depot")

    def make(settings: ChargingSettings | None = None, **rules: object) -> Yard:
        plant = yard(settings, **rules).core.plant
        return Yard(replace(plant, tags=(*plant.tags, soc)))

    return make


def test_the_record_has_the_charge_of_both_ends(fast: Make) -> None:
    depot = fast()
    depot.core.write({SOC: 77.0})  # of the vehicle before
    depot.core.wait(60)
    number = depot.start().transaction_id
    depot.sample(1_100, number)
    assert depot.transactions[-1].soc_start is None, "what stands was told before this transaction"
    depot.core.wait(5)
    depot.core.write({SOC: 31.0})
    depot.sample(1_200, number)
    depot.core.write({SOC: 64.0})
    depot.sample(9_000, number)
    depot.stop(number, meter=9_100)
    (transaction,) = depot.transactions
    assert (transaction.soc_start, transaction.soc_end) == (31.0, 64.0)


def test_a_session_ends_at_its_charge_and_not_at_that_of_the_vehicle_before(fast: Make) -> None:
    depot = fast()
    depot.core.write({SOC: 95.0})
    depot.core.wait(60)
    number = depot.start().transaction_id
    depot.core.ask(SetStopConditions(number, StopConditions(soc=80.0), ANN))
    assert depot.tag("StopCondition") == "80 %"
    depot.core.wait(3)
    assert depot.orders() == [], "the 95 % are those of the vehicle before"
    depot.core.write({SOC: 79.9})
    depot.core.wait(2)
    assert depot.orders() == []
    depot = depot.restarted()
    depot.core.write({SOC: 80.0})
    depot.core.wait(2)
    (order,) = depot.orders("RemoteStop")
    depot.outcome(order)
    depot.stop(number, meter=9_000, reason="Remote")
    assert (depot.transactions[-1].stop_condition, depot.transactions[-1].soc_end) == ("soc", 80.0)


def test_a_charge_that_is_not_known_for_sure_stops_nothing(fast: Make) -> None:
    depot = fast()
    number = depot.start().transaction_id
    depot.core.ask(SetStopConditions(number, StopConditions(soc=80.0), ANN))
    depot.core.write({SOC: 90.0}, quality=int(Quality.UNCERTAIN_LAST_USABLE_VALUE))
    depot.core.wait(5)
    assert depot.orders() == []


def test_a_plan_may_end_at_a_charge(fast: Make) -> None:
    depot = fast(ChargingSettings(plans={"gentle": Plan(name="gentle", stop=StopConditions(soc=60.0))}))
    plant = depot.core.plant
    tokens = (replace(plant.tokens[0], plan="gentle"), *plant.tokens[1:])
    depot = Yard(replace(plant, tokens=tokens))
    depot.start()
    depot.core.write({SOC: 60.0})
    depot.core.wait(2)
    assert len(depot.orders("RemoteStop")) == 1


def test_a_vehicle_whose_charge_has_fallen_is_started_again(fast: Make) -> None:
    depot = fast(reload=True, reload_below_soc=70)
    depot.status("Preparing")
    depot.stop(depot.start().transaction_id)
    depot.status("Finishing")
    depot.core.write({SOC: 65.0})
    depot.core.wait(RELOAD_PAUSE_US / SECOND_US - 60, step_s=10)
    assert depot.orders() == [], "so soon after a session nothing is started"
    depot.core.write({SOC: 75.0})
    depot.core.wait(300, step_s=10)
    assert depot.orders() == [], "it has enough"
    depot.core.write({SOC: 65.0})
    depot.core.wait(30, step_s=5)
    (order,) = depot.orders("RemoteStart")
    assert (order.user, order.arguments) == ("<reload>", {"id_tag": "FLEET-0001"})
    depot.outcome(order, Outcome.DONE)
    depot.start(meter=5000)
    depot.core.wait(600, step_s=10)
    assert depot.orders() == []


def test_an_old_charge_reloads_nothing(fast: Make) -> None:
    depot = fast(reload=True, reload_below_soc=70)
    depot.status("Preparing")
    number = depot.start().transaction_id
    depot.core.write({SOC: 65.0})
    depot.stop(number)
    depot.status("Finishing")
    depot.core.wait(3 * RELOAD_PAUSE_US / SECOND_US, step_s=30)
    assert depot.orders() == [], "the charger says nothing any more"
