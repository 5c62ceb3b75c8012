"""A session with everything that is known of it, from the charger's socket to REST."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from scada.core import moment
from scada.core.plant import Bookkeeping, Prices, Tariff
from scada.drivers.ocpp.client import connect_peer
from scada.runtime.bookkeeper import Bookkeeper
from scada.testing.system import System


async def _charged(system: System) -> int:
    """A session of 1.5 kWh that ended just now; its number."""
    host = system.running.host
    peer = await connect_peer(system.ocpp, "DEPOT-CP05", {})
    task = asyncio.create_task(peer.run())
    try:
        await peer.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        now_us = host.clock.now_us()
        start = {
            "connectorId": 1,
            "idTag": "FLEET-0002",
            "meterStart": 1000,
            "timestamp": moment.text(now_us - 30_000_000),
        }
        number = int((await peer.call("StartTransaction", start))["transactionId"])
        await peer.call(
            "StatusNotification", {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
        )
        samples: list[dict[str, Any]] = [
            {"value": "1600"},
            {"value": "9000", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        value = {"timestamp": moment.text(now_us - 10_000_000), "sampledValue": samples}
        await peer.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [value]})
        stop = {"transactionId": number, "meterStop": 2500, "timestamp": moment.text(now_us)}
        await peer.call("StopTransaction", stop)
        return number
    finally:
        await peer.close()
        await task


async def test_a_session_whole(system: System, client: httpx2.AsyncClient) -> None:
    number = await _charged(system)
    running = system.running
    tariff = Tariff(name="day", currency="EUR", prices=Prices(per_kwh=Decimal("0.40")))
    plant = replace(running.plant, bookkeeping=Bookkeeping(tariffs=(tariff,)))
    books = Bookkeeper(plant, running.host, running.store.archive, running.store.sessions)
    assert await books.work_off() >= 1
    assert await books.work_off() == 0

    detail = (await client.get(f"/sessions/{number}")).json()
    assert (detail["id"], detail["energy_wh"], detail["state"]) == (number, 1500, "closed")
    assert detail["duration_s"] == pytest.approx(30, abs=0.01)
    assert detail["figures"]["cost"] == "0.60"
    assert detail["figures"]["currency"] == "EUR"
    assert sum(quarter["energy_wh"] for quarter in detail["quarters"]) == 1500
    told = [(one["kind"], one["what"]) for one in detail["timeline"]]
    assert told.index(("session", "started")) < told.index(("session", "stopped"))
    assert ("session", "plugged_in") in told
    assert detail["visit_detail"]["id"] == detail["visit"]
    assert detail["cut"] == []


async def test_a_session_that_is_not_there(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/sessions/123456789")
    assert answer.status_code == 404
    assert "no session 123456789" in answer.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"energy_min_kwh": 1.4, "energy_max_kwh": 1.6}, True),
        ({"energy_min_kwh": 1.6}, False),
        ({"duration_min_s": 29, "duration_max_s": 31}, True),
        ({"duration_min_s": 3600}, False),
        ({"text": "eet-00"}, True),
        ({"flag": "any"}, False),
        ({"late": True}, False),
        ({"authorized_by": "local"}, True),
    ],
)
async def test_the_search(
    system: System, client: httpx2.AsyncClient, query: dict[str, Any], found: bool
) -> None:
    number = await _charged(system)
    page = (await client.get("/sessions", params={"charger": "Depot.CP05", **query})).json()
    assert (number in [one["id"] for one in page["items"]]) is found


async def test_a_plate_that_nobody_has(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/sessions", params={"plate": "ZZ-000"})
    assert answer.status_code == 404
    assert "plate" in answer.text


async def test_a_report_as_a_file(system: System, client: httpx2.AsyncClient) -> None:
    number = await _charged(system)
    answer = await client.get("/reports/sessions.csv", params={"period": "today", "charger": "Depot.CP05"})
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert any(line.startswith(f"{number},") for line in answer.text.splitlines())


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/reports/gossip.csv", {"period": "today"}, 422),
        ("/reports/energy.docx", {"period": "today"}, 422),
        ("/reports/energy.csv", {}, 400),
        ("/reports/energy.csv", {"period": "someday"}, 400),
        ("/reports/energy.csv", {"period": "today", "from": "2026-01-01T00:00:00Z"}, 400),
        ("/reports/energy.csv", {"period": "today", "site": "Mars"}, 404),
    ],
)
async def test_reports_that_cannot_be_meant(
    client: httpx2.AsyncClient, path: str, query: dict[str, str], status: int
) -> None:
    assert (await client.get(path, params=query)).status_code == status


async def test_the_audit_is_not_for_everybody(system: System) -> None:
    async with httpx2.AsyncClient(trust_env=False, headers=system.basic("olga")) as olga:
        answer = await olga.get(f"{system.http}/api/v1/reports/audit.csv", params={"period": "today"})
        assert answer.status_code == 403


async def test_a_day_is_rebuilt_on_demand(system: System, client: httpx2.AsyncClient) -> None:
    made = await client.post("/reconciliation/2026-01-02")
    assert made.status_code == 200, made.text
    assert (made.json()["day"], made.json()["by"], made.json()["open"]) == ("2026-01-02", "admin", [])
    listed = (await client.get("/reconciliation")).json()["items"]
    assert made.json() in listed
    assert (await client.post("/reconciliation/someday")).status_code == 400
    async with httpx2.AsyncClient(trust_env=False, headers=system.basic("gus")) as guest:
        answer = await guest.post(f"{system.http}/api/v1/reconciliation/2026-01-02")
        assert answer.status_code == 403
