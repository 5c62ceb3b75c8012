"""Search among many transactions, whole spans, and figures that wait to be worked out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scada.core.ports import SessionFilter
from scada.core.records import SessionFigures, TransactionRecord, TransactionState, VisitRecord
from scada.history import CoreStore, pages, sessions

Charging = Callable[..., TransactionRecord]


async def test_a_rare_one_is_found_in_parts_and_none_is_missed(
    store: CoreStore, charging: Charging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "WINDOW", 7)
    monkeypatch.setattr(pages, "SEARCH_S", 0.0)  # each part looks through one window only
    rare = {3, 50, 51, 99}
    store.journal.commit(
        [
            charging(n, started_us=n // 2, reason="DeAuthorized" if n in rare else "Local")
            for n in range(1, 101)
        ]
    )
    found, cursor, parts = [], None, 0
    while True:
        page = await store.archive.sessions(SessionFilter(text="deauth"), 2, cursor)
        found += [record.id for record in page.items]
        parts += 1
        assert len(page.items) <= 2
        cursor = page.next
        if cursor is None:
            break
    assert found == [99, 51, 50, 3]
    assert parts > 10


async def test_a_session_comes_with_its_figures_and_its_visit(store: CoreStore, charging: Charging) -> None:
    visit = VisitRecord(id=5, charger="Depot.CP01", connector=1, site="Depot", began_us=900)
    figures = SessionFigures(id=1, computed_us=5_000, cost="1.20", currency="EUR")
    store.journal.commit([charging(1, visit=5), charging(2), visit, figures])
    row = await store.sessions.session(1)
    assert row is not None
    assert (row.record.id, row.visit, row.figures) == (1, visit, figures)
    bare = await store.sessions.session(2)
    assert bare is not None
    assert (bare.visit, bare.figures) == (None, None)
    assert await store.sessions.session(3) is None


async def test_what_changed_after_its_figures_waits_again(store: CoreStore, charging: Charging) -> None:
    ended = {"state": TransactionState.CLOSED, "stopped_us": 2_000}
    store.journal.commit([charging(1, updated_us=10, **ended), charging(2, updated_us=20)])
    assert [one.id for one in await store.sessions.unfigured(0, 10)] == [1]
    store.journal.commit([SessionFigures(id=1, computed_us=10)])
    assert await store.sessions.unfigured(0, 10) == []
    store.journal.commit([charging(1, updated_us=30, energy_wh=7, **ended)])
    assert [one.id for one in await store.sessions.unfigured(0, 10)] == [1]
    assert await store.sessions.unfigured(31, 10) == []


async def test_a_span_is_walked_in_order(
    store: CoreStore, charging: Charging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "CHUNK", 3)
    store.journal.commit([charging(n, started_us=n // 3) for n in range(1, 12)])
    rows = await store.sessions.span(SessionFilter(from_us=1), 100)
    assert [row.record.id for row in rows] == list(range(3, 12))
    assert [row.record.id for row in store.sessions.walk(SessionFilter(), 4)] == [1, 2, 3, 4]


async def test_what_ran_at_the_charger_at_the_same_time(store: CoreStore, charging: Charging) -> None:
    store.journal.commit(
        [
            charging(1, started_us=100, stopped_us=200),
            charging(2, started_us=150, stopped_us=160, connector=2),
            charging(3, started_us=200, stopped_us=300, connector=2),
            charging(4, started_us=10, connector=2),
            charging(5, started_us=120, stopped_us=130, charger="Depot.CP02"),
        ]
    )
    row = await store.sessions.session(1)
    assert row is not None
    assert {one.id for one in await store.sessions.beside(row.record)} == {2, 4}
