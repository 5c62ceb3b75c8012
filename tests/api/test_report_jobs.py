"""Reports that are made while nobody waits, over REST."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import httpx2
import openpyxl
import pytest
import pytest_asyncio

from scada.testing.system import PASSWORD, System
from scada.testing.waiting import DEADLINE_S


@pytest_asyncio.fixture(loop_scope="session")
async def client(system: System) -> AsyncIterator[httpx2.AsyncClient]:
    """By a token: a password costs a third of a second for each question."""
    base = f"{system.http}/api/v1"
    async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=30) as made:
        login = await made.post("/token", json={"username": "admin", "password": PASSWORD})
        made.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        yield made


async def ended(client: httpx2.AsyncClient, way: str) -> dict[str, object]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            job: dict[str, object] = (await client.get(way)).json()
            if job["state"] != "running":
                return job
            await asyncio.sleep(0.02)


async def test_a_report_is_started_watched_fetched_and_given_up(
    system: System, client: httpx2.AsyncClient
) -> None:
    answer = await client.post("/report-jobs/energy.xlsx", params={"period": "yesterday", "by": "site"})
    assert answer.status_code == 202, answer.text
    base, location = httpx2.URL(system.http), answer.headers["location"]
    way = str(base.join(location))
    job = await ended(client, way)
    assert (job["id"], job["report"], job["form"]) == (answer.json()["id"], "energy", "xlsx")
    assert (job["state"], job["error"]) == ("done", "")
    file = await client.get(f"{way}/file")
    assert str(job["name"]) in file.headers["content-disposition"]
    assert len(file.content) == job["size"]
    about = openpyxl.load_workbook(io.BytesIO(file.content))["About"]
    assert any("by = site" in str(line[1].value) for line in about.iter_rows())
    assert job in (await client.get("/report-jobs")).json()["items"]
    async with httpx2.AsyncClient(trust_env=False, headers=system.basic("olga")) as olga:
        assert (await olga.get(str(base.join("/api/v1/report-jobs")))).json()["items"] == []
        for method, path in (("GET", way), ("GET", f"{way}/file"), ("DELETE", way)):
            assert (await olga.request(method, path)).status_code == 404
    assert (await client.delete(way)).status_code == 204
    assert (await client.get(way)).status_code == 404


async def test_two_are_made_at_once_for_a_user_and_a_cancelled_one_makes_room(
    system: System, client: httpx2.AsyncClient
) -> None:
    """A PDF is made in a process of its own, whose start alone takes longer than these questions."""
    question = {"period": "last_week"}
    first, second = [
        (await client.post("/report-jobs/energy.pdf", params=question)).json()["id"] for _ in range(2)
    ]
    third = await client.post("/report-jobs/energy.csv", params=question)
    assert (third.status_code, "2 files are being made" in third.json()["detail"]) == (400, True)
    early = await client.get(f"/report-jobs/{first}/file")
    assert (early.status_code, early.json()["detail"]) == (400, "this file is not there: running")
    assert (await client.delete(f"/report-jobs/{first}")).status_code == 204
    third = await client.post("/report-jobs/energy.csv", params=question)
    assert third.status_code == 202
    assert (await ended(client, f"/report-jobs/{third.json()['id']}"))["state"] == "done"
    for number in (second, third.json()["id"]):
        assert (await client.delete(f"/report-jobs/{number}")).status_code == 204
    assert (await client.get("/report-jobs")).json()["items"] == []


@pytest.mark.parametrize(
    ("user", "way", "query", "status"),
    [
        ("olga", "/report-jobs/audit.csv", {"period": "today"}, 403),
        ("admin", "/report-jobs/gossip.csv", {"period": "today"}, 422),
        ("admin", "/report-jobs/energy.docx", {"period": "today"}, 422),
        ("admin", "/report-jobs/energy.csv", {}, 400),
    ],
)
async def test_what_cannot_be_asked_starts_nothing(
    system: System, user: str, way: str, query: dict[str, str], status: int
) -> None:
    base = f"{system.http}/api/v1"
    async with httpx2.AsyncClient(base_url=base, trust_env=False, headers=system.basic(user)) as made:
        assert (await made.post(way, params=query)).status_code == status
        assert (await made.get("/report-jobs")).json()["items"] == []
        assert (await made.get("/report-jobs/nothing")).status_code == 404
