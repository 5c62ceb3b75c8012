"""Each filter of the journal, of the audit and of the commands: what SQL finds is what the sentence says."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.core.access import Role
from scada.core.errors import BadRequest
from scada.core.ports import CommandRow, DeedFilter, JournalFilter
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition, AuditRecord, CommandRecord
from scada.history import CoreStore, open_core

ROWS = [
    AlarmTransition(
        sequence=number,
        time_us=1_000 * number,
        alarm=alarm,
        site=site,
        level=level,
        event=AlarmEvent(event),
        state=AlarmState(state),
        raised_us=1_000,
        domain=domain,
        nature="safety",
        first_out=1,
        user=user,
        comment=comment,
        until_us=5 if event == "shelved" else None,
    )
    for number, (alarm, site, level, event, state, domain, user, comment) in enumerate(
        [
            ("Depot.CP01.Offline", "Depot", 20, "raised", "active_unacknowledged", "grid", "", ""),
            ("Depot.CP01.C1.Faulted", "Depot", 5, "raised", "active_unacknowledged", "", "", "50 %"),
            ("Depot.CP010.Offline", "Depot", 20, "shelved", "shelved", "grid", "ann", "crane_in bay"),
            ("North.CP01.Offline", "North", 29, "acknowledged", "active_acknowledged", "fire", "bob", ""),
            ("System.MailOk", "", 12, "returned", "normal", "", "", "ANNEX \\ é"),
            ("Depot.CP01", "Depot", 0, "returned", "normal", "fire", "", ""),
        ],
        1,
    )
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreStore]:
    opened = open_core(tmp_path_factory.mktemp("filters"))
    opened.journal.commit(ROWS)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("where", "sequences"),
    [
        (JournalFilter(), [6, 5, 4, 3, 2, 1]),
        (JournalFilter(site="North"), [4]),
        (JournalFilter(alarm="Depot.CP01.Offline"), [1]),
        (JournalFilter(branch="Depot.CP01"), [6, 2, 1]),
        (JournalFilter(branch="depot.cp01"), []),
        (JournalFilter(branch="Depot.CP0_"), []),
        (JournalFilter(level_min=12, level_max=20), [5, 3, 1]),
        (JournalFilter(events=(AlarmEvent.SHELVED, AlarmEvent.ACKNOWLEDGED)), [4, 3]),
        (JournalFilter(state=AlarmState.NORMAL), [6, 5]),
        (JournalFilter(user="ann"), [3]),
        (JournalFilter(text="ann"), [5, 3]),
        (JournalFilter(text="cp010"), [3]),
        (JournalFilter(text="50 %"), [2]),
        (JournalFilter(text="%"), [2]),
        (JournalFilter(text="e_i"), [3]),
        (JournalFilter(text="\\"), [5]),
        (JournalFilter(from_us=2_000, to_us=4_000), [3, 2]),
        (JournalFilter(role=Role(see=(10, 25))), [5, 3, 1]),
        (JournalFilter(role=Role(sites=frozenset({"North"}))), [5, 4]),
        (JournalFilter(role=Role(domains=frozenset({"fire"}))), [6, 4]),
        (
            JournalFilter(role=Role(sites=frozenset({"Depot"}), domains=frozenset({"fire", "grid"}))),
            [6, 3, 1],
        ),
        (JournalFilter(branch="Depot", level_min=1, text="Faulted", role=Role(see=(0, 6))), [2]),
    ],
)
async def test_filters_of_the_journal(filled: CoreStore, where: JournalFilter, sequences: list[int]) -> None:
    page = await filled.archive.alarm_journal(where, 100, None)
    assert [row.sequence for row in page.items] == sequences
    assert all(row == ROWS[row.sequence - 1] for row in page.items)


ROLES = st.builds(
    lambda low, high, sites, domains: Role(see=(low, high), sites=sites, domains=domains),
    st.integers(0, 29),
    st.integers(0, 29),
    st.frozensets(st.sampled_from(["Depot", "North", "East"])),
    st.frozensets(st.sampled_from(["grid", "fire", ""])),
)


@given(role=ROLES)
@settings(max_examples=60, deadline=None)
async def test_a_reader_finds_what_the_role_sees(filled: CoreStore, role: Role) -> None:
    page = await filled.archive.alarm_journal(JournalFilter(role=role), 100, None)
    assert [row.sequence for row in page.items] == [
        row.sequence for row in reversed(ROWS) if role.sees(row.level, row.site, row.domain)
    ]


async def test_a_filter_holds_over_pages(tmp_path: Path, transition: Callable[..., AlarmTransition]) -> None:
    store = open_core(tmp_path)
    store.journal.commit([transition(n, user="ann" if n % 3 else "") for n in range(1, 50)])
    seen: list[int] = []
    cursor = None
    while True:
        page = await store.archive.alarm_journal(JournalFilter(user="ann"), 7, cursor)
        seen += [row.sequence for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [n for n in range(49, 0, -1) if n % 3]
    store.close()


async def test_who_did_what(store: CoreStore) -> None:
    deeds = [
        AuditRecord(time_us=10 * n, user=user, origin="hmi", action=action, object=what, new=str(n))
        for n, (user, action, what) in enumerate(
            [("ann", "log_in", ""), ("ann", "write_tag", "Depot.Note"), ("bob", "write_tag", "Depot.Note")]
        )
    ]
    store.journal.commit(deeds)
    for where, expected in (
        (DeedFilter(), [2, 1, 0]),
        (DeedFilter(user="ann"), [1, 0]),
        (DeedFilter(object="Depot.Note"), [2, 1]),
        (DeedFilter(action="log_in"), [0]),
        (DeedFilter(from_us=10, to_us=20), [1]),
    ):
        page = await store.archive.audit(where, 9, None)
        assert page.items == [deeds[n] for n in expected]
    first = await store.archive.audit(DeedFilter(), 2, None)
    assert (await store.archive.audit(DeedFilter(), 2, first.next)).items == [deeds[0]]


async def test_commands_with_their_outcome(store: CoreStore) -> None:
    def command(number: int, **changes: str) -> CommandRecord:
        values = {"name": "Reset", "target": "Depot.CP01", "user": "ann"} | changes
        return CommandRecord(
            id=f"c{number}", time_us=5 * (number // 2), arguments="{}", origin="hmi", **values
        )

    issued = [command(0), command(1, user="bob"), command(2, name="UnlockConnector", target="Depot.CP02.C1")]
    store.journal.commit(issued)
    store.journal.commit([replace(issued[0], time_us=77, outcome="done", text="booted")])
    rows = [
        CommandRow(record=issued[2], ended_us=None),
        CommandRow(record=issued[1], ended_us=None),
        CommandRow(record=replace(issued[0], outcome="done", text="booted"), ended_us=77),
    ]
    for where, expected in (
        (DeedFilter(), rows),
        (DeedFilter(user="ann"), [rows[0], rows[2]]),
        (DeedFilter(object="Depot.CP02.C1"), rows[:1]),
        (DeedFilter(action="Reset", to_us=5), rows[1:]),
    ):
        page = await store.archive.commands(where, 9, None)
        assert page.items == expected
    # Two were issued at the same moment: the id settles their order, over pages too.
    seen: list[object] = []
    cursor = None
    for _ in rows:
        page = await store.archive.commands(DeedFilter(), 1, cursor)
        seen += page.items
        cursor = page.next
    assert (seen, cursor) == (rows, None)


@pytest.mark.parametrize("cursor", ["x", "WyJhIiwgMV0", "WyJjIiwgMSwgMV0"])
async def test_a_cursor_of_another_list(store: CoreStore, cursor: str) -> None:
    with pytest.raises(BadRequest, match="cursor"):
        await store.archive.commands(DeedFilter(), 10, cursor)
