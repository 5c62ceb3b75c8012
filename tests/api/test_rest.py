"""The REST interface of the whole product, over a real socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest

from scada.core import moment
from scada.core.value import GOOD
from scada.drivers.ocpp.client import connect_peer
from scada.testing.system import PASSWORD, System

NOW = "2026-11-21T10:00:00Z"


async def items(client: httpx2.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]  # type: ignore[no-any-return]


def put(system: System, path: str, value: object) -> None:
    host = system.running.host
    host.write([(host.tags[path], value, GOOD, host.clock.now_us())])  # type: ignore[list-item]


async def test_health_is_open_and_tells_ports_and_services(system: System) -> None:
    async with httpx2.AsyncClient(trust_env=False) as anybody:
        health = (await anybody.get(f"{system.http}/api/v1/health")).json()
    assert health["status"] == "ok"
    assert health["ports"] == system.running.ports
    assert health["services"]["Ocpp"] is True


async def test_openapi_describes_every_path(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    for path in (
        "/tags",
        "/tags/{path}",
        "/alarms",
        "/alarms/acknowledge",
        "/sessions",
        "/chargers",
        "/commands",
        "/token",
    ):
        assert f"/api/v1{path}" in document["paths"]


async def test_a_tag_list_has_the_agreed_shape(system: System, client: httpx2.AsyncClient) -> None:
    put(system, "Depot.CP01.C1.ActivePower", 7.25)
    page = (await client.get("/tags", params={"path": "Depot.CP01.C1.ActivePower"})).json()
    assert page["next"] is None
    (item,) = page["items"]
    assert item.keys() == {"path", "value", "quality", "time", "unit"}
    assert (item["value"], item["quality"], item["unit"]) == (7.25, "Good", "kW")
    assert item["time"].endswith("Z")


async def test_a_long_list_comes_in_parts_without_loss(system: System, client: httpx2.AsyncClient) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        query: dict[str, str] = {"path": "Depot.**", "limit": "37"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/tags", params=query)).json()
        seen += [item["path"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [tag.path for tag in system.running.host.tags.select("Depot.**")]


async def test_writing_a_tag(system: System, client: httpx2.AsyncClient) -> None:
    answer = await client.put("/tags/Depot.Note", json={"value": "crane in bay 4"})
    assert (answer.status_code, answer.json()["value"]) == (200, "crane in bay 4")
    assert system.running.host.tags["Depot.Note"].value == "crane in bay 4"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("PUT", "/tags/Depot.Note", {"value": 5}, 400, "is a text"),
        ("PUT", "/tags/Depot.Note", {"val": "x"}, 422, ""),
        ("PUT", "/tags/Depot.CP01.Online", {"value": False}, 400, "read-only"),
        ("PUT", "/tags/Depot.Nothing", {"value": 1}, 404, "no tag"),
        ("GET", "/tags/Depot.Nothing", None, 404, "no tag"),
        ("GET", "/tags?path=a%20b", None, 400, "pattern"),
        ("GET", "/tags?limit=0", None, 422, ""),
        ("GET", "/tags?limit=100000", None, 422, ""),
        ("GET", "/tags?cursor=-5", None, 400, "cursor"),
        ("GET", "/sessions?cursor=abc", None, 400, "cursor"),
        ("GET", "/sessions?state=dreaming", None, 400, "state"),
        ("GET", "/sessions?from=yesterday", None, 400, "from"),
        ("GET", "/chargers/Depot.CP99", None, 404, "no charger"),
        ("POST", "/alarms/acknowledge", {"paths": ["Depot.Nothing"]}, 404, "no alarm"),
        ("POST", "/alarms/acknowledge", {"paths": []}, 422, ""),
        ("POST", "/commands", {"command": "Explode", "target": "Depot.CP01"}, 404, "no command"),
        ("POST", "/commands", {"command": "Reset", "target": "Depot.CP99"}, 404, "no charger"),
        ("POST", "/commands", {"command": "Reset", "target": "Depot.CP01"}, 400, "needs 'type'"),
        ("POST", "/token", {"username": "admin"}, 400, "username and password"),
        ("GET", "/sessions?connector=9223372036854775808", None, 422, ""),
        ("PUT", "/tags/Depot.Note", {"value": "\ud800"}, 400, "UTF-8"),
        ("PUT", "/tags/Depot.Note", {"value": [float("nan")]}, 422, ""),
        ("PUT", "/tags/Depot.Note", {"value": "ok", "\ud800": 1}, 422, ""),
        ("POST", "/alarms/acknowledge", {"paths": ["\ud800"]}, 422, ""),
        (
            "POST",
            "/commands",
            {"command": "Reset", "target": "Depot.CP01", "arguments": {"\ud800": 1}},
            400,
            "no argument",
        ),
        (
            "POST",
            "/commands",
            {"command": "GetConfiguration", "target": "Depot.CP01", "arguments": {"key": "\ud800"}},
            400,
            "text",
        ),
        ("GET", "/nowhere", None, 404, "there is no /api/"),
    ],
)
async def test_bad_input_gets_a_clear_answer(
    client: httpx2.AsyncClient, method: str, path: str, body: object, status: int, told: str
) -> None:
    content = json.dumps(body) if body else None
    answer = await client.request(method, path, content=content, headers={"Content-Type": "application/json"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.status_code == status, answer.text
    assert told in str(answer.json()["detail"])


async def test_a_body_that_is_too_large_is_refused(client: httpx2.AsyncClient) -> None:
    answer = await client.put("/tags/Depot.Note", json={"value": "x" * 1_100_000})
    assert answer.status_code == 413


async def test_who_may_what(system: System) -> None:
    base = f"{system.http}/api/v1"
    command = {"command": "Reset", "target": "Depot.CP08", "arguments": {"type": "Soft"}}
    expected = {"nobody": (401, 401, 401), "gus": (200, 403, 403), "olga": (200, 200, 200)}
    for user, (see, write, order) in expected.items():
        headers = system.basic(user) if user != "nobody" else {}
        async with httpx2.AsyncClient(base_url=base, trust_env=False, headers=headers) as made:
            assert (await made.get("/tags")).status_code == see
            assert (await made.put("/tags/Depot.Note", json={"value": user})).status_code == write
            assert (await made.post("/commands", json=command)).status_code == order


async def test_tokens_begin_and_end(system: System) -> None:
    async with httpx2.AsyncClient(base_url=f"{system.http}/api/v1", trust_env=False) as made:
        wrong = await made.post("/token", json={"username": "olga", "password": "wrong"})
        assert wrong.status_code == 403
        login = {"username": "olga", "password": PASSWORD}
        for answer in (await made.post("/token", data=login), await made.post("/token", json=login)):
            assert answer.status_code == 200
            made.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            assert (await made.get("/alarms")).status_code == 200
            assert (await made.delete("/token")).status_code == 204
            assert (await made.get("/alarms")).status_code == 401
            del made.headers["Authorization"]


async def test_guessing_is_slowed_down(system: System) -> None:
    base = f"{system.http}/api/v1"
    async with httpx2.AsyncClient(base_url=base, trust_env=False) as made:
        answers = [
            (await made.post("/token", json={"username": "mallory", "password": f"guess {n}"})).json()[
                "detail"
            ]
            for n in range(5)
        ]
    assert answers[0] == "user name or password is wrong"
    assert answers[-1].startswith("too many failures")


async def test_writing_a_tag_may_be_a_command(client: httpx2.AsyncClient) -> None:
    answer = await client.put("/tags/Depot.CP05.C1.Operative", json={"value": False})
    assert answer.status_code == 200
    outcome = answer.json()["outcome"]
    assert (outcome["outcome"], outcome["ok"]) == ("unreachable", False)  # no charger is connected
    note = await client.put("/tags/Depot.Note", json={"value": "by itself"})
    assert (note.json()["value"], note.json()["outcome"]) == ("by itself", None)


async def test_a_session_from_the_socket_to_the_list(system: System, client: httpx2.AsyncClient) -> None:
    async def accept(_body: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Accepted"}

    async def no_keys(_body: dict[str, Any]) -> dict[str, Any]:
        return {"configurationKey": []}

    peer = await connect_peer(
        system.ocpp,
        "DEPOT-CP04",
        {"GetConfiguration": no_keys, "ChangeConfiguration": accept, "TriggerMessage": accept},
    )
    task = asyncio.create_task(peer.run())
    start = {"connectorId": 2, "idTag": "FLEET-0002", "meterStart": 1000, "timestamp": NOW}
    number = (await peer.call("StartTransaction", start))["transactionId"]
    value = {"timestamp": NOW, "sampledValue": [{"value": "1600"}]}
    await peer.call("MeterValues", {"connectorId": 2, "transactionId": number, "meterValue": [value]})
    (running,) = await items(client, "/sessions", charger="Depot.CP04", state="open")
    assert (running["id"], running["energy_wh"], running["stopped"]) == (number, 600, None)
    charger = (await client.get("/chargers/Depot.CP04")).json()
    assert charger["online"] is True
    assert charger["connectors"][1]["transaction_id"] == number
    await peer.call("StopTransaction", {"transactionId": number, "meterStop": 2500, "timestamp": NOW})
    (closed,) = await items(client, "/sessions", charger="Depot.CP04")
    assert (closed["energy_wh"], closed["state"], closed["reason"]) == (1500, "closed", "Local")
    await peer.close()
    await task
    history = await items(client, "/tags/Depot.CP04.C2.Energy/history", **{"from": "2026-11-21T09:00:00Z"})
    assert isinstance(history, list)
    way = "/tags/Depot.CP04.C2.Energy/history"
    assert isinstance(await items(client, way, pixels="100"), list)
    steps = await items(client, way, aggregate="max", step="60")
    assert len(steps) == 60
    assert {step["quality"] for step in steps} <= {"Good", "UncertainSubNormal", "BadNoData"}
    for wrong in ({"aggregate": "max"}, {"step": "60"}, {"aggregate": "sum", "step": "60"}):
        assert (await client.get(way, params=wrong)).status_code in {400, 422}


async def test_curves_of_several_tags_come_in_one_answer(system: System, client: httpx2.AsyncClient) -> None:
    host, paths = system.running.host, ["Depot.CP06.C1.ActivePower", "Depot.CP06.C1.Energy"]
    first_us = host.clock.now_us() - 60_000_000
    wanted = {paths[0]: [1.5, 7.25, 3.0], paths[1]: [100.0, 101.0, 102.5]}
    for path, values in wanted.items():
        for second, value in enumerate(values):
            host.write([(host.tags[path], value, GOOD, first_us + second * 1_000_000)])
    host.cycle()  # hands the samples over
    assert await asyncio.to_thread(system.running.store.samples.flush)
    span = {"from": moment.text(first_us), "to": moment.text(first_us + 10_000_000), "pixels": "100"}
    # Asked twice is told once, in the order of the question.
    question: dict[str, str | list[str]] = {**span, "path": [paths[1], paths[0], paths[1]]}
    curves = (await client.get("/curves", params=question)).json()["items"]
    assert [one["path"] for one in curves] == [paths[1], paths[0]]
    for one in curves:
        inside = [point for point in one["points"] if point["time"] >= moment.text(first_us)]
        assert [point["value"] for point in inside] == wanted[one["path"]]
        assert {point["quality"] for point in inside} == {"Good"}
        assert one["points"] == await items(client, f"/tags/{one['path']}/history", **span)
    for wrong, status in ((["Depot.Nothing", *paths], 404), ([], 422), (paths * 9, 422)):
        assert (await client.get("/curves", params={**span, "path": wrong})).status_code == status


async def test_commands_are_listed_with_their_arguments(client: httpx2.AsyncClient) -> None:
    commands = {c["name"]: c for c in await items(client, "/commands")}
    assert {
        "RemoteStart",
        "RemoteStop",
        "Reset",
        "ChangeAvailability",
        "GetConfiguration",
        "TriggerMessage",
    } <= set(commands)
    assert commands["Reset"]["arguments"][0]["choices"] == ["Soft", "Hard"]
