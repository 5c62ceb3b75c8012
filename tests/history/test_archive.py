"""Lists are read in pages, newest first; what comes meanwhile shifts nothing."""

from collections.abc import Callable

import pytest

from scada.core.errors import BadRequest
from scada.core.ports import JournalFilter, SessionFilter, UserRow
from scada.core.records import AlarmTransition, OutboxRecord, TransactionRecord, TransactionState
from scada.history import CoreStore

Transition = Callable[..., AlarmTransition]
Charging = Callable[..., TransactionRecord]
Mail = Callable[..., OutboxRecord]


async def test_pages_of_sessions(store: CoreStore, charging: Charging) -> None:
    # Three began at the same time: the id settles their order.
    store.journal.commit([charging(n, started_us=1_000 * min(n, 8)) for n in range(1, 11)])
    seen: list[int] = []
    cursor = None
    while True:
        page = await store.archive.sessions(SessionFilter(), 3, cursor)
        seen += [record.id for record in page.items]
        if page.next is None:
            break
        if cursor is None:
            store.journal.commit([charging(11, started_us=99_000)])
        cursor = page.next
    assert seen == list(range(10, 0, -1))


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (SessionFilter(site="Depot"), [4, 3, 2, 1]),
        (SessionFilter(site="Elsewhere"), []),
        (SessionFilter(charger="Depot.CP02"), [2]),
        (SessionFilter(connector=2), [3]),
        (SessionFilter(id_tag="card9"), [4]),
        (SessionFilter(state=TransactionState.CLOSED), [1]),
        (SessionFilter(from_us=2_000, to_us=4_000), [3, 2]),
        (SessionFilter(site="Depot", connector=2, charger="Depot.CP01"), [3]),
        (SessionFilter(flags=("any",)), [4, 2]),
        (SessionFilter(flags=("clock",)), [4]),
        (SessionFilter(flags=("clock", "lost_stop")), []),
        (SessionFilter(flags=("lost",)), []),
        (SessionFilter(energy_min_wh=2_000), [4, 3]),
        (SessionFilter(energy_min_wh=2_000, energy_max_wh=3_000), [3]),
        (SessionFilter(duration_min_us=500, duration_max_us=500), [1]),
        (SessionFilter(vehicle="Bus 7"), [4]),
        (SessionFilter(vehicles=("Bus 7", "Bus 8")), [4, 3]),
        (SessionFilter(parent="Drivers"), [2]),
        (SessionFilter(authorized_by="free"), [3]),
        (SessionFilter(late=True), [1]),
        (SessionFilter(text="bus"), [4, 3]),
        (SessionFilter(text="bus_"), []),
        (SessionFilter(ended_from_us=1_501), [4, 3, 2]),
    ],
)
async def test_filters_of_sessions(
    store: CoreStore, charging: Charging, where: SessionFilter, ids: list[int]
) -> None:
    store.journal.commit(
        [
            charging(1, state=TransactionState.CLOSED, stopped_us=1_500, late=True),
            charging(2, charger="Depot.CP02", flags="lost_stop", parent="Drivers"),
            charging(3, connector=2, energy_wh=3_000, vehicle="Bus 8", authorized_by="free"),
            charging(4, id_tag="CARD9", flags="meter_backwards,clock", energy_wh=4_000, vehicle="Bus 7"),
        ]
    )
    page = await store.archive.sessions(where, 100, None)
    assert [record.id for record in page.items] == ids


async def test_alarm_journal_and_outbox(store: CoreStore, transition: Transition, mail: Mail) -> None:
    store.journal.commit([transition(1, alarm="A"), transition(2, alarm="B", site="North"), mail(1), mail(2)])
    page = await store.archive.alarm_journal(JournalFilter(), 1, None)
    assert page.items == [transition(2, alarm="B", site="North")]
    page = await store.archive.alarm_journal(JournalFilter(), 1, page.next)
    assert page.items == [transition(1, alarm="A")]
    assert page.next is None
    assert [row.record for row in (await store.archive.outbox(9, None)).items] == [mail(2), mail(1)]


async def test_energy_of_a_span(store: CoreStore, charging: Charging) -> None:
    store.journal.commit([charging(n, energy_wh=100 * n) for n in range(1, 5)])
    assert await store.archive.energy_wh("Depot", 2_000, 4_000) == (500, 2)
    assert await store.archive.energy_wh("North", 0, 9_000) == (0, 0)


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "WyJhIl0", "WyJhIiwgMV0", "WyJzIiwgMSwgMWU5OTld", "A" * 5_000]
)
async def test_a_cursor_that_is_not_ours(store: CoreStore, cursor: str) -> None:
    with pytest.raises(BadRequest, match="cursor"):
        await store.archive.sessions(SessionFilter(), 10, cursor)


@pytest.mark.parametrize("limit", [0, -1, 1_001])
async def test_a_limit_out_of_bounds(store: CoreStore, limit: int) -> None:
    with pytest.raises(BadRequest, match="limit"):
        await store.archive.sessions(SessionFilter(), limit, None)


def test_users(store: CoreStore) -> None:
    ann = UserRow("ann", "operator", "$argon2id$x", "en", False)
    assert store.users.get("ann") is None
    store.users.put(ann)
    store.users.put(UserRow("bob", "guest", "$argon2id$y", "fr", True))
    store.users.put(UserRow("ann", "administrator", "$argon2id$z", "en", False))
    assert [(u.name, u.role, u.disabled) for u in store.users.list()] == [
        ("ann", "administrator", False),
        ("bob", "guest", True),
    ]
    assert store.users.remove("bob")
    assert not store.users.remove("bob")
