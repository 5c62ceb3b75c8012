"""What is known of a charger over REST: commissioning and deviations, out of a real conversation."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from scada.drivers.ocpp.client import connect_peer
from scada.testing import until
from scada.testing.system import System

KEYS = {"HeartbeatInterval": "900", "MeterValueSampleInterval": "60", "NumberOfConnectors": "1"}


async def configuration(_body: dict[str, Any]) -> dict[str, Any]:
    return {
        "configurationKey": [
            {"key": key, "readonly": key == "NumberOfConnectors", "value": value}
            for key, value in KEYS.items()
        ]
    }


async def change(body: dict[str, Any]) -> dict[str, Any]:
    if body["key"] != "HeartbeatInterval":
        return {"status": "Rejected"}
    KEYS["HeartbeatInterval"] = body["value"]
    return {"status": "Accepted"}


async def accept(_body: dict[str, Any]) -> dict[str, Any]:
    return {"status": "Accepted"}


async def test_report_and_deviations_of_a_charger(system: System, client: httpx2.AsyncClient) -> None:
    nothing = (await client.get("/chargers/DEPOT-CP07/commissioning")).json()
    assert (nothing["state"], nothing["keys"]) == ("none", [])
    handlers = {"GetConfiguration": configuration, "ChangeConfiguration": change, "TriggerMessage": accept}
    peer = await connect_peer(system.ocpp, "DEPOT-CP07", handlers)
    running = asyncio.create_task(peer.run())
    await peer.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    odd_sample = {"value": "1", "measurand": "Power.Active.Import", "unit": "Wh"}
    values = [{"timestamp": "2026-11-24T10:00:00Z", "sampledValue": [odd_sample]}]
    await peer.call("MeterValues", {"connectorId": 1, "meterValue": values})
    commissioned = system.running.host.tags["Depot.CP07.Commissioned"]
    await until(lambda: str(commissioned.value).startswith("refused"), "commissioning ends")

    report = (await client.get("/chargers/Depot.CP07/commissioning")).json()
    assert (report["vendor"], report["connectors"]) == ("V", 1)
    status = {one["key"]: one["status"] for one in report["keys"]}
    assert (status["HeartbeatInterval"], status["MeterValueSampleInterval"]) == ("accepted", "refused")
    assert "MeterValueSampleInterval" in report["refused"]
    assert any("2" in sentence for sentence in report["mismatches"])  # the project has two connectors
    summary = (await client.get("/commissioning", params={"state": "refused"})).json()["items"]
    assert "Depot.CP07" in [one["charger"] for one in summary]

    odd = (await client.get("/chargers/Depot.CP07/deviations")).json()
    assert odd["count"] >= 1
    assert any("Power.Active.Import" in one["what"] for one in odd["items"])
    everywhere = (await client.get("/deviations", params={"site": "Depot"})).json()["items"]
    assert "Depot.CP07" in {one["charger"] for one in everywhere}
    assert (await client.get("/chargers/Depot.CP99/deviations")).status_code == 404
    await peer.close()
    await running
