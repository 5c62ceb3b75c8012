"""Every message that a 1.6 charger sends: request, answer, tags, and what the journal has. Commands: test_commands, test_files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from scada.core import moment
from scada.core.ports import DeedFilter
from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.v16 import DIALECT
from scada.testing import Central, until
from scada.testing.chargers import connected, request

IDENTITY, PATH = "DEPOT-CP06", "Depot.CP06"
NOW = "<now>"
"""Stands for a time in an answer."""


@dataclass
class Row:
    """One message.

    Attributes:
        tags: values afterwards, by their names below the charger.
        event: kind of the event that everybody is told.
        audit: action in the audit trail.
    """

    action: str
    payload: dict[str, Any]
    answer: dict[str, Any]
    tags: dict[str, object] = field(default_factory=dict)
    event: str = ""
    audit: str = ""


ROWS = [
    Row(
        "BootNotification",
        {
            "chargePointVendor": "Maker",
            "chargePointModel": "M1",
            "chargePointSerialNumber": "S1",
            "firmwareVersion": "1.2",
        },
        {"status": "Accepted", "interval": 60, "currentTime": NOW},
        {"Vendor": "Maker", "Model": "M1", "SerialNumber": "S1", "Firmware": "1.2"},
        "boot",
    ),
    Row("Heartbeat", {}, {"currentTime": NOW}),
    Row("Authorize", {"idTag": "FLEET-0001"}, {"idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}}),
    Row("Authorize", {"idTag": "NOBODY"}, {"idTagInfo": {"status": "Invalid"}}),
    Row(
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"},
        {},
        {"C1.Status": "Preparing", "C1.ErrorCode": "NoError"},
        "status",
    ),
    Row(
        "StatusNotification",
        {"connectorId": 0, "errorCode": "ReaderFailure", "status": "Available"},
        {},
        {"Status": "Available", "ErrorCode": "ReaderFailure"},
        "status",
    ),
    Row(
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [
                {
                    "timestamp": NOW,
                    "sampledValue": [{"value": "7360", "measurand": "Power.Active.Import", "unit": "W"}],
                }
            ],
        },
        {},
        {"C1.ActivePower": 7.36},
    ),
    Row(
        "DataTransfer",
        {"vendorId": "com.maker", "messageId": "m", "data": "x"},
        {"status": "UnknownVendorId"},
        {},
        "data_transfer",
    ),
    Row(
        "DiagnosticsStatusNotification",
        {"status": "Uploading"},
        {},
        {"DiagnosticsStatus": "Uploading"},
        "diagnostics_status",
    ),
    Row(
        "LogStatusNotification",
        {"status": "Uploaded", "requestId": 7},
        {},
        {"DiagnosticsStatus": "Uploaded"},
        "diagnostics_status",
    ),
    Row(
        "FirmwareStatusNotification",
        {"status": "Downloading"},
        {},
        {"FirmwareStatus": "Downloading"},
        "firmware_status",
    ),
    Row(
        "SignedFirmwareStatusNotification",
        {"status": "InvalidSignature", "requestId": 8},
        {},
        {"FirmwareStatus": "InvalidSignature", "FirmwareFailed": True},
        "firmware_status",
    ),
    Row(
        "SecurityEventNotification",
        {"type": "TamperDetectionActivated", "timestamp": NOW, "techInfo": "lid"},
        {},
        {"SecurityEvent": "TamperDetectionActivated: lid"},
        "security_event",
        "security_event",
    ),
    Row("SignCertificate", {"csr": "<csr>"}, {"status": "Rejected"}, {}, "certificate_signed"),
]


def filled(value: Any, now: str) -> Any:
    """A payload with the time in its place."""
    if isinstance(value, dict):
        return {key: filled(one, now) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, now) for one in value]
    if value == "<csr>":
        return request(IDENTITY)[0]
    return now if value == NOW else value


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: NOW if key == "currentTime" and moment.parse(one) else one for key, one in answer.items()}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.action)
async def test_what_a_charger_says(central: Central, row: Row) -> None:
    events: list[str] = []
    end = central.host.events.subscribe(
        lambda event: events.append(event.kind) if event.path.startswith(PATH) else None
    )
    async with connected(central.url, IDENTITY) as peer:
        now = moment.text(central.host.clock.now_us())
        answer = await peer.call(row.action, filled(row.payload, now))
        assert timeless(answer) == row.answer

        def found() -> dict[str, object]:
            return {name: central.host.tags[f"{PATH}.{name}"].value for name in row.tags}

        await until(lambda: found() == row.tags, f"{row.tags}")
        await until(lambda: row.event in ("", *events), row.event)
    end()
    if row.audit:
        page = await central.store.archive.audit(DeedFilter(action=row.audit), 10, None)
        assert [one.object for one in page.items] == [PATH]
    assert central.ocpp.stations[IDENTITY].deviations.count == 0


async def test_a_transaction_from_start_to_stop(central: Central) -> None:
    tags, disk = central.host.tags, central.store

    async def kept() -> list[Any]:
        rows = (await asyncio.to_thread(disk.restart)).transactions
        return [row for row in rows if row.charger == PATH]

    async with connected(central.url, IDENTITY) as peer:
        now = moment.text(central.host.clock.now_us())
        start = {"connectorId": 1, "idTag": "FLEET-0002", "meterStart": 1_000, "timestamp": now}
        answer = await peer.call("StartTransaction", start)
        number = answer["transactionId"]
        assert answer["idTagInfo"]["status"] == "Accepted"
        assert tags[f"{PATH}.C1.InTransaction"].value is True
        assert tags[f"{PATH}.C1.IdTag"].value == "FLEET-0002"
        (row,) = await kept()
        assert (row.id, row.state.value, row.meter_start_wh) == (number, "open", 1_000)
        assert await peer.call("StartTransaction", start) == answer, "a retry"

        stop = {"transactionId": number, "meterStop": 4_000, "timestamp": now, "reason": "Local"}
        assert await peer.call("StopTransaction", {**stop, "idTag": "FLEET-0002"}) == {
            "idTagInfo": {"status": "Accepted", "parentIdTag": "FLEET"}
        }
        assert tags[f"{PATH}.C1.InTransaction"].value is False
        (row,) = await kept()
        assert (row.state.value, row.energy_wh, row.reason) == ("closed", 3_000, "Local")
        assert await peer.call("StopTransaction", stop) == {}, "a retry"
        assert len(await kept()) == 1


def test_no_message_is_left_out() -> None:
    """Both ways: what the dialect takes is told above, and what it sends has a command that sends it."""
    told = {row.action for row in ROWS} | {"StartTransaction", "StopTransaction"}
    assert told == set(DIALECT.actions)
    both: Callable[[str], bool] = lambda action: action in DIALECT.actions or action in DIALECT.calls  # noqa: E731
    assert [one for one in schemas.actions("ocpp1.6") if not both(one)] == []
    assert len(schemas.actions("ocpp1.6")) >= 39
