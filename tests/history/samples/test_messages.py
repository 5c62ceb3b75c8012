"""The message log finds, pages and forgets the same on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.errors import BadRequest, Unavailable
from scada.history import messages
from scada.history.messages import SqlMessages
from scada.history.samples import Place, SampleHistory, parse_url

NOON = 1_760_097_600_000_000
EVER = 2**62


def frame(number: int, **changes: Any) -> TracedFrame:
    values: dict[str, Any] = {
        "sequence": number,
        "time_us": NOON + number,
        "charger": f"Depot.CP{number % 2:02}",
        "identity": f"DEPOT-{number % 2}",
        "sent": False,
        "kind": "call",
        "action": "Heartbeat",
        "message_id": str(number),
        "text": f'[2,"{number}","Heartbeat",{{}}]',
    }
    return TracedFrame(**{**values, **changes})


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as one:
        yield one


@pytest.fixture
def log(place: Place, history: SampleHistory, pool: ThreadPoolExecutor) -> Iterator[SqlMessages]:
    assert not history.state, "who opens the samples makes the tables"
    made = SqlMessages(place, pool)
    yield made
    made.close()


async def read_all(log: SqlMessages, limit: int = 10, **where: Any) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(100):
        page = await log.frames(FrameFilter(**where), 0, EVER, limit, cursor)
        found += [one.message_id for one in page.items]
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


async def test_frames_come_back_newest_first_by_any_filter(
    log: SqlMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [frame(number) for number in range(1, 41)]
    odd = frame(41, charger="Depot.CP09", sent=True, kind="error", action="", text="100 % gone_\0 'x'")
    log.put([*frames, odd])
    assert await read_all(log, limit=7) == [str(number) for number in range(41, 0, -1)]
    assert await read_all(log, charger="Depot.CP00") == [str(number) for number in range(40, 0, -2)]
    assert await read_all(log, actions=frozenset({"heartBEAT"}), limit=40) == [
        str(n) for n in range(40, 0, -1)
    ]
    assert await read_all(log, kinds=frozenset({"error"})) == ["41"]
    assert await read_all(log, text="% GONE_") == ["41"]
    assert await read_all(log, text="%GONE") == []
    page = await log.frames(FrameFilter(), NOON + 3, NOON + 5, 10, None)
    assert [one.message_id for one in page.items] == ["4", "3"]
    assert page.next is None
    (back,) = (await log.frames(FrameFilter(sent=True), 0, EVER, 10, None)).items
    assert (back.charger, back.kind, back.text) == ("Depot.CP09", "error", "100 % gone_� 'x'")
    # What a text is looked for in is bounded: the answer comes in parts, and is the same.
    monkeypatch.setattr(messages, "SCAN_MAX", 6)
    assert await read_all(log, text='"7"') == ["7"]
    assert await read_all(log, text='"Heartbeat"', limit=4) == [str(number) for number in range(40, 0, -1)]


async def test_the_oldest_go_by_age_and_by_number(log: SqlMessages) -> None:
    log.put([frame(number) for number in range(1, 21)])
    assert log.forget(NOON + 6, 1_000) == 5
    assert log.forget(NOON + 6, 10) == 5
    assert log.forget(NOON + 6, 10) == 0
    assert await read_all(log, limit=100) == [str(number) for number in range(20, 10, -1)]


async def test_a_wrong_question_and_a_database_that_is_away(
    log: SqlMessages, pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    for limit, cursor in ((0, None), (10, "x"), (10, "WyJzIiwxLDJd")):
        with pytest.raises(BadRequest):
            await log.frames(FrameFilter(), 0, EVER, limit, cursor)
    away = SqlMessages(Place(tmp_path, parse_url(f"postgresql://test@/x?host={tmp_path}"), "Test"), pool)
    with pytest.raises(Unavailable, match="cannot be reached"):
        away.put([frame(1)])
    with pytest.raises(Unavailable, match="cannot be reached"):
        await away.frames(FrameFilter(), 0, EVER, 10, None)
    away.close()
