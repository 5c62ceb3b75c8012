"""What strangers, bad chargers and users with few rights try: it costs them, and nobody else."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.errors import Denied
from scada.core.ports import DeedFilter
from scada.drivers.ocpp import pending
from scada.drivers.ocpp.deviations import DeviationLog
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.pending import GIVES_WAY_US, WaitingRoom
from scada.drivers.ocpp.turns import Pace
from scada.history import open_core
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.testing import Central, FakeClock, central_system, small_plant
from scada.testing.chargers import connected

ENGINEER = Actor("eve", frozenset(Right), "test")
MAINTAINER = Actor("max", frozenset({Right.SEE, Right.OPERATE, Right.MAINTAIN}), "test")
SECRET = "h0rse-battery-staple"


async def told(central: Central) -> str:
    """All that the journal has of commands, and the documents."""
    page = await central.store.archive.commands(DeedFilter(), 1_000, None)
    kept = await asyncio.to_thread(central.store.restart)
    return repr(page.items) + repr(kept.documents)


async def test_a_stranger_is_read_slowly_and_what_it_makes_up_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MESSAGES_PER_S", 20.0)
    monkeypatch.setattr(pending, "MESSAGES_BURST", 5)
    plant = small_plant(tmp_path)
    plant = replace(plant, ocpp=replace(plant.ocpp, unknown="pending", security_profile=0))
    loop = asyncio.get_running_loop()
    async with central_system(plant, tmp_path / "data") as central:
        async with connected(central.url, "STRANGER") as peer:
            began = loop.time()
            for number in (True, 10**9, -1, "2", 1.5, None, 3, 3, 3, 3):
                status = {"connectorId": number, "errorCode": "NoError", "status": "Available"}
                await peer._exchange(
                    b'"s"', b'[2,"s","StatusNotification",' + json.dumps(status).encode() + b"]"
                )
            assert loop.time() - began >= 0.2
        assert central.ocpp.pending is not None
        assert central.ocpp.pending.get("STRANGER").connectors == 3
        kept = await asyncio.to_thread(central.store.restart)
        (document,) = (one for one in kept.documents if one.key == "STRANGER")
        assert json.loads(document.body)["connectors"] == 3


async def test_strangers_cannot_keep_the_room_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "WAITING_MAX", 3)
    plant, clock = small_plant(tmp_path), FakeClock()
    store = open_core(tmp_path / "data")
    host = PlantHost(plant, store.restart(), clock, store.journal, store.samples)
    try:
        room = WaitingRoom(host, Documents(host, ()), lambda _vendor, _model: "")
        for number in range(3):
            assert await room.admit(f"FLOOD-{number}", f"10.0.0.{number}", secure=False) == ""
            clock.leap(60)
        assert "too many" in await room.admit("REAL", "10.0.1.1", secure=False)
        clock.leap(GIVES_WAY_US / 1e6)
        assert await room.admit("REAL", "10.0.1.1", secure=False) == ""
        assert {one.identity for one in room.list()} == {"FLOOD-1", "FLOOD-2", "REAL"}
    finally:
        await host.close()
        await asyncio.to_thread(store.close)


async def test_a_flood_of_security_events_is_kept_slowly_and_the_neighbour_is_served(
    central: Central,
) -> None:
    station = central.ocpp.stations["DEPOT-CP01"]
    station._rare = Pace(20, 5)
    loop = asyncio.get_running_loop()
    async with connected(central.url, "DEPOT-CP01") as bad, connected(central.url, "DEPOT-CP02") as good:
        event = {"type": "MemoryExhaustion", "timestamp": "2026-11-21T10:00:00Z"}

        async def flood() -> None:
            for _ in range(10):
                await bad.call("SecurityEventNotification", event)

        began = loop.time()
        flooding = asyncio.create_task(flood())
        while not flooding.done():
            assert await good.call("Heartbeat", {})
            await asyncio.sleep(0.01)
        await flooding
        assert loop.time() - began >= 0.2
    page = await central.store.archive.audit(DeedFilter(action="security_event"), 100, None)
    assert len(page.items) == 10, "slowed down, not dropped"


async def test_a_giant_error_of_a_charger_is_cut_in_the_journal(central: Central) -> None:
    async def shout(_body: dict[str, Any]) -> dict[str, Any]:
        raise CallError("X" * 100_000, "\x1b[2J" * 10_000, {})

    async with connected(central.url, "DEPOT-CP03", ClearCache=shout):
        result = await central.router.execute("ClearCache", "Depot.CP03", {}, ENGINEER)
    assert (result.outcome, len(result.text) < 500) == (Outcome.FAILED, True)
    page = await central.store.archive.commands(DeedFilter(action="ClearCache"), 1, None)
    assert len(page.items[0].record.text) < 500


async def test_secrets_stay_out_of_journal_documents_and_answers(central: Central) -> None:
    keys = [
        {"key": "Vendor.WifiPassword", "readonly": False, "value": SECRET},
        {"key": "HeartbeatInterval", "readonly": False, "value": "60"},
    ]

    async def read(_body: dict[str, Any]) -> dict[str, Any]:
        return {"configurationKey": keys}

    async def execute(name: str, **arguments: Any) -> CommandResult:
        return await central.router.execute(name, "Depot.CP04", arguments, ENGINEER)

    async with connected(central.url, "DEPOT-CP04", GetConfiguration=read):
        assert (await execute("Commission")).outcome is Outcome.DONE
        given = await execute("ChangeConfiguration", key="Vendor.WifiPassword", value=SECRET)
        assert given.outcome is Outcome.DONE
        other = await execute("ChangeConfiguration", key="Vendor.WifiPassword", value="another")
        payload = {"key": "Vendor.WifiPassword", "value": SECRET}
        sent = await execute("Send", action="ChangeConfiguration", payload=payload)
        answers = [
            await execute("GetConfiguration"),
            await execute("Send", action="GetConfiguration", payload={}),
        ]
    for one in (given, other, sent, *answers):
        assert SECRET not in repr(one)
    assert payload["value"] == SECRET, "what was given is not changed"
    assert "'60'" in repr(answers[0].answer)
    assert SECRET not in await told(central)
    assert central.ocpp.stations["DEPOT-CP04"].configuration["Vendor.WifiPassword"][0] == SECRET


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        (
            "UpdateFirmware",
            {"location": "http://198.51.100.1/evil.bin", "retrieveDate": "2026-11-21T10:00:00Z"},
        ),
        ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "x"}),
        ("CertificateSigned", {"certificateChain": "x"}),
    ],
)
async def test_whom_a_charger_trusts_and_what_it_runs_needs_the_right_to_configure_by_any_way(
    central: Central, action: str, payload: dict[str, Any]
) -> None:
    asked: list[str] = []

    async def take(body: dict[str, Any]) -> dict[str, Any]:
        asked.append(action)
        return {} if action == "UpdateFirmware" else {"status": "Accepted"}

    order = {"action": action, "payload": payload}
    answers: dict[str, Any] = {action: take}
    async with connected(central.url, "DEPOT-CP05", **answers):
        with pytest.raises(Denied):
            await central.router.execute("Send", "Depot.CP05", order, MAINTAINER)
        assert asked == []
        assert (await central.router.execute("Send", "Depot.CP05", order, ENGINEER)).outcome is Outcome.DONE
        ping = {"action": "ClearCache", "payload": {}}
        await central.router.execute("Send", "Depot.CP05", ping, MAINTAINER)
    page = await central.store.archive.commands(DeedFilter(action="Send"), 10, None)
    assert "denied" in {row.record.outcome for row in page.items if action in row.record.arguments}


def test_values_that_differ_each_time_do_not_fill_the_list_of_deviations() -> None:
    log = DeviationLog(None)
    for number in range(500):
        log.note("StartTransaction", f'timestamp: "2026-11-24T17:07:25.{number:03}" is not a "date-time"', 1)
        log.note("", f"not a JSON array: invalid character (byte {number})", 1)
    assert [(one.count, one.what) for one in log.document().entries if one.count > 10] == [
        (500, 'timestamp: "#-#-#T#:#:#.#" is not a "date-time"'),
        (490, "not a JSON array: invalid character (byte #)"),
    ]
    assert log.count == 1_000
