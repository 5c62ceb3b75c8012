"""The test bench over REST: schemas, the trace, the profile composer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.frames import CallError
from scada.testing import until
from scada.testing.system import System

BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


async def accept(_body: dict[str, Any]) -> dict[str, Any]:
    return {"status": "Accepted"}


async def test_messages_and_their_schemas(client: httpx2.AsyncClient) -> None:
    for name in ("Depot.CP01", "DEPOT-CP01"):
        messages = (await client.get(f"/chargers/{name}/ocpp")).json()
        assert len(messages) == 26  # 19 of the standard, 7 of the security extension
        assert {"Reset", "SetChargingProfile", "SignedUpdateFirmware"} <= set(messages)
    schema = (await client.get("/chargers/Depot.CP01/ocpp/Reset")).json()
    assert schema["request"]["properties"]["type"]["enum"] == ["Hard", "Soft"]
    assert "status" in schema["response"]["properties"]
    assert (await client.get("/chargers/Depot.CP01/ocpp/Heartbeat")).status_code == 404
    assert (await client.get("/chargers/Depot.CP99/ocpp")).status_code == 404


async def test_the_trace_shows_what_passes(system: System, client: httpx2.AsyncClient) -> None:
    handlers = {"GetConfiguration": accept, "TriggerMessage": accept, "ChangeConfiguration": accept}
    peer = await connect_peer(system.ocpp, "DEPOT-CP02", handlers)
    running = asyncio.create_task(peer.run())
    await peer.call("BootNotification", BOOT)
    where = {"charger": "DEPOT-CP02", "action": "BootNotification"}
    frames = (await client.get("/trace", params=where)).json()["items"]
    assert [(one["sent"], one["kind"]) for one in frames] == [(False, "call"), (True, "result")]
    assert json.loads(frames[0]["frame"])[2:] == ["BootNotification", BOOT]
    assert frames[0]["charger"] == "Depot.CP02"

    kept: list[dict[str, Any]] = []

    span = {**where, "from": "2026-01-01T00:00:00Z"}
    async with asyncio.timeout(15):
        while len(kept) < 2:  # the log is written once a second
            kept = (await client.get("/trace/history", params=span)).json()["items"]
            await asyncio.sleep(0.05)
    assert [(one["sent"], one["kind"]) for one in kept] == [(True, "result"), (False, "call")], "newest first"
    assert kept[1]["frame"] == frames[0]["frame"]
    assert (await client.get("/trace/history", params={"cursor": "x"})).status_code == 400

    seen: list[dict[str, Any]] = []

    async def follow() -> None:
        live = {"charger": "Depot.CP02", "action": "Heartbeat"}
        async with client.stream("GET", "/trace/live", params=live) as answer:
            async for line in answer.aiter_lines():
                following.set()  # the first line is empty
                seen.extend(json.loads(one) for one in [line] if one.strip())

    following = asyncio.Event()
    follower = asyncio.create_task(follow())
    await following.wait()
    await peer.call("Heartbeat", {})
    await until(lambda: len(seen) == 2, "the frames of the heartbeat")
    assert [one["kind"] for one in seen] == ["call", "result"]
    follower.cancel()
    await asyncio.gather(follower, return_exceptions=True)
    await peer.close()
    await running


async def test_a_message_is_sent_and_the_answer_comes_as_it_is(
    system: System, client: httpx2.AsyncClient
) -> None:
    async def key(_body: dict[str, Any]) -> dict[str, Any]:
        return {"unknownKey": ["Colour"], "vendorExtra": {"deep": [1, 2.50]}}

    async def refuse(_body: dict[str, Any]) -> dict[str, Any]:
        raise CallError("NotSupported", "not in this box", {"since": "3.1"})

    handlers = {
        "GetConfiguration": key,
        "TriggerMessage": accept,
        "ChangeConfiguration": accept,
        "ClearCache": refuse,
    }
    peer = await connect_peer(system.ocpp, "DEPOT-CP08", handlers)
    running = asyncio.create_task(peer.run())
    await peer.call("Heartbeat", {})
    path = "/chargers/DEPOT-CP08/ocpp"
    sent = (
        await client.post(path, json={"action": "GetConfiguration", "payload": {"key": ["Colour"]}})
    ).json()
    assert (sent["outcome"], sent["answer"]) == ("done", await key({}))
    failed = (await client.post(path, json={"action": "ClearCache"})).json()
    assert failed["outcome"] == "failed"
    assert failed["answer"] == {
        "code": "NotSupported",
        "description": "not in this box",
        "details": {"since": "3.1"},
    }
    await peer.close()
    await running
    gone = (await client.post(path, json={"action": "ClearCache"})).json()
    assert gone["outcome"] == "unreachable"


@pytest.mark.parametrize(
    ("action", "payload", "place"),
    [
        ("Reset", {"type": "Gentle"}, "$.type"),
        (
            "SendLocalList",
            {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{}]},
            "$.localAuthorizationList[0]",
        ),
        ("ClearCache", {"colour": "red"}, "$:"),
    ],
)
async def test_a_wrong_payload_is_refused_with_its_place_before_anything_is_sent(
    client: httpx2.AsyncClient, action: str, payload: dict[str, Any], place: str
) -> None:
    answer = await client.post("/chargers/Depot.CP01/ocpp", json={"action": action, "payload": payload})
    assert answer.status_code == 400
    assert place in answer.json()["detail"]
    trace = (await client.get("/trace", params={"charger": "Depot.CP01", "action": action})).json()
    assert trace["items"] == []


async def test_the_test_bench_needs_the_right_to_maintain(system: System) -> None:
    async with httpx2.AsyncClient(
        base_url=f"{system.http}/api/v1", trust_env=False, headers=system.basic("olga")
    ) as olga:
        for answer in (
            await olga.get("/trace"),
            await olga.get("/trace/live"),
            await olga.get("/chargers/Depot.CP01/ocpp"),
            await olga.post(
                "/chargers/Depot.CP01/ocpp", json={"action": "Reset", "payload": {"type": "Soft"}}
            ),
            await olga.post("/charging-profiles/compose", json={"target": "Depot.CP01.C1", "profiles": []}),
        ):
            assert answer.status_code == 403, answer.request.url


def profile(number: int, purpose: str, level: int, *limits: tuple[int, float]) -> dict[str, Any]:
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative" if purpose == "TxProfile" else "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            **({} if purpose == "TxProfile" else {"startSchedule": "2026-11-24T00:00:00Z"}),
            "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in limits],
        },
    }


async def test_composing_profiles(client: httpx2.AsyncClient) -> None:
    body = {
        "target": "Depot.CP03.C1",
        "start": "2026-11-24T00:00:00Z",
        "charging_since": "2026-11-24T00:00:00Z",
        "duration_s": 7200,
        "profiles": [
            {"connector": 0, "profile": profile(1, "ChargePointMaxProfile", 0, (0, 25))},
            {"connector": 1, "profile": profile(2, "TxDefaultProfile", 0, (0, 10))},
            {"connector": 1, "profile": profile(3, "TxProfile", 0, (0, 32), (3600, 16))},
        ],
    }
    answer = await client.post("/charging-profiles/compose", json=body)
    assert answer.status_code == 200, answer.text
    composed = answer.json()
    told = [(one["start_s"], one["limit"], one["profile"]) for one in composed["periods"]]
    assert told == [(0, 25.0, 1), (3600, 16.0, 3)]
    assert (composed["unit"], composed["duration_s"]) == ("A", 7200)
    bare = (
        await client.post("/charging-profiles/compose", json={"target": "Depot.CP01.C1", "profiles": []})
    ).json()
    assert [(one["limit"], one["profile"]) for one in bare["periods"]] == [(32.0, None)]


async def test_a_profile_that_cannot_be_is_refused_with_its_place(client: httpx2.AsyncClient) -> None:
    wrong = profile(1, "TxDefaultProfile", 0, (10, 6))
    body = {"target": "Depot.CP03.C1", "profiles": [{"connector": 1, "profile": wrong}]}
    answer = await client.post("/charging-profiles/compose", json=body)
    assert answer.status_code == 400
    assert "$.profiles[0].profile.chargingSchedule.chargingSchedulePeriod[0].startPeriod" in answer.text
    body = {"target": "Depot.CP99.C1", "profiles": []}
    assert (await client.post("/charging-profiles/compose", json=body)).status_code == 404
