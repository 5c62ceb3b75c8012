"""An unknown charger calls, waits, and is taken in; another is swapped: with the real program, over its doors."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from scada.core.ports import DeedFilter
from scada.drivers.ocpp.peer import PeerClosed
from scada.history import open_core
from scada.project import scaffold
from scada.testing.chargers import connected
from scada.testing.ports import free_port
from scada.testing.processes import supervisor

BOOT = {"chargePointVendor": "Maker", "chargePointModel": "M1", "chargePointSerialNumber": "S1"}
NEW = {
    "site": "Depot",
    "tag": "CP20",
    "type": "ac3",
    "plug": "Type_2",
    "current_a": 32,
    "power_kw": 22,
}


async def eventually(ask: Callable[[], Awaitable[Any]], deadline_s: float = 40.0) -> Any:
    """What `ask` returns once it does not fail any more: another process starts anew meanwhile."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while True:
        try:
            return await ask()
        except (PeerClosed, httpx2.HTTPError, AssertionError):
            if loop.time() > end:
                raise
            await asyncio.sleep(0.2)


@pytest.mark.timeout(120)
async def test_adopted_and_swapped_by_a_start_anew_in_place(tmp_path: Path) -> None:
    project = tmp_path / "p"
    scaffold(project)
    settings = project / "project.toml"
    text = settings.read_text()
    settings.write_text(text.replace("[ocpp]\n", '[ocpp]\nunknown = "pending"\n', 1))
    ports = (free_port(), free_port(), free_port())
    with supervisor(project, "--no-simulate", ports=ports, own_interpreter=True) as running:
        pid, url = running.process.pid, running.addresses["ocpp"]
        auth = ("admin", "correct horse")
        async with httpx2.AsyncClient(
            base_url=running.addresses["http"] + "/api/v1", auth=auth, timeout=20, trust_env=False
        ) as http:

            async def registration(identity: str) -> str:
                async with connected(url, identity) as peer:
                    return str((await peer.call("BootNotification", BOOT))["status"])

            async with connected(url, "STRANGER-1") as peer:
                answer = await peer.call("BootNotification", BOOT)
                assert (answer["status"], answer["interval"]) == ("Pending", 60)
                await peer.call(
                    "StatusNotification", {"connectorId": 2, "errorCode": "NoError", "status": "Available"}
                )
                start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-11-21T10:00:00Z"}
                assert (await peer.call("StartTransaction", start))["idTagInfo"]["status"] == "Invalid"
                (item,) = (await http.get("/pending")).json()["items"]
                assert (item["identity"], item["vendor"], item["serial"]) == ("STRANGER-1", "Maker", "S1")
                assert (item["connectors"], item["transactions"], item["online"]) == (2, 1, True)
            wrong = await http.post("/pending/STRANGER-1/adopt", json={**NEW, "site": "Nowhere"})
            assert (wrong.status_code, "no site 'Nowhere'" in wrong.text) == (400, True)
            assert (await http.post("/pending/NOBODY/adopt", json=NEW)).status_code == 404

            assert (await http.post("/pending/STRANGER-1/adopt", json=NEW)).status_code == 202

            async def known(identity: str) -> None:
                assert await registration(identity) == "Accepted"

            await eventually(lambda: known("STRANGER-1"))
            assert running.process.poll() is None
            assert running.process.pid == pid
            assert (await http.get("/chargers/Depot.CP20")).json()["identity"] == "STRANGER-1"

            assert await registration("STRANGER-2") == "Pending"
            swap = await http.post("/pending/STRANGER-2/adopt", json={"replaces": "Depot.CP03"})
            assert swap.status_code == 202, swap.text
            await eventually(lambda: known("STRANGER-2"))
            assert (await http.get("/chargers/Depot.CP03")).json()["identity"] == "STRANGER-2"

            assert await registration("STRANGER-3") == "Pending"
            assert (await http.post("/pending/STRANGER-3/reject")).status_code == 204
            with pytest.raises(PeerClosed):
                await registration("STRANGER-3")
    output = running.output.read_text()
    assert running.process.returncode == 0, output
    assert len(re.findall("starting anew", output)) == 2
    assert "Traceback" not in output, output
    store = open_core(project / "data")
    try:
        rows = (await store.archive.audit(DeedFilter(), 20, None)).items
    finally:
        store.close()
    deeds = {(one.action, one.object, one.user) for one in rows}
    assert ("charger_adopted", "Depot.CP20", "admin") in deeds
    assert ("charger_replaced", "Depot.CP03", "admin") in deeds
    assert ("charger_rejected", "STRANGER-3", "admin") in deeds
