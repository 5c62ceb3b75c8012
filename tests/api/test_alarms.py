"""Alarms over REST: what operators do to them, what is suppressed, and what a limited role does not learn of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from scada.core.value import GOOD
from scada.testing import until
from scada.testing.system import System

LOW = "Depot.CP08.C1.ErrorWeakSignal"
HIGH = "Depot.CP08.C1.ErrorOverVoltage"
LATCHED = "Depot.CP08.C1.ErrorGroundFailure"
CODES = {LOW: "WeakSignal", HIGH: "OverVoltage", LATCHED: "GroundFailure"}


def put(system: System, path: str, value: object) -> None:
    host = system.running.host
    host.write([(host.tags[path], value, GOOD, host.clock.now_us())])  # type: ignore[list-item]


async def raise_(system: System, path: str) -> None:
    put(system, "Depot.CP08.Online", True)
    put(system, "Depot.CP08.C1.ErrorCode", CODES[path])
    await until(lambda: (view := system.running.host.board.get(path)) and not view.state.suppressed)


@pytest.fixture
async def nora(system: System) -> AsyncIterator[httpx2.AsyncClient]:
    base = f"{system.http}/api/v1"
    headers = system.basic("nora")
    async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=30, headers=headers) as made:
        yield made


@pytest.fixture(autouse=True)
async def clean(system: System, client: httpx2.AsyncClient) -> AsyncIterator[None]:
    """Each story begins and ends without alarms of this connector."""
    yield
    put(system, "Depot.CP08.C1.ErrorCode", "NoError")
    for held in await items(client, "/suppressions"):
        if held["kind"] == "shelved":
            await client.post(f"/alarms/{held['path']}/unshelve")
        elif held["kind"] == "out_of_service":
            await client.delete(f"/out-of-service/{held['path']}")
    paths = [a["path"] for a in await items(client, "/alarms", branch="Depot.CP08")]
    if paths:
        await client.post("/alarms/reset", json={"paths": paths})
        await client.post("/alarms/acknowledge", json={"paths": paths})


async def items(client: httpx2.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


async def test_an_alarm_is_listed_acknowledged_and_journalled(
    system: System, client: httpx2.AsyncClient
) -> None:
    await raise_(system, HIGH)
    alarm = next(a for a in await items(client, "/alarms", site="Depot") if a["path"] == HIGH)
    assert (alarm["state"], alarm["priority"], alarm["device"]) == (
        "active_unacknowledged",
        "high",
        "Depot.CP08.C1",
    )
    french = (await client.get(f"/alarms/{HIGH}", params={"language": "fr"})).json()
    assert french["message"] != alarm["message"]
    answer = await client.post(f"/alarms/{HIGH}/acknowledge", json={"comment": "on it"})
    assert answer.json() == {"acknowledged": [HIGH]}
    again = await client.post("/alarms/acknowledge", json={"paths": [HIGH]})
    assert again.json() == {"acknowledged": []}
    commented = await client.post(f"/alarms/{HIGH}/comment", json={"comment": "fuse ordered"})
    assert (commented.json()["comment"], commented.json()["acknowledged_by"]) == ("fuse ordered", "admin")
    rows = await items(client, "/alarms/journal", alarm=HIGH)
    assert [(r["event"], r["user"], r["comment"]) for r in rows[:3]] == [
        ("commented", "admin", "fuse ordered"),
        ("acknowledged", "admin", "on it"),
        ("raised", "", ""),
    ]


async def test_a_latch_is_reset_only_when_its_cause_is_gone(
    system: System, client: httpx2.AsyncClient
) -> None:
    await raise_(system, LATCHED)
    early = await client.post(f"/alarms/{LATCHED}/reset")
    assert early.status_code == 400
    assert "its cause is still there" in early.json()["detail"]
    put(system, "Depot.CP08.C1.ErrorCode", "NoError")
    await until(lambda: (view := system.running.host.board.get(LATCHED)) and view.state.latched)
    assert (await client.get(f"/alarms/{LATCHED}")).json()["state"] == "latched_unacknowledged"
    assert (await client.post(f"/alarms/{LATCHED}/reset")).json() == {"paths": [LATCHED]}
    await client.post(f"/alarms/{LATCHED}/acknowledge")
    assert (await client.get(f"/alarms/{LATCHED}")).json()["state"] == "normal"


async def test_a_shelved_alarm_is_suppressed_until_it_is_taken_off(
    system: System, client: httpx2.AsyncClient
) -> None:
    await raise_(system, HIGH)
    without_reason = await client.post(f"/alarms/{HIGH}/shelve", json={"for_s": 900, "reason": " "})
    assert without_reason.status_code == 400
    endless = await client.post(f"/alarms/{HIGH}/shelve", json={"reason": "known"})
    assert endless.status_code == 400
    too_long = await client.post(f"/alarms/{HIGH}/shelve", json={"reason": "known", "for_s": 8 * 86_400})
    assert "7 days" in too_long.json()["detail"]
    shelved = await client.post(f"/alarms/{HIGH}/shelve", json={"for_s": 900, "reason": "known"})
    assert shelved.json()["state"] == "shelved"
    assert shelved.json()["until"] is not None
    assert HIGH not in [a["path"] for a in await items(client, "/alarms")]
    assert HIGH in [a["path"] for a in await items(client, "/alarms", state="shelved")]
    (held,) = [one for one in await items(client, "/suppressions") if one["path"] == HIGH]
    assert (held["kind"], held["user"], held["reason"]) == ("shelved", "admin", "known")
    off = await client.post("/alarms/unshelve", json={"paths": [HIGH]})
    assert off.json() == {"paths": [HIGH]}
    # The cause is still there: it comes anew.
    await until(lambda: (view := system.running.host.board.get(HIGH)) and view.state.unacknowledged)


async def test_a_charger_out_of_service_keeps_its_alarms_back(
    system: System, client: httpx2.AsyncClient
) -> None:
    await raise_(system, HIGH)
    taken = await client.post(
        "/out-of-service", json={"branch": "Depot.CP08", "for_s": 3600, "reason": "new cable"}
    )
    assert (taken.json()["kind"], taken.json()["reason"], taken.json()["alarms"]) == (
        "out_of_service",
        "new cable",
        1,
    )
    assert [a for a in await items(client, "/alarms") if a["device"].startswith("Depot.CP08")] == []
    assert (
        await client.post("/out-of-service", json={"branch": "Nowhere", "reason": "x"})
    ).status_code == 404
    assert (await client.delete("/out-of-service/Depot.CP08")).status_code == 204
    assert (await client.delete("/out-of-service/Depot.CP08")).status_code == 400
    rows = await items(client, "/alarms/journal", alarm="Depot.CP08")
    assert [row["event"] for row in rows[:2]] == ["in_service", "out_of_service"]


async def test_a_forced_tag_is_among_the_suppressions(system: System, client: httpx2.AsyncClient) -> None:
    path = "Depot.CP08.C1.Temperature"
    await client.post(f"/tags/{path}/force", json={"value": 21.5, "reason": "sensor is dead"})
    (held,) = [one for one in await items(client, "/suppressions") if one["kind"] == "forced"]
    assert (held["path"], held["value"], held["reason"]) == (path, 21.5, "sensor is dead")
    await client.delete(f"/tags/{path}/force")
    assert [one for one in await items(client, "/suppressions") if one["kind"] == "forced"] == []


async def test_a_limited_role_learns_of_nothing_else(
    system: System, client: httpx2.AsyncClient, nora: httpx2.AsyncClient
) -> None:
    await raise_(system, LOW)
    assert LOW in [a["path"] for a in await items(client, "/alarms")]
    assert LOW not in [a["path"] for a in await items(nora, "/alarms")]
    nowhere = await nora.get("/alarms/Depot.CP08.C1.NoSuch")
    for answer in (
        await nora.get(f"/alarms/{LOW}"),
        await nora.post(f"/alarms/{LOW}/acknowledge"),
        await nora.post(f"/alarms/{LOW}/comment", json={"comment": "hello"}),
        await nora.post(f"/alarms/{LOW}/shelve", json={"for_s": 60, "reason": "x"}),
        await nora.post("/alarms/acknowledge", json={"paths": [LOW]}),
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == nowhere.json()["detail"].replace("Depot.CP08.C1.NoSuch", LOW)
    assert await items(nora, "/alarms/journal", alarm=LOW) == []
    await client.post(f"/alarms/{LOW}/shelve", json={"for_s": 900, "reason": "known"})
    assert LOW not in [one["path"] for one in await items(nora, "/suppressions")]
    assert LOW not in [a["path"] for a in await items(nora, "/alarms", state="shelved")]


async def test_a_limited_role_acts_at_its_own_levels(
    system: System, client: httpx2.AsyncClient, nora: httpx2.AsyncClient
) -> None:
    await raise_(system, LATCHED)  # level 26: seen, but not to be acknowledged
    refused = await nora.post(f"/alarms/{LATCHED}/acknowledge")
    assert refused.status_code == 403
    assert "level 20 to 23" in refused.json()["detail"]
    await raise_(system, HIGH)
    assert (await nora.post(f"/alarms/{HIGH}/acknowledge")).json() == {"acknowledged": [HIGH]}


async def test_a_guest_sees_and_does_nothing(system: System) -> None:
    base = f"{system.http}/api/v1"
    async with httpx2.AsyncClient(base_url=base, trust_env=False, headers=system.basic("gus")) as guest:
        assert (await guest.get("/suppressions")).status_code == 200
        for path, body in (
            (f"/alarms/{HIGH}/acknowledge", {}),
            (f"/alarms/{HIGH}/shelve", {"for_s": 60, "reason": "x"}),
            ("/out-of-service", {"branch": "Depot.CP08", "reason": "x"}),
            ("/oncall/test", {"contact": "Duty engineer"}),
        ):
            assert (await guest.post(path, json=body)).status_code == 403, path


async def test_openapi_is_complete(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path in (
        "/alarms/{path}",
        "/alarms/{path}/shelve",
        "/alarms/unshelve",
        "/out-of-service",
        "/out-of-service/{branch}",
        "/suppressions",
        "/oncall",
        "/oncall/{rota}",
        "/oncall/{rota}.ics",
        "/oncall/test",
    ):
        operations = document["paths"][f"/api/v1{path}"]
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]
            assert operation["security"]
    assert document["components"]["schemas"]["AlarmItem"]["examples"]
