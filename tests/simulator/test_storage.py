import sqlite3
from pathlib import Path

import pytest

from scada.charging.profile_text import parse
from scada.core.errors import StartError
from scada.simulator.access import Entry, Reservation
from scada.simulator.outlet import OutletState, Transaction
from scada.simulator.queue import QUEUE_MAX, Message, TransactionQueue
from scada.simulator.storage import FILE, ChargerState, Store
from scada.simulator.vehicle import Vehicle

PROFILE = parse(
    {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}],
        },
    }
)


def test_a_state_survives(tmp_path: Path) -> None:
    state = ChargerState(
        outlets={
            2: OutletState(
                register_wh=12.5,
                vehicle=Vehicle(
                    name="car",
                    battery_kwh=50,
                    soc=40,
                    phases=1,
                    current_max_a=16,
                    dc_power_max_kw=0,
                    id_tag="T",
                ),
                transaction=Transaction(key="k", id_tag="T", started="t", meter_start_wh=3, id=7),
            )
        },
        configuration={"HeartbeatInterval": "60"},
        cache={"t": Entry("Accepted", "GROUP", 5)},
        local_list={"u": Entry("Blocked")},
        local_list_version=3,
        reservations={1: Reservation(9, "T", "", 77)},
        profiles=[(1, PROFILE)],
        queue=[Message("StopTransaction", {"meterStop": 5}, "k", attempts=2)],
        firmware_job=(4, "Installed"),
    )
    store = Store(tmp_path)
    store.save("a", state)
    store.close()
    store = Store(tmp_path)
    assert store.load("a") == state
    assert store.load("b") == ChargerState()
    store.close()


def test_a_broken_state_is_put_aside(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("a", ChargerState(password="kept"))
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("UPDATE state SET body = '{\"outlets\": 5}'")
    other.close()
    assert store.load("a") == ChargerState()
    store.save("a", ChargerState())
    with sqlite3.connect(tmp_path / FILE) as other:
        assert [row[0] for row in other.execute("SELECT charger FROM state ORDER BY 1")] == ["a", "a.bad"]
    other.close()
    store.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot keep its state"):
        Store(tmp_path / "not there")


def test_without_a_folder_nothing_is_kept() -> None:
    store = Store(None)
    store.save("a", ChargerState(password="x"))
    assert store.load("a") == ChargerState()


def test_a_full_queue_gives_up_samples_before_transactions() -> None:
    queue = TransactionQueue([])
    queue.put(Message("StartTransaction", {}, "k"))
    for number in range(QUEUE_MAX + 50):
        queue.put(Message("MeterValues", {"n": number}, "k"))
    stop = Message("StopTransaction", {}, "k")
    queue.put(stop)
    assert len(queue) == QUEUE_MAX
    head = queue.head()
    assert head is not None
    assert head.action == "StartTransaction"
    queue.name("k", 12)
    assert stop.payload == {"transactionId": 12}
    assert head.payload == {}


def test_equal_messages_are_not_the_same() -> None:
    first, second = Message("MeterValues", {}, "k"), Message("MeterValues", {}, "k")
    queue = TransactionQueue([first, second])
    queue.remove(second)
    assert queue.head() is first
    assert len(queue) == 1
