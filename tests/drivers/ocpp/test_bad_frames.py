"""Every frame gets the answer that the standard prescribes, and disturbs nobody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from scada.testing import Central


def open_as(central: Central, identity: str, **more: Any) -> connect:
    options: dict[str, Any] = {"subprotocols": ["ocpp1.6"], "proxy": None, "compression": None, **more}
    return connect(f"{central.url}/{identity}", **options)


async def ask(socket: ClientConnection, frame: str | bytes) -> Any:
    """Send a frame and return the answer to it; what the central system asks meanwhile is refused politely."""
    await socket.send(frame)
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if message[0] != 2:
            return message
        await socket.send(json.dumps([4, message[1], "NotSupported", "", {}]))


BOOT = '{"chargePointVendor":"V","chargePointModel":"M"}'
STATUS = '{"connectorId":1,"errorCode":"NoError","status":"Available"}'


@pytest.mark.parametrize(
    ("frame", "message_id", "code"),
    [
        ("no json", "-1", "FormationViolation"),
        ("[" * 50_000, "-1", "FormationViolation"),
        ('[2,"7","Heartbeat",' + '{"a":' * 50_000, "7", "FormationViolation"),
        ('[2,"7"]', "7", "FormationViolation"),
        ('[2,"7","Heartbeat"]', "7", "FormationViolation"),
        ('[2,"7","Heartbeat",{},{}]', "7", "FormationViolation"),
        ('[2,"7",{},{}]', "7", "FormationViolation"),
        ('[2,"7","Nonsense",{}]', "7", "NotImplemented"),
        ('[2,"7","../../etc/passwd",{}]', "7", "NotImplemented"),
        ('[2,"7","RemoteStartTransaction",{"idTag":"X"}]', "7", "NotSupported"),
        ('[2,"7","BootNotification",{}]', "7", "OccurenceConstraintViolation"),
        ('[2,"7","BootNotification",[]]', "7", "TypeConstraintViolation"),
        ('[2,"7","BootNotification",null]', "7", "TypeConstraintViolation"),
        (
            '[2,"7","BootNotification",{"chargePointVendor":5,"chargePointModel":"M"}]',
            "7",
            "TypeConstraintViolation",
        ),
        (
            '[2,"7","StatusNotification",{"connectorId":"one","errorCode":"NoError","status":"Available"}]',
            "7",
            "TypeConstraintViolation",
        ),
        (
            '[2,"7","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Asleep"}]',
            "7",
            "PropertyConstraintViolation",
        ),
        ('[2,"7","MeterValues",{"connectorId":1}]', "7", "OccurenceConstraintViolation"),
        (
            '[2,"7","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":"many","timestamp":"x"}]',
            "7",
            "TypeConstraintViolation",
        ),
        ('[2,"7","Heartbeat",{"a":"\\ud800"}]', "7", None),
    ],
)
async def test_a_bad_frame_gets_its_callerror(
    central: Central, frame: str, message_id: str, code: str | None
) -> None:
    async with open_as(central, "DEPOT-CP01") as socket:
        answer = await ask(socket, frame)
        if code is None:  # whatever JSON readers make of it, there is an answer and the connection lives
            assert answer[1] == message_id
        else:
            assert answer[:3] == [4, message_id, code], answer
            assert isinstance(answer[3], str)
            assert answer[4] == {}
        assert (await ask(socket, f'[2,"8","BootNotification",{BOOT}]'))[2]["status"] == "Accepted"


@pytest.mark.parametrize(
    "body",
    [
        '{"chargePointVendor":"","chargePointModel":"M"}',
        '{"chargePointVendor":"V","chargePointModel":"M","chargeBoxSerialNumber":"EVB1A22P2RI3N18234120011234567890"}',
        '{"chargePointVendor":"V","chargePointModel":"M","unheardOf":1}',
    ],
)
async def test_what_can_be_understood_is_and_counts_as_a_deviation(central: Central, body: str) -> None:
    deviations = central.host.tags["Depot.CP02.Deviations"]
    async with open_as(central, "DEPOT-CP02") as socket:
        before = deviations.value or 0
        assert (await ask(socket, f'[2,"1","BootNotification",{body}]'))[2]["status"] == "Accepted"
    if '""' not in body:  # the schema has nothing against an empty vendor
        assert isinstance(deviations.value, (int, float))
        assert deviations.value > before  # type: ignore[operator]


async def test_a_start_with_a_token_that_is_too_long_is_answered_not_refused(central: Central) -> None:
    body = {
        "connectorId": 1,
        "idTag": "X" * 22,
        "meterStart": 0,
        "timestamp": "2026-11-21T10:00:00Z",
    }
    async with open_as(central, "DEPOT-CP03") as socket:
        answer = await ask(socket, json.dumps([2, "1", "StartTransaction", body]))
        assert answer[0] == 3
        assert answer[2]["idTagInfo"] == {"status": "Invalid"}


async def test_an_answer_to_nothing_is_put_up_with(central: Central) -> None:
    ignored = (
        '[3,"unknown",{}]',
        '[4,"unknown","GenericError","",{}]',
        '[3,"unknown"]',
        "[3]",
        '[3,"unknown",{"x":NaN}]',
        '[5,"7","Heartbeat",{}]',  # of later versions: 1.6J 4.1.3 says to ignore it
        '[9,"7","Heartbeat",{}]',
    )
    async with open_as(central, "DEPOT-CP01") as socket:
        for frame in ignored:
            await socket.send(frame)
        assert (await ask(socket, '[2,"1","Heartbeat",{}]'))[0] == 3


async def test_a_frame_over_the_limit_closes_the_connection_with_a_reason(central: Central) -> None:
    async with open_as(central, "DEPOT-CP04") as socket, open_as(central, "DEPOT-CP05") as other:
        await socket.send('[2,"1","DataTransfer",{"vendorId":"' + "x" * 300_000 + '"}]')
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(socket.recv(), 10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert (await ask(other, '[2,"1","Heartbeat",{}]'))[0] == 3  # nobody else noticed


@pytest.mark.parametrize(
    "identity", ["NOBODY", "", "a/b", "x" * 49, "DEPOT-CP01%00", "..%2f..%2fetc", "DEPOT-CP01%2f"]
)
async def test_an_unknown_identity_is_refused_with_404(central: Central, identity: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with open_as(central, identity):
            pass
    assert refused.value.response.status_code == 404


async def test_the_identity_is_decoded(central: Central) -> None:
    async with open_as(central, "DEPOT%2DCP01") as socket:
        assert (await ask(socket, '[2,"1","Heartbeat",{}]'))[0] == 3


@pytest.mark.parametrize("offered", [None, ["ocpp9.9"], ["ocpp2.0.1", "ocpp1.5"]])
async def test_without_a_common_subprotocol_the_connection_is_completed_and_closed(
    central: Central, offered: list[str] | None
) -> None:
    async with open_as(central, "DEPOT-CP01", subprotocols=offered) as socket:
        assert socket.subprotocol is None
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1002


async def test_our_choice_among_several_subprotocols(central: Central) -> None:
    async with open_as(central, "DEPOT-CP01", subprotocols=["ocpp2.0.1", "ocpp1.6"]) as socket:
        assert socket.subprotocol == "ocpp1.6"


async def test_only_get_opens_a_connection(central: Central) -> None:
    host, port = central.url.removeprefix("ws://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /ocpp/DEPOT-CP01 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    assert b" 405 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


async def test_every_known_action_of_a_charge_point_is_answered(central: Central) -> None:
    now = "2026-11-21T10:00:00Z"
    bodies: dict[str, dict[str, Any]] = {
        "Authorize": {"idTag": "FLEET-0001"},
        "BootNotification": json.loads(BOOT),
        "DataTransfer": {"vendorId": "x"},
        "DiagnosticsStatusNotification": {"status": "Idle"},
        "FirmwareStatusNotification": {"status": "Idle"},
        "Heartbeat": {},
        "MeterValues": {
            "connectorId": 0,
            "meterValue": [{"timestamp": now, "sampledValue": [{"value": "1"}]}],
        },
        "SecurityEventNotification": {"type": "x", "timestamp": now},
        "StatusNotification": json.loads(STATUS),
        "StopTransaction": {"transactionId": -1, "meterStop": 0, "timestamp": now},
    }
    async with open_as(central, "DEPOT-CP06") as socket:
        for action, body in bodies.items():
            answer = await ask(socket, json.dumps([2, action, action, body]))
            assert answer[:2] == [3, action], (action, answer)
