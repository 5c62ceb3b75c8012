"""Charge points of other authors, connected over sockets: three packages, one story.

What they send is theirs, and what we send is checked by their schemas.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from scada.core.access import Actor, Right
from scada.core.command import Outcome
from scada.core.records import TransactionState
from scada.testing import Central, central_system, small_plant, until
from scada.testing.peers import PeerRefused, foreign_charger

OPERATOR = Actor("ann", frozenset(Right), "test")
PEERS = ("rpc_charger", "ts_charger", "ocpp_charger")
NOW = "2026-11-24T10:00:00Z"
BOOT = {"chargePointVendor": "Elsewhere", "chargePointModel": "Foreign One", "firmwareVersion": "3.1"}
ACCEPTED = {"status": "Accepted"}
KEYS = {
    "HeartbeatInterval": "900",
    "MeterValueSampleInterval": "60",
    "SupportedFeatureProfiles": "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
    "NumberOfConnectors": "2",
    "SendLocalListMaxLength": "20",
    "LocalAuthListMaxLength": "100",
}
ANSWERS: dict[str, Any] = {
    "GetConfiguration": {
        "configurationKey": [
            {"key": key, "readonly": key.startswith(("Supported", "Number")), "value": value}
            for key, value in KEYS.items()
        ]
    },
    "GetLocalListVersion": {"listVersion": 0},
    "GetCompositeSchedule": {"status": "Rejected"},
    "UnlockConnector": {"status": "Unlocked"},
    **dict.fromkeys(
        (
            "ChangeConfiguration",
            "TriggerMessage",
            "RemoteStartTransaction",
            "RemoteStopTransaction",
            "ClearCache",
            "SendLocalList",
            "ReserveNow",
            "CancelReservation",
            "SetChargingProfile",
            "ClearChargingProfile",
            "ChangeAvailability",
            "DataTransfer",
            "Reset",
        ),
        ACCEPTED,
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Central]:
    folder = tmp_path_factory.mktemp("central")
    async with central_system(small_plant(folder), folder / "data") as running:
        yield running


def status(connector: int, state: str) -> dict[str, Any]:
    return {"connectorId": connector, "errorCode": "NoError", "status": state, "timestamp": NOW}


@pytest.mark.parametrize("peer", PEERS)
async def test_it_boots_is_learned_charges_and_is_stopped(central: Central, peer: str) -> None:
    async with foreign_charger(peer, central.url, "DEPOT-CP03", ANSWERS) as charger:
        answer = await charger.call("BootNotification", BOOT)
        assert answer["status"] == "Accepted"
        await charger.call("StatusNotification", status(1, "Preparing"))
        assert (await charger.call("Authorize", {"idTag": "FLEET-0001"}))["idTagInfo"]["status"] == "Accepted"
        begun = await charger.call(
            "StartTransaction",
            {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 1_000, "timestamp": NOW},
        )
        number = begun["transactionId"]
        await charger.call("StatusNotification", status(1, "Charging"))
        samples = [
            {"value": "3500", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "11.04", "measurand": "Power.Active.Import", "unit": "kW"},
        ]
        meter_values = [{"timestamp": NOW, "sampledValue": samples}]
        body = {"connectorId": 1, "transactionId": number, "meterValue": meter_values}
        assert await charger.call("MeterValues", body) == {}
        assert central.host.tags["Depot.CP03.C1.ActivePower"].value == 11.04
        await until(lambda: charger.ordered("ChangeConfiguration"), "it is commissioned")

        stopping = asyncio.create_task(central.router.execute("RemoteStop", "Depot.CP03.C1", {}, OPERATOR))
        await until(lambda: charger.ordered("RemoteStopTransaction"), "it is told to stop")
        assert charger.ordered("RemoteStopTransaction") == [{"transactionId": number}]
        end = {"transactionId": number, "meterStop": 4_000, "timestamp": NOW, "reason": "Remote"}
        await charger.call("StopTransaction", end)
        assert (await stopping).outcome is Outcome.DONE
        (record, *_) = (await central.store.archive.sessions(_of("Depot.CP03"), 1, None)).items
        assert (record.state, record.energy_wh, record.reason) == (TransactionState.CLOSED, 3_000, "Remote")
        assert charger.violations == []


def _of(charger: str) -> Any:
    from scada.core.ports import SessionFilter

    return SessionFilter(charger=charger)


@pytest.mark.parametrize("peer", PEERS)
async def test_its_schemas_accept_every_command(central: Central, peer: str) -> None:
    commands: list[tuple[str, str, dict[str, Any]]] = [
        ("ClearCache", "Depot.CP04", {}),
        ("GetConfiguration", "Depot.CP04", {}),
        ("TriggerMessage", "Depot.CP04", {"requestedMessage": "Heartbeat"}),
        ("UnlockConnector", "Depot.CP04.C1", {}),
    ]
    async with foreign_charger(peer, central.url, "DEPOT-CP04", ANSWERS) as charger:
        await charger.call("BootNotification", BOOT)
        for name, target, arguments in commands:
            result = await central.router.execute(name, target, arguments, OPERATOR)
            assert result.outcome is Outcome.DONE, (name, result)
        assert charger.violations == []


@pytest.mark.parametrize("peer", PEERS)
async def test_what_it_cannot_do_and_what_we_cannot(central: Central, peer: str) -> None:
    async with foreign_charger(
        peer, central.url, "DEPOT-CP05", {"GetConfiguration": ANSWERS["GetConfiguration"]}
    ) as charger:
        await charger.call("BootNotification", BOOT)
        result = await central.router.execute("ClearCache", "Depot.CP05", {}, OPERATOR)
        assert result.outcome in (Outcome.FAILED, Outcome.REFUSED)
        with pytest.raises(PeerRefused):
            await charger.call("FlyToTheMoon", {})
        assert (await charger.call("Heartbeat", {}))["currentTime"]
