"""The supervisor is killed while a charger gets a new password: it can connect afterwards, and in the end by one only."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from scada.drivers.ocpp.peer import PeerClosed
from scada.project import load, scaffold
from scada.testing import central_system
from scada.testing.chargers import connected
from scada.testing.processes import Supervisor, supervisor
from scada.testing.system import PASSWORD

OLD = "a password of 24 letters"
CHARGER = "DEPOT-CP01"


async def lets_in(url: str, password: str) -> bool:
    try:
        async with connected(url, CHARGER, password=password) as peer:
            await peer.call("Heartbeat", {})
            return True
    except PeerClosed as closed:
        cause = closed.__cause__
        if not (isinstance(cause, InvalidStatus) and cause.response.status_code == 401):
            raise
        return False


async def rotate(running: Supervisor) -> None:
    body = {"command": "RotatePassword", "target": "Depot.CP01", "arguments": {}}
    async with httpx2.AsyncClient(trust_env=False, auth=("admin", PASSWORD), timeout=60) as http:
        with contextlib.suppress(httpx2.HTTPError):  # nobody is left to answer
            await http.post(f"{running.addresses['http']}/api/v1/commands", json=body)


@pytest.mark.timeout(120)
async def test_killed_between_the_new_key_and_its_first_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CP01_KEY", OLD)
    project = tmp_path / "p"
    scaffold(project)
    file = project / "chargers.csv"
    row = "Depot,CP01,DEPOT-CP01,ac1,A,1,Type_2,32,7.4,1,Wallbox entrance,"
    text = file.read_text()
    assert f"{row},\n" in text
    file.write_text(text.replace(f"{row},\n", f"{row}env:CP01_KEY,\n"))

    key: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def change(body: dict[str, Any]) -> dict[str, Any]:
        if body["key"] == "AuthorizationKey":
            key.set_result(body["value"])
        return {"status": "Accepted"}

    with contextlib.ExitStack() as stack:
        running = await asyncio.to_thread(stack.enter_context, supervisor(project, "--no-simulate"))
        async with connected(running.addresses["ocpp"], CHARGER, password=OLD, ChangeConfiguration=change):
            rotation = asyncio.create_task(rotate(running))
            new = await key
            running.process.kill()
            await asyncio.to_thread(running.process.wait)
        await rotation

    # The next starts are in this process: what counts is what the killed one has left on disk.
    plant, secrets = load(project), {"env:CP01_KEY": OLD}
    async with central_system(plant, project / "data", secrets) as central:
        assert not await lets_in(central.url, "x" * 40)
        assert await lets_in(central.url, OLD), "a charger that has not kept the new one"
        assert await lets_in(central.url, new), "one that has"
        assert not await lets_in(central.url, OLD)
    async with central_system(plant, project / "data", secrets) as central:
        assert not await lets_in(central.url, OLD)
        assert await lets_in(central.url, new)
    told = (tmp_path / "p.out").read_text()
    kept = b"".join(path.read_bytes() for path in (project / "data").rglob("*") if path.is_file())
    assert new not in told
    assert new.encode() not in kept
