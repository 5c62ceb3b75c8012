"""On-call over REST: who is on duty, the calendar, a test message."""

from __future__ import annotations

import httpx2
from icalendar import Calendar

from scada.testing.system import System


async def test_who_is_on_duty_now_and_next(system: System, client: httpx2.AsyncClient) -> None:
    (rota,) = (await client.get("/oncall")).json()["items"]
    assert rota["name"] == "Engineers"
    contacts = {one["name"] for one in (await client.get("/oncall/contacts")).json()["items"]}
    assert set(rota["now"]) <= contacts
    spans = (await client.get("/oncall/Engineers")).json()["items"]
    assert [span["to"] for span in spans[:-1]] == [span["from"] for span in spans[1:]]
    assert (await client.get("/oncall/Nobody")).status_code == 404
    wrong = await client.get(
        "/oncall/Engineers", params={"from": "2026-11-21T00:00:00Z", "to": "2026-11-20T00:00:00Z"}
    )
    assert wrong.status_code == 400


async def test_the_feed_is_a_calendar_with_the_same_duties(
    system: System, client: httpx2.AsyncClient
) -> None:
    feed = f"{system.http}{(await client.get('/oncall')).json()['items'][0]['feed']}"
    answer = await client.get(feed)
    assert answer.headers["content-type"].startswith("text/calendar")
    calendar = Calendar.from_ical(answer.content)
    events = calendar.walk("VEVENT")
    assert {str(event["SUMMARY"]) for event in events} >= {"Duty engineer", "Astreinte"}
    again = Calendar.from_ical((await client.get(feed)).content).walk("VEVENT")
    assert [event["UID"] for event in again] == [event["UID"] for event in events]
    async with httpx2.AsyncClient(trust_env=False) as stranger:
        assert (await stranger.get(feed)).status_code == 401
    assert (await client.get("/oncall/Nobody.ics")).status_code == 404


async def test_a_test_message_is_in_the_outbox(system: System, client: httpx2.AsyncClient) -> None:
    sent = await client.post("/oncall/test", json={"contact": "Duty engineer"})
    assert sent.json() == {"messages": 1}
    newest = (await client.get("/outbox", params={"limit": 1})).json()["items"][0]
    assert (newest["contact"], newest["template"], newest["urgent"]) == ("Duty engineer", "test", True)
    unknown = await client.post("/oncall/test", json={"contact": "Nobody"})
    assert unknown.status_code == 400


async def test_who_sees_not_all_alarms_reads_no_subjects(system: System, client: httpx2.AsyncClient) -> None:
    await client.post("/oncall/test", json={"contact": "Duty engineer"})
    base = f"{system.http}/api/v1"
    headers = system.basic("nora")
    async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=30, headers=headers) as nora:
        rows = (await nora.get("/outbox")).json()["items"]
        assert rows
        assert {row["subject"] for row in rows} == {""}
        assert (await nora.get("/outbox.csv")).status_code == 200
