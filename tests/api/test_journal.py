"""The alarm journal over REST: filters, export, figures, as far as the caller's role sees."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from scada.core.value import GOOD
from scada.testing import until
from scada.testing.system import System

ACTIONS_OK = "System.ActionsOk"


@pytest.fixture
async def raised(system: System, client: httpx2.AsyncClient) -> AsyncIterator[str]:
    """An alarm that was raised and acknowledged with a comment that a spreadsheet would calculate."""
    host = system.running.host
    host.write([(host.tags[ACTIONS_OK], False, GOOD, host.clock.now_us())])
    await until(lambda: host.board.get(ACTIONS_OK))
    answer = await client.post(f"/alarms/{ACTIONS_OK}/acknowledge", json={"comment": "=1+1, on it"})
    assert answer.status_code == 200
    yield ACTIONS_OK
    host.write([(host.tags[ACTIONS_OK], True, GOOD, host.clock.now_us())])
    await until(lambda: not host.board.get(ACTIONS_OK))


async def test_filters_choose_rows(client: httpx2.AsyncClient, raised: str) -> None:
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"alarm": raised}, True),
        ({"branch": "System", "level_max": 14, "event": "raised"}, True),
        ({"branch": "System.Action"}, False),
        ({"site": "Depot", "branch": "System.ActionsOk"}, False),
        ({"branch": "System.ActionsOk", "event": "acknowledged", "user": "admin"}, True),
        ({"branch": "System.ActionsOk", "event": ["shelved", "reset"]}, False),
        ({"branch": "System.ActionsOk", "state": "active_acknowledged"}, True),
        ({"branch": "System.ActionsOk", "text": "ON IT"}, True),
        ({"branch": "System.ActionsOk", "level_min": 29}, False),
        ({"branch": "System.ActionsOk", "to": "2020-01-01T00:00:00Z"}, False),
    ]
    for query, found in cases:
        answer = await client.get("/alarms/journal", params=query)
        assert answer.status_code == 200, answer.text
        rows = answer.json()["items"]
        assert bool(rows) is found, query
        assert all(row["alarm"].startswith("System") for row in rows)


@pytest.mark.parametrize(
    "query", [{"event": "exploded"}, {"state": "asleep"}, {"level_min": 30}, {"text": "x" * 101}]
)
async def test_filters_that_there_are_not(client: httpx2.AsyncClient, query: dict[str, str]) -> None:
    assert (await client.get("/alarms/journal", params=query)).status_code == 422


async def test_the_journal_as_a_file(client: httpx2.AsyncClient, raised: str) -> None:
    answer = await client.get("/alarms/journal.csv", params={"branch": "System.ActionsOk"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="alarm-journal.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    newest = rows[0]
    assert (newest["alarm"], newest["event"], newest["comment"]) == (raised, "acknowledged", "'=1+1, on it")
    assert {"domain", "nature", "first_out", "until"} <= newest.keys()


async def test_figures(client: httpx2.AsyncClient, raised: str) -> None:
    answer = await client.get("/alarms/figures", params={"branch": "System.ActionsOk"})
    assert answer.status_code == 200, answer.text
    figures = answer.json()
    assert figures["raised"] == sum(one["times"] for one in figures["most_frequent"]) >= 1
    assert figures["most_frequent"][0]["alarm"] == raised
    assert sum(figures["by_priority"].values()) == pytest.approx(100)
    assert figures["acknowledge_s_median"] >= 0
    assert figures["from"] < figures["to"]
    backwards = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    assert (await client.get("/alarms/figures", params=backwards)).status_code == 400


async def test_nobody_reads_it_unasked(system: System) -> None:
    async with httpx2.AsyncClient(base_url=f"{system.http}/api/v1", trust_env=False) as anybody:
        for path in ("/alarms/journal", "/alarms/journal.csv", "/alarms/figures"):
            assert (await anybody.get(path)).status_code == 401
