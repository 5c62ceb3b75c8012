"""Reservations as an operator makes them: held by the charger where it can, here where it cannot."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scada.charging.authorization import AuthorizationStatus
from scada.core.command import Outcome
from scada.core.effects import Event
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import StopConditions
from scada.core.value import SECOND_US
from scada.runtime.charging_requests import CancelReservation, MakeReservation
from scada.testing.cores import ANN
from tests.charging.conftest import C1, CP, Yard

Make = Callable[..., Yard]
HOUR_US = 3600 * SECOND_US


def reserve(depot: Yard, target: str = C1, begin: float = 0, end: float = 1, **more: object):  # type: ignore[no-untyped-def]
    now_us = depot.core.now_us
    more = {"id_tag": "FLEET-0001", **more}
    return depot.core.ask(
        MakeReservation(target, now_us + int(begin * HOUR_US), now_us + int(end * HOUR_US), ANN, **more)  # type: ignore[arg-type]
    )


def states(depot: Yard) -> list[str]:
    return [one.data["state"] for one in depot.core.events if one.kind == "reservation"]


def test_a_connector_is_kept_for_a_token_and_used_by_it(yard: Make) -> None:
    depot = yard()
    depot.status("Available")
    made = reserve(depot, stop=StopConditions(energy_wh=3000))
    (order,) = depot.orders("Reserve")
    assert order.arguments["reservation_id"] == made.id
    assert order.arguments["id_tag"] == "FLEET-0001"
    depot.outcome(order)
    assert (depot.tag("Reserved"), depot.tag("ReservedFor")) == (True, "FLEET-0001")
    depot = depot.restarted()
    assert depot.tag("Reserved") is True
    assert depot.core.core.charging.reservations.get(made.id).held == "charger"
    assert depot.authorize("FLEET-0002").status is AuthorizationStatus.BLOCKED
    assert depot.authorize("FLEET-0001").accepted
    number = depot.start(reservation_id=made.id).transaction_id
    ended = depot.core.core.charging.reservations.get(made.id)
    assert (ended.state, ended.transaction) == ("used", number)
    assert depot.transactions[0].reservation == made.id
    assert (depot.tag("Reserved"), depot.tag("StopCondition")) == (False, "3 kWh")
    assert depot.orders() == []


def test_a_charger_that_cannot_reserve_is_held_here_and_a_stranger_is_stopped(yard: Make) -> None:
    depot = yard()
    made = reserve(depot)
    (order,) = depot.orders("Reserve")
    depot.outcome(order, Outcome.REFUSED, "not supported")
    assert depot.core.core.charging.reservations.get(made.id).held == "central"
    answer = depot.start("FLEET-0002").authorization
    assert (answer.status, answer.why) == (AuthorizationStatus.BLOCKED, "reserved for another token")
    (stop,) = depot.orders("RemoteStop")
    assert (stop.target, stop.user) == (C1, "<reservation>")
    depot.core.wait(300)
    assert depot.orders() == []  # refused is refused


def test_a_charger_that_was_away_is_told_again_a_few_times(yard: Make) -> None:
    depot = yard()
    reserve(depot)
    for _ in range(3):
        (order,) = depot.orders("Reserve")
        depot.outcome(order, Outcome.UNREACHABLE)
        depot.core.wait(62)
    assert depot.orders("Reserve") == []


def test_a_group_may_use_it(yard: Make) -> None:
    depot = yard()
    made = reserve(depot, id_tag="", parent="FLEET")
    assert depot.authorize("VISITOR-01").status is AuthorizationStatus.BLOCKED
    depot.start("FLEET-0005")
    assert depot.core.core.charging.reservations.get(made.id).state == "used"


def test_nobody_came(yard: Make) -> None:
    depot = yard()
    made = reserve(depot, begin=1, end=2)
    assert depot.authorize("FLEET-0002").accepted
    depot.core.wait(3_601, step_s=10)
    assert depot.authorize("FLEET-0002").status is AuthorizationStatus.BLOCKED
    depot = depot.restarted(3_600)
    depot.core.wait(2)
    assert depot.core.core.charging.reservations.get(made.id).state == "no_show"
    assert depot.authorize("FLEET-0002").accepted
    assert depot.tag("Reserved") is False
    assert states(depot) == ["no_show"]


def test_conflicts_are_told(yard: Make) -> None:
    depot = yard()
    made = reserve(depot, begin=1, end=3)
    for wanted, why in (
        ({"begin": 2, "end": 4}, f"reserved already: number {made.id}"),
        ({"begin": 2, "end": 1}, "ends after"),
        ({"end": 24 * 8}, "seven days"),
        ({"id_tag": ""}, "token or for a group"),
        ({"id_tag": "NOBODY"}, "may not charge"),
    ):
        with pytest.raises(BadRequest, match=why):
            reserve(depot, **{"begin": 5, "end": 6, **wanted})  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        reserve(depot, target="Depot.CP09.C1")
    depot.start()
    with pytest.raises(BadRequest, match="in use"):
        reserve(depot, end=0.5)
    assert len(depot.core.core.charging.reservations.all()) == 1


def test_any_connector_of_the_site(yard: Make) -> None:
    depot = yard()
    made = reserve(depot, target="Depot")
    assert states(depot) == ["planned"]
    assert depot.core.core.charging.reservations.get(made.id).state == "waiting"  # none is known to be free
    depot.status("Available")
    depot.core.wait(2)
    held = depot.core.core.charging.reservations.get(made.id)
    assert (held.state, held.connector) == ("active", C1)
    depot.orders()
    depot.start(charger="Depot.CP02")
    assert depot.core.core.charging.reservations.get(made.id).state == "used"
    (order,) = depot.orders("CancelReservation")
    assert (order.target, order.arguments) == (CP, {"reservation_id": made.id})


def test_a_cancelled_one_lets_go(yard: Make) -> None:
    depot = yard()
    made = reserve(depot)
    depot.orders()
    depot.core.ask(CancelReservation(made.id, ANN))
    assert depot.orders("CancelReservation")[0].target == CP
    assert depot.authorize("FLEET-0002").accepted
    with pytest.raises(BadRequest, match="ended already"):
        depot.core.ask(CancelReservation(made.id, ANN))
    assert reserve(depot.restarted()).id == made.id + 1
    assert all(isinstance(one, Event) for one in depot.core.events)
