from pathlib import Path

from scada.simulator.outlet import OutletState, Transaction
from scada.simulator.storage import (
    QUEUE_MAX,
    ChargerState,
    Message,
    TransactionQueue,
    load_state,
    save_state,
)
from scada.simulator.vehicle import Vehicle


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
        cache=["T"],
        queue=[Message("StopTransaction", {"meterStop": 5}, "k", attempts=2)],
    )
    save_state(tmp_path / "a.json", state)
    assert load_state(tmp_path / "a.json") == state


def test_no_file_is_a_new_charger(tmp_path: Path) -> None:
    assert load_state(tmp_path / "none.json") == ChargerState()


def test_a_broken_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"outlets": 5}')
    assert load_state(path) == ChargerState()
    assert (tmp_path / "a.bad").read_text() == '{"outlets": 5}'


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
