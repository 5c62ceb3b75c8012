"""Firmware, files from chargers, configuration and campaigns over REST."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx2
import pytest

from scada.core.ports import DeedFilter
from scada.testing.system import System

CONTENT = bytes(range(256)) * 6_000
SIGNATURE = {
    "signature": base64.b64encode(b"s").decode(),
    "certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
}


async def test_firmware_is_added_signed_and_removed(client: httpx2.AsyncClient, system: System) -> None:
    made = await client.post("/firmware", params={"name": "fw-1.bin"}, content=CONTENT)
    assert made.status_code == 201, made.text
    assert made.json()["size_bytes"] == len(CONTENT)  # more than other bodies may have
    assert (await client.put("/firmware/fw-1.bin/signature", json=SIGNATURE)).json()["signed"] is True
    (listed,) = (await client.get("/firmware")).json()["items"]
    assert (listed["name"], listed["signed"], len(listed["sha256"])) == ("fw-1.bin", True, 64)
    again = await client.post("/firmware", params={"name": "fw-1.bin"}, content=b"other")
    assert again.json()["signed"] is False  # the signature was of something else
    guest = system.basic("gus")
    assert (await client.get("/firmware", headers=guest)).status_code == 403
    for user in ("gus", "olga"):
        answer = await client.post(
            "/firmware", params={"name": "x"}, content=b"x", headers=system.basic(user)
        )
        assert answer.status_code == 403
    assert (await client.delete("/firmware", params={"name": "fw-1.bin"})).status_code == 204
    assert (await client.get("/firmware")).json()["items"] == []
    audit = await system.running.store.archive.audit(DeedFilter(object="fw-1.bin"), 10, None)
    assert {one.action for one in audit.items} == {"add_firmware", "sign_firmware", "remove_firmware"}


@pytest.mark.parametrize("name", ["../x", "a/b", ".x", "x.sig", "x.pem", "", "x" * 81, "a b"])
async def test_a_name_that_cannot_be_is_refused(client: httpx2.AsyncClient, name: str) -> None:
    answer = await client.post("/firmware", params={"name": name}, content=b"x")
    assert answer.status_code in (400, 422)
    assert (await client.delete("/firmware", params={"name": name})).status_code in (404, 422)


async def test_what_is_wrong_with_firmware_is_told(client: httpx2.AsyncClient) -> None:
    large = await client.post("/firmware", params={"name": "big"}, content=b"x" * 2_000_001)
    assert (large.status_code, "2,000,000" in large.text) == (400, True)
    assert (await client.post("/firmware", params={"name": "empty"}, content=b"")).status_code == 400
    assert (await client.put("/firmware/none/signature", json=SIGNATURE)).status_code == 404
    assert (await client.get("/firmware")).json()["items"] == []


async def test_files_of_chargers_are_listed_and_fetched(client: httpx2.AsyncClient, system: System) -> None:
    folder = system.running.plant.directory / "data" / "files" / "Depot.CP01"
    folder.mkdir(parents=True)
    (folder / "00001790000000000000_0123456789abcdef_log_diag.zip").write_bytes(b"content")
    (listed,) = (await client.get("/files/diagnostics")).json()["items"]
    assert (listed["charger"], listed["name"], listed["purpose"]) == ("Depot.CP01", "diag.zip", "log")
    got = await client.get(f"/files/diagnostics/{listed['id']}")
    assert got.content == b"content"
    assert 'filename="Depot.CP01_' in got.headers["content-disposition"]
    assert (await client.get("/files/diagnostics/none")).status_code == 404
    assert (await client.get("/files/diagnostics", headers=system.basic("gus"))).status_code == 403


async def test_configurations_side_by_side(client: httpx2.AsyncClient, system: System) -> None:
    stations = {one.charger.path: one for one in _stations(system)}
    stations["Depot.CP01"].configuration = {
        "HeartbeatInterval": ("60", False),
        "AuthorizationKey": ("secret", False),
        "A": ("1", True),
    }
    stations["Depot.CP02"].configuration = {"HeartbeatInterval": ("300", False), "A": ("1", True)}
    try:
        items = (await client.get("/configuration")).json()["items"]
        assert [one["key"] for one in items] == ["A", "AuthorizationKey", "HeartbeatInterval"]
        assert "secret" not in str(items)
        differing = (await client.get("/configuration", params={"differing": True})).json()["items"]
        assert [one["key"] for one in differing] == ["AuthorizationKey", "HeartbeatInterval"]
        one = (await client.get("/configuration", params={"key": "heartbeatinterval"})).json()["items"]
        assert one[0]["values"] == {"Depot.CP01": "60", "Depot.CP02": "300"}
        assert (await client.get("/configuration", headers=system.basic("gus"))).status_code == 403
        assert (await client.get("/configuration", params={"charger": "a b"})).status_code == 400
    finally:
        for station in stations.values():
            station.configuration = {}


def _stations(system: System) -> list[Any]:
    return [system.running.router._commanders[one.path] for one in system.running.plant.chargers()]


async def test_a_campaign_is_begun_watched_paused_and_cancelled(
    client: httpx2.AsyncClient, system: System
) -> None:
    body = {"name": "night", "command": "ClearCache", "targets": ["Depot.*"], "waves": ["1", "50%"]}
    begun = await client.post("/campaigns", json=body)
    assert begun.status_code == 201, begun.text
    campaign = begun.json()
    url = f"/campaigns/{campaign['id']}"
    assert campaign["waves"][0] == 1
    async with asyncio.timeout(10):
        while True:  # nobody is connected
            detail = (await client.get(url, params={"limit": 2})).json()
            if detail["results"][0]["text"] == "offline":
                break
            await asyncio.sleep(0.05)
    rest = (await client.get(url, params={"cursor": detail["next"]})).json()
    assert len(rest["results"]) == campaign["total"] - 2
    assert (await client.post(f"{url}/pause", headers=system.basic("gus"))).status_code == 403
    assert (await client.post(f"{url}/pause")).json()["phase"] == "paused"
    assert (await client.post(f"{url}/pause")).status_code == 400
    assert (await client.post(f"{url}/resume")).json()["phase"] == "running"
    cancelled = (await client.post(f"{url}/cancel")).json()
    assert (cancelled["phase"], cancelled["counts"]) == ("cancelled", {"cancelled": campaign["total"]})
    assert (await client.get("/campaigns")).json()["items"][0]["id"] == campaign["id"]
    for wrong, status in (
        ({**body, "command": "RemoteStop"}, 400),
        ({**body, "waves": ["-1"]}, 400),
        ({**body, "targets": []}, 422),
        ({**body, "unheard": 1}, 422),
    ):
        assert (await client.post("/campaigns", json=wrong)).status_code == status
    assert (await client.post("/campaigns", json=body, headers=system.basic("gus"))).status_code == 403
    assert (await client.get("/campaigns/none")).status_code == 404
    assert (await client.post(f"{url}/explode")).status_code == 404
