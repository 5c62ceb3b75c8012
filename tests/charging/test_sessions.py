"""Transactions as chargers really tell them: twice, late, in the wrong order, without a beginning."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from scada.charging.authorization import AuthorizationStatus, TokenBook
from scada.charging.desk import Charging
from scada.charging.ports import Ports
from scada.charging.sessions import LATE_MAX, UNKNOWN_CONNECTORS_MAX, StartTransaction, StopTransaction
from scada.core.database import TagDatabase
from scada.core.effects import Event
from scada.core.plant import AuthorizationMode, ChargingSettings, Plant, Token
from scada.core.records import TransactionRecord, TransactionState
from scada.core.value import SECOND_US, Quality
from scada.testing import FakeClock, small_plant

CP = "Depot.CP01"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("plant"))


class Depot:
    """The charging of a plant; what it emits is kept."""

    def __init__(self, plant: Plant, next_id: int = 100, left: Iterable[TransactionRecord] = ()) -> None:
        self.clock = FakeClock()
        self.tags = TagDatabase(plant.tags)
        self.out: list[Any] = []
        ports = Ports(self.out.append, self.out.append, self.out.append)
        self.charging = Charging(plant, self.tags, ports, (), next_transaction=next_id)
        self.charging.restore(left, (), self.clock.now_us())
        self.book = self.charging.sessions

    @property
    def records(self) -> list[TransactionRecord]:
        return [item for item in self.out if isinstance(item, TransactionRecord)]

    def start(self, *, meter: int = 1000, at: int | None = None, tag: str = "FLEET-0001", charger: str = CP):  # type: ignore[no-untyped-def]
        now = self.clock.now_us()
        return self.charging.start(
            StartTransaction(
                charger=charger,
                connector=1,
                id_tag=tag,
                meter_start_wh=meter,
                time_us=now if at is None else at,
            ),
            now,
        )

    def stop(self, number: int, *, meter: int = 5000, at: int | None = None, charger: str = CP):  # type: ignore[no-untyped-def]
        now = self.clock.now_us()
        return self.charging.stop(
            StopTransaction(
                charger=charger,
                transaction_id=number,
                meter_stop_wh=meter,
                time_us=now if at is None else at,
                reason="EVDisconnected",
            ),
            now,
        )


def test_start_to_stop(plant: Plant) -> None:
    depot = Depot(plant)
    answer = depot.start()
    assert (answer.transaction_id, answer.authorization.status) == (100, AuthorizationStatus.ACCEPTED)
    assert depot.tags[f"{CP}.C1.TransactionId"].value == 100
    assert depot.tags[f"{CP}.C1.InTransaction"].value is True
    depot.clock.leap(3600)
    assert depot.stop(100).known
    closed = depot.records[-1]
    assert (closed.state, closed.energy_wh, closed.reason) == (
        TransactionState.CLOSED,
        4000,
        "EVDisconnected",
    )
    assert depot.tags[f"{CP}.C1.TransactionId"].value == 0
    assert depot.tags[f"{CP}.C1.SessionEnergy"].value == 4.0
    assert [e.kind for e in depot.out if isinstance(e, Event)] == [
        "visit_began",
        "transaction_started",
        "transaction_stopped",
        "visit_ended",
    ]


def test_a_retried_start_gets_the_same_answer_and_makes_one_session(plant: Plant) -> None:
    depot = Depot(plant)
    at = depot.clock.now_us()
    first = depot.start(at=at)
    depot.clock.leap(30)
    assert depot.start(at=at, tag="fleet-0001") == first
    assert len(depot.records) == 1


def test_a_retried_stop_changes_nothing(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start()
    depot.stop(100)
    before = list(depot.records)
    assert depot.stop(100).known
    assert depot.records == before


def test_after_a_restart_retries_are_still_known(plant: Plant) -> None:
    depot = Depot(plant)
    at = depot.clock.now_us()
    depot.start(at=at)
    fresh = Depot(plant, next_id=101, left=depot.records)
    assert fresh.start(at=at).transaction_id == 100
    assert fresh.tags[f"{CP}.C1.IdTag"].value == "FLEET-0001"
    fresh.stop(100)
    assert [r.state for r in fresh.records] == [TransactionState.CLOSED]
    assert fresh.start(at=fresh.clock.leap(1)).transaction_id == 101


def test_the_energy_so_far_survives_a_crash_to_within_a_step(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=1000)
    for register_wh in range(1000, 21_100, 100):
        depot.book.register(CP, 1, register_wh, depot.clock.now_us())
    assert depot.book.open_transactions()[0].energy_wh == 20_000
    newest = {record.id: record for record in depot.records}
    fresh = Depot(plant, next_id=101, left=newest.values())
    energy = fresh.tags[f"{CP}.C1.SessionEnergy"]
    assert (energy.value, energy.quality) == (20.0, Quality.UNCERTAIN_LAST_USABLE_VALUE)
    fresh.clock.leap(60)
    fresh.start(meter=30_000)  # the stop was lost with the crash
    lost = next(r for r in fresh.records if r.state is TransactionState.LOST_STOP)
    assert lost.energy_wh == 20_000


def test_a_start_over_an_open_one_closes_it_as_lost_and_a_late_stop_corrects_it(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=1000)
    depot.book.register(CP, 1, 3000, depot.clock.now_us())
    depot.clock.leap(600)
    assert depot.start(meter=3500).transaction_id == 101
    lost = next(r for r in depot.records if r.state is TransactionState.LOST_STOP)
    assert (lost.id, lost.energy_wh, lost.flags) == (100, 2000, "lost_stop")
    depot.stop(100, meter=3400)
    corrected = depot.records[-1]
    assert (corrected.id, corrected.state, corrected.energy_wh) == (100, TransactionState.CLOSED, 2400)
    running = depot.book.open_on(CP, 1)
    assert running is not None
    assert running.id == 101
    assert depot.tags[f"{CP}.C1.TransactionId"].value == 101


@pytest.mark.parametrize("number", [-1, 0, 999, 9223372036854775807])
def test_a_stop_for_an_unknown_id_is_kept_flagged_and_answered_once(plant: Plant, number: int) -> None:
    depot = Depot(plant)
    at = depot.clock.now_us()
    assert not depot.stop(number, at=at).known
    depot.clock.leap(10)
    depot.stop(number, at=at)
    assert [(r.flags, r.state) for r in depot.records] == [("unknown_start", TransactionState.CLOSED)]
    depot.stop(number - 7, at=at)  # another one with the same meter and time is another one
    assert len(depot.records) == 2


def test_a_retried_unknown_stop_is_known_though_its_clock_is_wrong(plant: Plant) -> None:
    depot = Depot(plant)
    for _ in range(3):
        depot.stop(801, at=0)
        depot.clock.leap(10)
    assert len(depot.records) == 1


def test_a_transaction_of_an_outage_told_late_does_not_end_the_one_that_runs(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=9000)
    earlier = depot.clock.now_us() - 7200 * SECOND_US
    late = depot.start(meter=1000, at=earlier, tag="FLEET-0002")
    assert depot.start(meter=1000, at=earlier, tag="FLEET-0002") == late
    running = depot.book.open_on(CP, 1)
    assert running is not None
    assert running.id == 100
    assert depot.tags[f"{CP}.C1.IdTag"].value == "FLEET-0001"
    depot.stop(late.transaction_id, meter=5000, at=earlier + 3600 * SECOND_US)
    assert depot.records[-1].energy_wh == 4000
    newest = {record.id: record for record in depot.records}
    fresh = Depot(plant, next_id=102, left=newest.values())
    assert [record.id for record in fresh.book.open_transactions()] == [100]


@pytest.mark.parametrize("order", [1, -1])
def test_after_a_restart_the_newest_of_two_open_ones_runs(plant: Plant, order: int) -> None:
    depot = Depot(plant)
    depot.start(meter=9000)
    earlier = depot.clock.now_us() - 7200 * SECOND_US
    depot.start(meter=1000, at=earlier)
    fresh = Depot(plant, next_id=102, left=depot.records[::order])
    running = fresh.book.open_on(CP, 1)
    assert running is not None
    assert running.id == 100
    fresh.stop(101, meter=2000, at=earlier + SECOND_US)
    assert fresh.book.open_on(CP, 1) == running


def test_late_ones_are_bounded_and_have_no_share_in_the_energy_of_the_one_that_runs(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=9000)
    depot.book.register(CP, 1, 9400, depot.clock.now_us())
    began = depot.clock.now_us() - 86_400 * SECOND_US
    for number in range(LATE_MAX + 1):
        depot.start(meter=number, at=began + number * SECOND_US)
    lost = [r for r in depot.records if r.state is TransactionState.LOST_STOP]
    assert [(r.id, r.energy_wh) for r in lost] == [(101, 0)]
    assert depot.book.open_transactions()[0].energy_wh == 400


def test_connectors_that_a_charger_makes_up_are_flagged_and_bounded(plant: Plant) -> None:
    depot = Depot(plant)
    for number in range(100, 200):
        request = StartTransaction(
            charger=CP, connector=number, id_tag="FLEET-0001", meter_start_wh=0, time_us=depot.clock.now_us()
        )
        depot.charging.start(request, depot.clock.now_us())
    assert len(depot.book.open_transactions()) == UNKNOWN_CONNECTORS_MAX
    assert all("unknown_connector" in record.flags for record in depot.records)


def test_impossible_meters_are_bounded_and_flagged(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=-(2**63) + 1)
    depot.stop(100, meter=2**63 - 1)
    closed = depot.records[-1]
    assert closed.flags == "meter_implausible"
    assert closed.energy_wh <= 2 * 10**12


def test_nobody_stops_the_transaction_of_another_charger(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start()
    assert not depot.stop(100, charger="Depot.CP02").known
    assert depot.book.open_on(CP, 1) is not None


@pytest.mark.parametrize("offset_s", [-400 * 86400, 600])
def test_an_impossible_clock_is_not_believed(plant: Plant, offset_s: int) -> None:
    depot = Depot(plant)
    now = depot.clock.now_us()
    depot.start(at=now + offset_s * SECOND_US)
    assert (depot.records[0].started_us, depot.records[0].flags) == (now, "clock")


def test_an_offline_transaction_of_yesterday_keeps_its_times(plant: Plant) -> None:
    depot = Depot(plant)
    began = depot.clock.now_us() - 86_400 * SECOND_US
    depot.start(at=began)
    depot.stop(100, at=began + 3600 * SECOND_US)
    assert (depot.records[-1].started_us, depot.records[-1].stopped_us) == (began, began + 3600 * SECOND_US)
    assert depot.records[-1].flags == ""


def test_a_meter_that_ran_backwards_gives_no_negative_energy(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=5000)
    depot.stop(100, meter=4000)
    assert (depot.records[-1].energy_wh, depot.records[-1].flags) == (0, "meter_backwards")


def test_a_session_register_is_not_subtracted_from_a_lifetime_one(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=1_000_000)
    write = depot.book.register(CP, 1, 250, depot.clock.now_us(), 100)
    assert write is not None
    assert write[1] == 0.25
    # What comes without the transaction's id is of the lifetime register: it says nothing more.
    assert depot.book.register(CP, 1, 1_000_260, depot.clock.now_us()) is None
    assert depot.book.open_transactions()[0].energy_wh == 250


def test_tokens() -> None:
    now = FakeClock().now_us()
    tokens = [
        Token(id_tag="Good", parent="G"),
        Token(id_tag="Stolen", blocked=True),
        Token(id_tag="Old", expires_us=now - 1),
        Token(id_tag="Soon", expires_us=now + 1),
        Token(id_tag="Here", sites=("Depot",)),
    ]
    book = TokenBook(tokens, ChargingSettings())

    def told(id_tag: str, mode: AuthorizationMode = AuthorizationMode.TOKENS, site: str = "Depot") -> str:
        return book.check(id_tag, site, mode, now).status.value

    assert book.check("GOOD", "Depot", AuthorizationMode.TOKENS, now).parent == "G"
    assert (told("Stolen"), told("Old"), told("Soon"), told("Nobody")) == (
        "Blocked",
        "Expired",
        "Accepted",
        "Invalid",
    )
    assert (told("Here"), told("Here", site="Elsewhere")) == ("Accepted", "Invalid")
    assert (told("Nobody", AuthorizationMode.FREE), told("Stolen", AuthorizationMode.FREE)) == (
        "Accepted",
        "Blocked",
    )


def test_when_the_running_one_ends_the_newest_that_is_open_runs_as_after_a_restart(plant: Plant) -> None:
    depot = Depot(plant)
    depot.start(meter=9000)
    late = depot.start(meter=1000, at=depot.clock.now_us() - 600 * SECOND_US, tag="FLEET-0002")
    depot.stop(100, meter=9500)
    running = depot.book.open_on(CP, 1)
    assert running is not None
    assert running.id == late.transaction_id
    assert depot.tags[f"{CP}.C1.TransactionId"].value == late.transaction_id
    newest = {record.id: record for record in depot.records}
    again = Depot(plant, next_id=102, left=newest.values()).book.open_on(CP, 1)
    assert again is not None
    assert again.id == late.transaction_id
