"""The board shows what is on disk, and what could not wait for the disk, each once and never backwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scada.core.database import TagDatabase
from scada.core.plant import Plant
from scada.core.records import AlarmEvent, AlarmState, AlarmTransition
from scada.runtime.board import AlarmBoard
from scada.testing import small_plant

PATH = "Depot.CP01.C1.ErrorInternalError"
RAISED = AlarmTransition(
    sequence=1,
    time_us=10,
    alarm=PATH,
    site="Depot",
    level=22,
    event=AlarmEvent.RAISED,
    state=AlarmState.ACTIVE_UNACKNOWLEDGED,
    raised_us=10,
)
ACKNOWLEDGED = replace(
    RAISED,
    sequence=2,
    time_us=20,
    event=AlarmEvent.ACKNOWLEDGED,
    state=AlarmState.ACTIVE_ACKNOWLEDGED,
    user="ann",
)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("board"))


@pytest.fixture
def board(plant: Plant) -> AlarmBoard:
    tags = TagDatabase(plant.tags)
    made = AlarmBoard(plant, tags, (), lambda batch: tags.write(batch, 1))
    made.tags = tags  # type: ignore[attr-defined]
    return made


def unacknowledged(board: AlarmBoard) -> object:
    return board.tags["Depot.Alarms.Unacknowledged"].value  # type: ignore[attr-defined]


def test_what_was_shown_before_the_disk_had_it_loses_its_mark_only(board: AlarmBoard) -> None:
    board.apply([RAISED], journalled=False)
    board.apply([ACKNOWLEDGED], journalled=False)
    view = board.get(PATH)
    assert view is not None
    assert (view.state, view.journalled) == (AlarmState.ACTIVE_ACKNOWLEDGED, False)
    board.apply([RAISED])  # the late commit of the first
    view = board.get(PATH)
    assert view is not None
    assert (view.state, view.journalled) == (AlarmState.ACTIVE_ACKNOWLEDGED, False)
    board.apply([ACKNOWLEDGED])
    view = board.get(PATH)
    assert view is not None
    assert (view.state, view.user, view.journalled) == (AlarmState.ACTIVE_ACKNOWLEDGED, "ann", True)
    assert unacknowledged(board) == 0


def test_a_listener_that_fails_hides_nothing_from_the_others(board: AlarmBoard) -> None:
    seen: list[int] = []

    def broken() -> None:
        raise RuntimeError("boom")

    board.subscribe(broken)
    board.subscribe(lambda: seen.append(board.version))
    board.apply([RAISED])
    assert seen == [board.version]
    assert unacknowledged(board) == 1


def test_order_of_the_list(board: AlarmBoard) -> None:
    low = replace(
        RAISED, alarm="Depot.CP02.C1.Temperature.Hi", level=14, raised_us=30, time_us=30, sequence=3
    )
    newer = replace(RAISED, alarm="Depot.CP03.C1.ErrorInternalError", raised_us=40, time_us=40, sequence=4)
    board.apply([RAISED, ACKNOWLEDGED, low, newer])
    assert [view.path for view in board.views("Depot")] == [newer.alarm, low.alarm, PATH]
    highest = board.highest_unacknowledged()
    assert highest is not None
    assert highest.path == newer.alarm
    assert board.views("Elsewhere") == []
