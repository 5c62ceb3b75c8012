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
PEERS = {"rpc_charger": "CP01", "ts_charger": "CP02", "ocpp_charger": "CP06"}
"""Package → charger that it plays, for one that has just been learned is not learned again."""
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
LIST = [
    {"id_tag": "FLEET-0001", "status": "Accepted", "parent": "FLEET", "expires": "2027-12-31T23:00:00Z"},
    {"id_tag": "LOST-0001", "status": "Blocked"},
]
PROFILE: dict[str, Any] = {
    "chargingProfileId": 3,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "chargingSchedule": {
        "startSchedule": "2026-11-24T00:00:00Z",
        "chargingRateUnit": "A",
        "minChargingRate": 6.0,
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 8.5, "numberPhases": 3},
            {"startPeriod": 25_200, "limit": 16.0},
        ],
    },
}
TX_PROFILE: dict[str, Any] = {
    "chargingProfileId": 4,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7400.0}],
    },
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
    name = PEERS[peer]
    async with foreign_charger(peer, central.url, f"DEPOT-{name}", ANSWERS) as charger:
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
        assert central.host.tags[f"Depot.{name}.C1.ActivePower"].value == 11.04
        await until(lambda: charger.ordered("ChangeConfiguration"), "it is commissioned")

        stopping = asyncio.create_task(central.router.execute("RemoteStop", f"Depot.{name}.C1", {}, OPERATOR))
        await until(lambda: charger.ordered("RemoteStopTransaction"), "it is told to stop")
        assert charger.ordered("RemoteStopTransaction") == [{"transactionId": number}]
        end = {"transactionId": number, "meterStop": 4_000, "timestamp": NOW, "reason": "Remote"}
        await charger.call("StopTransaction", end)
        assert (await stopping).outcome is Outcome.DONE
        (record, *_) = (await central.store.archive.sessions(_of(f"Depot.{name}"), 1, None)).items
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
        ("GetLocalListVersion", "Depot.CP04", {}),
        ("SendLocalList", "Depot.CP04", {"version": 7, "update": "Full", "entries": LIST}),
        ("SendLocalList", "Depot.CP04", {"version": 8, "update": "Differential", "entries": LIST[:1]}),
        (
            "Reserve",
            "Depot.CP04.C2",
            {"reservation_id": 5, "id_tag": "FLEET-0001", "expires": "2027-01-01T00:00:00Z"},
        ),
        ("CancelReservation", "Depot.CP04", {"reservation_id": 5}),
        ("SetLimit", "Depot.CP04.C1", {"limit_a": 10.0, "duration_s": 600}),
        ("ClearLimit", "Depot.CP04.C1", {}),
        ("SetLimit", "Depot.CP04", {"limit_a": 20.0}),
        ("SetChargingProfile", "Depot.CP04.C1", {"profile": PROFILE}),
        ("ClearChargingProfile", "Depot.CP04.C1", {"id": 3}),
        ("DataTransfer", "Depot.CP04", {"vendor_id": "Elsewhere", "message_id": "Hello", "data": "x"}),
    ]
    # Accepted is not done: these wait for what a charger does, and are only looked at as messages.
    sent: list[tuple[str, dict[str, Any]]] = [
        ("GetCompositeSchedule", {"connectorId": 1, "duration": 600, "chargingRateUnit": "W"}),
        ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
        ("RemoteStartTransaction", {"connectorId": 1, "idTag": "FLEET-0001", "chargingProfile": TX_PROFILE}),
    ]
    async with foreign_charger(peer, central.url, "DEPOT-CP04", ANSWERS) as charger:
        await charger.call("BootNotification", BOOT)
        for name, target, arguments in commands:
            result = await central.router.execute(name, target, arguments, OPERATOR)
            assert result.outcome is Outcome.DONE, (name, result)
        for action, payload in sent:
            arguments = {"action": action, "payload": payload}
            result = await central.router.execute("Send", "Depot.CP04", arguments, OPERATOR)
            assert result.outcome is Outcome.DONE, (action, result)
            assert charger.ordered(action)[-1] == payload
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
