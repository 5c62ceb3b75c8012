"""Charging over REST: tokens, refused ones, stop conditions, reservations, visits, by whoever may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2

from scada.charging.told import StartTransaction, StopTransaction
from scada.core.effects import Event
from scada.core.ports import DeedFilter
from scada.runtime.requests import Authorize
from scada.testing.system import System

CP, C1 = "Depot.CP08", "Depot.CP08.C1"


async def start(system: System, tag: str, meter: int = 1000) -> int:
    host = system.running.host
    host.event(Event("status", C1, {"status": "Preparing", "time_us": host.clock.now_us()}))
    answer = await host.request(
        StartTransaction(
            charger=CP, connector=1, id_tag=tag, meter_start_wh=meter, time_us=host.clock.now_us()
        )
    )
    number: int = answer.transaction_id
    return number


async def stop(system: System, number: int) -> None:
    host = system.running.host
    await host.request(
        StopTransaction(charger=CP, transaction_id=number, meter_stop_wh=3000, time_us=host.clock.now_us())
    )
    host.event(Event("status", C1, {"status": "Available", "time_us": host.clock.now_us()}))


async def test_a_refused_token_is_admitted_and_withdrawn(system: System, client: httpx2.AsyncClient) -> None:
    await system.running.host.request(Authorize("REST-NEW", CP))
    refused = (await client.get("/refused-tokens")).json()["items"]
    assert [(one["id_tag"], one["charger"], one["why"]) for one in refused] == [("REST-NEW", CP, "not known")]
    made = await client.post("/tokens", json={"id_tag": "REST-NEW", "name": "Guest", "sites": ["Depot"]})
    assert (made.status_code, made.json()["source"], made.json()["user"]) == (201, "admitted", "admin")
    assert (await client.get("/refused-tokens")).json()["items"] == []
    listed = (await client.get("/tokens", params={"source": "admitted"})).json()["items"]
    assert [one["id_tag"] for one in listed] == ["REST-NEW"]
    assert (await client.post("/tokens", json={"id_tag": "REST-NEW"})).status_code == 400
    assert (await client.post("/tokens", json={"id_tag": "X", "sites": ["Moon"]})).status_code == 400
    assert (await client.post("/tokens", json={"id_tag": "X", "wrong": 1})).status_code == 422
    assert (await client.delete("/tokens/REST-NEW")).status_code == 204
    assert (await client.delete("/tokens/REST-NEW")).status_code == 404
    where = DeedFilter(object="REST-NEW")
    deeds = (await system.running.store.archive.audit(where, 10, None)).items
    assert [one.action for one in deeds] == ["withdraw_token", "admit_token"]


async def test_a_session_is_told_when_to_end(system: System, client: httpx2.AsyncClient) -> None:
    number = await start(system, "FLEET-0008")
    try:
        assert (await client.get(f"/sessions/{number}/stop")).status_code == 404
        put = await client.put(f"/sessions/{number}/stop", json={"energy_kwh": 7.5, "at": "06:30"})
        assert (put.status_code, put.json()["energy_kwh"], put.json()["source"]) == (200, 7.5, "admin")
        got = (await client.get(f"/sessions/{number}/stop")).json()
        assert (got["at"], got["reached"]) == ("06:30", "")
        assert (await client.put(f"/sessions/{number}/stop", json={"at": "25:00"})).status_code == 422
        assert (await client.put("/sessions/999999/stop", json={})).status_code == 404
        assert (await client.put(f"/sessions/{number}/stop", json={})).json() is None
    finally:
        await stop(system, number)
    (visit,) = (await client.get("/visits", params={"charger": CP, "limit": 1})).json()["items"]
    assert visit["ended"] is not None
    sessions = (await client.get("/sessions", params={"visit": visit["id"]})).json()["items"]
    assert [(one["id"], one["visit"]) for one in sessions] == [(number, visit["id"])]


async def test_a_reservation_is_made_listed_and_cancelled(system: System, client: httpx2.AsyncClient) -> None:
    begin = datetime.now(UTC) + timedelta(hours=1)
    body = {
        "target": C1,
        "id_tag": "FLEET-0001",
        "from": begin.isoformat(),
        "until": (begin + timedelta(hours=1)).isoformat(),
    }
    made = await client.post("/reservations", json=body)
    assert (made.status_code, made.json()["state"]) == (201, "planned")
    number = made.json()["id"]
    again = await client.post("/reservations", json=body)
    assert (again.status_code, "reserved already" in again.json()["detail"]) == (400, True)
    assert (await client.post("/reservations", json={**body, "target": "Nowhere"})).status_code == 404
    listed = (await client.get("/reservations", params={"state": "planned"})).json()["items"]
    assert [one["id"] for one in listed] == [number]
    assert (await client.delete(f"/reservations/{number}")).json()["state"] == "cancelled"
    assert (await client.delete(f"/reservations/{number}")).status_code == 400


async def test_who_may_only_see_changes_nothing(system: System, client: httpx2.AsyncClient) -> None:
    base = f"{system.http}/api/v1"
    async with httpx2.AsyncClient(base_url=base, trust_env=False, headers=system.basic("nora")) as nora:
        assert (await nora.get("/tokens")).status_code == 200
        for method, path, body in (
            ("POST", "/tokens", {"id_tag": "X"}),
            ("DELETE", "/tokens/X", None),
            ("DELETE", "/refused-tokens/X", None),
            ("POST", "/authorizations/1", {"accept": True}),
            ("PUT", "/sessions/1/stop", {}),
            ("POST", "/reservations", {"target": C1, "until": "2030-01-01T00:00:00Z"}),
            ("DELETE", "/reservations/1", None),
            ("POST", f"/local-lists/{CP}", None),
        ):
            assert (await nora.request(method, path, json=body)).status_code == 403, path
    async with httpx2.AsyncClient(base_url=base, trust_env=False) as stranger:
        for path in ("/tokens", "/refused-tokens", "/reservations", "/visits", "/vehicles", "/local-lists"):
            assert (await stranger.get(path)).status_code == 401, path


async def test_lists_that_are_empty_are_lists(client: httpx2.AsyncClient) -> None:
    for path in ("/vehicles", "/authorizations", "/local-lists"):
        assert (await client.get(path)).json()["items"] == []
    assert (await client.post("/local-lists/Depot.CP01")).status_code == 404
    assert (await client.post("/authorizations/1", json={"accept": True})).status_code == 404
