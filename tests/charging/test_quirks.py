"""Sessions of chargers that do not keep to the standard, as seen in the field (numbers: list of quirks)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scada.charging.meters import SampleMeter
from scada.core.records import TransactionState
from scada.testing.cores import restart_from
from tests.charging.conftest import CP, Yard

Make = Callable[..., Yard]


@pytest.mark.parametrize("number", [-1, 0, -7, 9223372036854775807, 10**40])
def test_26_27_28_a_stop_with_an_id_of_the_chargers_own_ends_the_one_it_fits(yard: Make, number: int) -> None:
    depot = yard()
    ours = depot.start(meter=1000, ago=600).transaction_id
    depot.core.wait(60)
    assert depot.stop(number, meter=4000, tag="fleet-0001").known
    depot = depot.restarted()
    assert depot.stop(number, meter=4000, tag="fleet-0001", ago=1).known  # a retry, after a restart
    (transaction,) = depot.transactions
    assert (transaction.id, transaction.state, transaction.energy_wh) == (ours, TransactionState.CLOSED, 3000)
    assert "matched_stop" in transaction.flags


@pytest.mark.parametrize(
    "wrong", [{"meter": 900}, {"tag": "VISITOR-01"}, {"ago": 3600.0}], ids=["meter", "token", "time"]
)
def test_a_stop_that_does_not_fit_ends_nothing(yard: Make, wrong: dict[str, object]) -> None:
    depot = yard()
    ours = depot.start(meter=1000).transaction_id
    depot.core.wait(60)
    stop: dict[str, object] = {"meter": 4000, "tag": "FLEET-0001", **wrong}
    assert not depot.stop(-1, **stop).known  # type: ignore[arg-type]
    running = depot.core.core.sessions.open_on(CP, 1)
    assert running is not None
    assert running.id == ours
    assert depot.transactions[-1].flags == "unknown_start"


def test_8_a_session_register_with_our_id_beside_a_lifetime_one_without(yard: Make) -> None:
    depot = yard()
    number = depot.start(meter=500_000).transaction_id
    for session_wh in (100, 900, 2_000):
        depot.sample(500_000 + session_wh + 7)
        depot.sample(session_wh, number)
    assert depot.tag("SessionEnergy") == 2.0
    depot.stop(number, meter=502_010)
    assert (depot.transactions[0].energy_wh, depot.transactions[0].correction_wh) == (2_010, 0)


def test_9_a_stop_with_the_other_register_gives_no_negative_energy(yard: Make) -> None:
    depot = yard()
    number = depot.start(meter=4_076_000).transaction_id
    depot.sample(1_500, number)
    depot.stop(number, meter=0)
    (transaction,) = depot.transactions
    assert (transaction.energy_wh, transaction.correction_wh) == (1_500, 4_077_500)
    assert set(transaction.flags.split(",")) == {"meter_backwards", "session_register"}


def test_a_lifetime_register_in_the_stop_of_a_session_that_began_at_zero(yard: Make) -> None:
    depot = yard()
    number = depot.start(meter=0).transaction_id
    depot.sample(8_000, number)
    depot.stop(number, meter=5_000_000)
    assert (depot.transactions[0].energy_wh, depot.transactions[0].flags) == (8_000, "meter_implausible")


def test_26_28_the_id_that_a_charger_names_in_its_samples_is_the_one_it_stops_with(yard: Make) -> None:
    depot = yard()
    ours = depot.start(meter=1000, ago=600).transaction_id
    book = depot.core.core.sessions
    running = book.open_on(CP, 1)
    assert running is not None
    assert book.known_as(running) is None
    depot.sample(1_500, 10**30)  # cannot be sent back
    assert book.known_as(running) is None
    depot.sample(2_000, -5)
    assert book.known_as(running) == -5
    assert depot.stop(-5, meter=900).known, "whatever its register says"
    (transaction,) = depot.transactions
    assert (transaction.id, transaction.charger_id) == (ours, "-5")
    assert book.known_as(running) is None


@pytest.mark.parametrize("number", [3, 9223372036854775807])
def test_6_7_samples_of_a_transaction_that_is_none_change_no_session(yard: Make, number: int) -> None:
    depot = yard()
    depot.sample(1_000, number)
    assert depot.tag("InTransaction") is False
    ours = depot.start(meter=1_000).transaction_id
    depot.sample(2_500, ours)
    depot.sample(900, number)
    assert depot.tag("SessionEnergy") == 1.5


def test_32_final_samples_after_the_stop_belong_to_the_ended_one(yard: Make) -> None:
    depot = yard()
    first = depot.start(meter=1_000).transaction_id
    depot.stop(first, meter=2_000)
    depot.core.wait(1)
    second = depot.start("FLEET-0002", meter=2_000).transaction_id
    depot.sample(2_000, first)
    depot.sample(9_000, first)
    running = depot.core.core.sessions.open_on(CP, 1)
    assert running is not None
    assert (running.id, running.energy_wh) == (second, 0)


def test_31_a_stop_without_token_and_29_a_start_four_times(yard: Make) -> None:
    depot = yard()
    numbers = {depot.start().transaction_id for _ in range(4)}
    assert len(numbers) == 1
    assert depot.stop(numbers.pop()).authorization is None


def test_a_lost_stop_is_corrected_by_the_late_one_without_a_second_event(yard: Make) -> None:
    depot = yard()
    first = depot.start(meter=1_000, ago=600).transaction_id
    second = depot.start("FLEET-0002", meter=4_000).transaction_id
    assert depot.transactions[0].state is TransactionState.LOST_STOP
    depot.stop(first, meter=3_900, ago=60)
    assert (depot.transactions[0].state, depot.transactions[0].energy_wh) == (TransactionState.CLOSED, 2_900)
    stopped = [one.data["id"] for one in depot.core.events if one.kind == "transaction_stopped"]
    assert stopped == [first]
    assert depot.tag("TransactionId") == second


@given(
    start_wh=st.integers(-(10**6), 10**12),
    samples=st.lists(st.tuples(st.floats(-1e13, 1e13), st.booleans()), max_size=30),
)
def test_the_energy_of_samples_never_falls_and_is_never_negative(
    start_wh: int, samples: list[tuple[float, bool]]
) -> None:
    meter = SampleMeter(start_wh)
    before = 0
    for register_wh, named in samples:
        taken = meter.take(register_wh, named)
        assert meter.energy_wh >= before
        assert taken is None or taken == meter.energy_wh
        before = meter.energy_wh


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["start", "stop", "sample", "kill"]),
            st.integers(-5, 12),
            st.integers(-(2**63), 2**63) | st.integers(0, 9_000),
            st.floats(-1_000, 1e8),
            st.sampled_from(["FLEET-0001", "fleet-0001", "VISITOR-01", ""]),
        ),
        max_size=25,
    )
)
def test_whatever_is_told_ids_are_new_energies_not_negative_and_a_restart_knows_the_same(
    yard: Make, steps: list[tuple[str, int, int, float, str]]
) -> None:
    depot = yard()
    given_out: set[int] = set()
    for what, number, meter, ago, tag in steps:
        known = {one.id for one in depot.transactions}
        if what == "start":
            got = depot.start(tag, meter=meter, ago=ago).transaction_id
            assert got in known or got not in given_out
            given_out.add(got)
        elif what == "stop":
            depot.stop(number, meter=meter, ago=ago, tag=tag)
        elif what == "sample":
            depot.sample(float(meter), number)
        else:
            running = [one.id for one in depot.core.core.sessions.open_transactions()]
            depot = depot.restarted()
            assert [one.id for one in depot.core.core.sessions.open_transactions()] == running
        assert all(one.energy_wh >= 0 for one in depot.transactions)
        assert len(depot.core.core.sessions.open_transactions()) <= 1
    assert (
        restart_from(depot.core.records).next_transaction == max([0, *(o.id for o in depot.transactions)]) + 1
    )
