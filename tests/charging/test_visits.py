"""From plug-in to unplug: one visit, whatever the order in which a charger tells of it, and over restarts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scada.core.records import TransactionState
from tests.charging.conftest import C1, Yard

Make = Callable[..., Yard]


def test_a_vehicle_comes_charges_twice_and_goes(yard: Make) -> None:
    depot = yard()
    depot.status("Preparing")
    assert depot.tag("PluggedIn") is True
    depot.core.wait(10)
    first = depot.start().transaction_id
    depot.core.wait(60)
    depot.stop(first)
    depot.core.wait(600)
    second = depot.start(meter=5000).transaction_id
    depot.core.wait(60)
    depot.stop(second, meter=6000)
    depot.status("Finishing")
    depot.status("Available")
    (visit,) = depot.visits
    assert [one.visit for one in depot.transactions] == [visit.id, visit.id]
    assert visit.ended_us == depot.core.now_us
    assert depot.tag("PluggedIn") is False
    depot.status("Preparing")
    assert len(depot.visits) == 2


def test_what_is_told_after_the_vehicle_has_gone_belongs_to_its_visit(yard: Make) -> None:
    depot = yard()
    depot.status("Preparing")
    depot.core.wait(3600)
    depot.status("Available")
    depot.core.wait(10)
    number = depot.start(ago=3000).transaction_id
    depot.stop(number, ago=60)
    (visit,) = depot.visits
    assert [(one.visit, one.late) for one in depot.transactions] == [(visit.id, True)]


def test_an_offline_session_that_nothing_else_tells_of_makes_its_own_visit(yard: Make) -> None:
    depot = yard()
    depot.status("Preparing")
    number = depot.start(tag="FLEET-0002", ago=7200).transaction_id
    depot.stop(number, ago=3600)
    early = min(depot.visits, key=lambda one: one.began_us)
    assert early.ended_us == depot.core.now_us - 3600_000_000
    assert depot.transactions[0].visit == early.id
    assert len(depot.visits) == 2


def test_a_boot_in_the_middle_ends_nothing(yard: Make) -> None:
    depot = yard()
    depot.status("Preparing")
    number = depot.start().transaction_id
    depot.core.event("boot", "Depot.CP01")
    depot.status("Charging")
    assert depot.core.core.sessions.open_on("Depot.CP01", 1) is not None
    depot.stop(number)
    assert len(depot.visits) == 1


@pytest.mark.parametrize("order", sorted(set(permutations("PSC"))))
def test_the_order_of_states_and_start_does_not_matter(yard: Make, order: tuple[str, ...]) -> None:
    depot = yard()
    number = 0
    for step in order:
        depot.core.wait(1)
        if step == "S":
            number = depot.start(ago=0).transaction_id
        else:
            depot.status({"P": "Preparing", "C": "Charging"}[step])
    depot.core.wait(60)
    depot.stop(number)
    depot.status("Available")
    (visit,) = depot.visits
    assert visit.ended_us is not None
    assert [one.visit for one in depot.transactions] == [visit.id]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    statuses_after=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    twice=st.sets(st.integers(0, 4)),
    killed=st.sets(st.integers(0, 8), max_size=3),
)
def test_any_order_repetition_and_restart_gives_the_same_session(
    yard: Make, statuses_after: list[int], twice: set[int], killed: set[int]
) -> None:
    """Preparing, Start, Charging, Stop, Available happen in this order; the messages come as they like.

    States keep their order among themselves, and so do start and stop; each may be told twice, and the program may be
    killed after any of them.
    """
    depot = yard()
    began = depot.core.now_us
    depot.core.wait(300, step_s=100)
    at = [0, 10, 20, 100, 200]  # seconds after the begin
    messages = [(0, "Preparing"), (2, "Charging"), (4, "Available")]
    told: list[tuple[int, str]] = [(1, "start"), (3, "stop")]
    for count, ((index, word), after) in enumerate(zip(messages, sorted(statuses_after), strict=True)):
        told.insert(min(after, 2) + count, (index, word))
    number = 0
    for step, (index, word) in enumerate(told):
        for _ in range(1 + (index in twice)):
            ago = (depot.core.now_us - began) / 1e6 - at[index]
            if word == "start":
                number = depot.start(ago=ago).transaction_id
            elif word == "stop":
                assert depot.stop(number, ago=ago).known
            else:
                depot.status(word, ago=ago)
        if step in killed:
            depot = depot.restarted(1)
    (transaction,) = depot.transactions
    (visit,) = depot.visits
    assert (transaction.state, transaction.energy_wh) == (TransactionState.CLOSED, 4000)
    assert transaction.visit == visit.id
    assert (visit.began_us, visit.ended_us) == (began, began + 200 * 10**6)
    assert depot.core.tags[f"{C1}.InTransaction"].value is False
