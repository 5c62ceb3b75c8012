from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scada.core.database import TagDatabase
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, OutboxRecord, TransactionRecord
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import Kind
from scada.history import CoreStore, open_core


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CoreStore]:
    opened = open_core(tmp_path / "data", dict.fromkeys(range(25), "low"))
    yield opened
    opened.close()


@pytest.fixture
def database() -> TagDatabase:
    return TagDatabase(
        [
            TagDefinition(
                path="Depot.Power", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule()
            ),
            TagDefinition(path="Depot.Online", kind=Kind.BIT, source=Source.DRIVER, history=HistoryRule()),
            TagDefinition(path="Depot.Status", kind=Kind.TEXT, source=Source.DRIVER, history=HistoryRule()),
        ]
    )


Make = Callable[..., object]


@pytest.fixture(scope="session")
def transition() -> Callable[..., AlarmTransition]:
    def make(sequence: int, **changes: object) -> AlarmTransition:
        values: dict[str, object] = {
            "sequence": sequence,
            "time_us": 1_000 + sequence,
            "alarm": "Depot.CP01.Online",
            "site": "Depot",
            "level": 20,
            "event": AlarmEvent.RAISED,
            "state": AlarmState.ACTIVE_UNACKNOWLEDGED,
            "raised_us": 1_000 + sequence,
        }
        return AlarmTransition(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def charging() -> Callable[..., TransactionRecord]:
    def make(number: int, **changes: object) -> TransactionRecord:
        values: dict[str, object] = {
            "id": number,
            "charger": "Depot.CP01",
            "connector": 1,
            "site": "Depot",
            "id_tag": "CARD1",
            "started_us": 1_000 * number,
            "meter_start_wh": 10,
        }
        return TransactionRecord(**(values | changes))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def mail() -> Callable[..., OutboxRecord]:
    def make(number: int, **changes: object) -> OutboxRecord:
        values: dict[str, object] = {
            "message_id": f"<{number}@scada>",
            "thread_id": "",
            "created_us": number,
            "contact": "Ann",
            "recipient": "ann@example.org",
            "language": "en",
            "template": "alarm",
            "cause": number,
            "snapshot": "{}",
        }
        return OutboxRecord(**(values | changes))  # type: ignore[arg-type]

    return make
