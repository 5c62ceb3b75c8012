"""A store with two days of sessions at one plant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scada.core import moment
from scada.core.plant import Plant
from scada.core.records import AuditRecord, SessionFigures, TransactionRecord, TransactionState
from scada.core.value import TimeUs
from scada.history import CoreStore, open_core
from scada.reports import Desk
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant


def at(text: str) -> TimeUs:
    time_us = moment.parse(text)
    assert time_us is not None
    return time_us


NOW_US = at("2026-03-05T12:00+01:00")
HOUR_US = 3_600_000_000


@pytest.fixture(scope="session")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("reports"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CoreStore]:
    opened = open_core(tmp_path / "data", dict.fromkeys(range(30), "low"))
    yield opened
    opened.close()


@pytest.fixture
def desk(plant: Plant, store: CoreStore) -> Desk:
    return Desk(plant, store.archive, store.sessions, FakeClock(NOW_US))


@pytest.fixture
def filled(store: CoreStore) -> CoreStore:
    """Three sessions: over midnight to the 3rd, on the 3rd, and one that still runs on the 5th."""

    def session(
        number: int, begin: str, hours: float, energy_wh: int, **changes: object
    ) -> TransactionRecord:
        begin_us = at(begin)
        values: dict[str, object] = {
            "id": number,
            "charger": "Depot.CP01",
            "connector": 1,
            "site": "Depot",
            "id_tag": "=1+1",
            "started_us": begin_us,
            "stopped_us": begin_us + int(hours * HOUR_US),
            "meter_start_wh": 1_000,
            "meter_stop_wh": 1_000 + energy_wh,
            "energy_wh": energy_wh,
            "state": TransactionState.CLOSED,
            "updated_us": begin_us,
        }
        return TransactionRecord(**(values | changes))  # type: ignore[arg-type]

    store.journal.commit(
        [
            session(1, "2026-03-02T23:00+01:00", 2, 8_000),
            session(2, "2026-03-03T10:00+01:00", 1, 5_000, charger="Depot.CP02", vehicle="Bus 7"),
            session(
                3,
                "2026-03-05T11:00+01:00",
                0,
                2_000,
                stopped_us=None,
                meter_stop_wh=None,
                state=TransactionState.OPEN,
            ),
            SessionFigures(
                id=2,
                computed_us=at("2026-03-03T12:00Z"),
                charging_us=HOUR_US // 2,
                cost="1.50",
                currency="EUR",
            ),
            AuditRecord(
                time_us=at("2026-03-03T08:00Z"), user="ann", origin="hmi", action="log_in", object="ann"
            ),
        ]
    )
    return store
