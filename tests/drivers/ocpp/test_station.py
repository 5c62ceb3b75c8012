"""A charger's life with the central system, over a real socket; the charger is played frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from scada.core.access import Actor, Right
from scada.core.command import Outcome
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.value import GOOD, Quality
from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Peer, PeerClosed
from scada.testing import Central, central_system, small_plant, until

OPERATOR = Actor("ann", frozenset({Right.SEE, Right.OPERATE, Right.MAINTAIN}), "test")
GUEST = Actor("guest", frozenset({Right.SEE}), "test")
NOW = "2026-11-21T10:00:00Z"
Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


async def accept(_body: dict[str, Any]) -> dict[str, Any]:
    return {"status": "Accepted"}


async def no_keys(_body: dict[str, Any]) -> dict[str, Any]:
    return {"configurationKey": []}


@asynccontextmanager
async def charger(central: Central, identity: str, **answers: Answer) -> AsyncIterator[Peer]:
    handlers: dict[str, Answer] = {
        "GetConfiguration": no_keys,
        "ChangeConfiguration": accept,
        "TriggerMessage": accept,
        **answers,
    }
    peer = await connect_peer(central.url, identity, handlers)
    task = asyncio.create_task(peer.run())
    try:
        yield peer
    finally:
        await peer.close()
        await task


async def test_boot_status_and_meter_values_become_tags(central: Central) -> None:
    tags = central.host.tags
    async with charger(central, "DEPOT-CP01") as peer:
        answer = await peer.call(
            "BootNotification",
            {"chargePointVendor": "Maker", "chargePointModel": "M1", "firmwareVersion": "1.2"},
        )
        assert (answer["status"], answer["interval"]) == ("Accepted", central.plant.ocpp.heartbeat_s)
        assert (tags["Depot.CP01.Vendor"].value, tags["Depot.CP01.Firmware"].value) == ("Maker", "1.2")
        assert tags["Depot.CP01.Online"].value is True
        await peer.call(
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": NOW},
        )
        status = tags["Depot.CP01.C1.Status"]
        assert (status.value, status.quality) == ("Charging", GOOD)
        samples = [
            {"value": "7.36", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "12345"},
            {"value": "32.0", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
            {"value": "230", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
            {"value": "86", "measurand": "Temperature", "unit": "Fahrenheit", "location": "Cable"},
            {"value": "abc", "measurand": "Current.Offered"},
            {"value": "99", "measurand": "Power.Active.Import", "unit": "kW", "location": "Inlet"},
        ]
        await peer.call(
            "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": samples}]}
        )
        values = {
            name: tags[f"Depot.CP01.C1.{name}"].value
            for name in ("ActivePower", "Energy", "CurrentL1", "VoltageL1", "Temperature")
        }
        assert values == pytest.approx(
            {
                "ActivePower": 7.36,
                "Energy": 12.345,
                "CurrentL1": 32.0,
                "VoltageL1": 230.0,
                "Temperature": 30.0,
            }
        )
        assert tags["Depot.CP01.C1.CurrentOffered"].value is None
    await until(lambda: tags["Depot.CP01.Online"].value is False)
    assert status.quality == Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
    assert status.value == "Charging"


@pytest.mark.parametrize("value", ["1e306", "-1e306", "1e999", "nan", "inf", "1e13"])
async def test_a_value_that_cannot_be_right_is_left_out_and_the_connection_lives(
    central: Central, value: str
) -> None:
    async with charger(central, "DEPOT-CP01") as peer:
        await peer.call(
            "StartTransaction", {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 0, "timestamp": NOW}
        )
        energy = central.host.tags["Depot.CP01.C1.Energy"]
        before = energy.value
        sample = {"value": value, "measurand": "Energy.Active.Import.Register", "unit": "kWh"}
        body = {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": [sample]}]}
        assert await peer.call("MeterValues", body) == {}
        assert energy.value == before
        assert await peer.call("Heartbeat", {})


async def test_the_charger_is_learned_after_boot(central: Central) -> None:
    asked: list[tuple[str, Any]] = []

    async def configuration(body: dict[str, Any]) -> dict[str, Any]:
        return {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "900"},
                {"key": "MeterValueSampleInterval", "readonly": True, "value": "900"},
            ]
        }

    async def change(body: dict[str, Any]) -> dict[str, Any]:
        asked.append((body["key"], body["value"]))
        return {"status": "Accepted"}

    async def trigger(body: dict[str, Any]) -> dict[str, Any]:
        asked.append((body["requestedMessage"], body.get("connectorId", 0)))
        return {"status": "Accepted"}

    async with charger(
        central,
        "DEPOT-CP03",
        GetConfiguration=configuration,
        ChangeConfiguration=change,
        TriggerMessage=trigger,
    ) as peer:
        await peer.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        await until(lambda: ("StatusNotification", 2) in asked)
    assert ("HeartbeatInterval", str(central.plant.ocpp.heartbeat_s)) in asked
    assert not any(key == "MeterValueSampleInterval" for key, _ in asked)  # read-only: not tried
    assert ("StatusNotification", 1) in asked


async def test_a_second_connection_supersedes_the_first(central: Central) -> None:
    async with charger(central, "DEPOT-CP02") as first:
        await first.call("Heartbeat", {})
        async with charger(central, "DEPOT-CP02") as second:
            await second.call("Heartbeat", {})
            with pytest.raises(PeerClosed):
                for _ in range(100):
                    await first.call("Heartbeat", {})
            assert central.host.tags["Depot.CP02.Online"].value is True
            assert central.ocpp.stations["DEPOT-CP02"].connected


async def test_remote_start_is_done_when_a_transaction_runs(central: Central) -> None:
    async def start(body: dict[str, Any]) -> dict[str, Any]:
        started.append(asyncio.create_task(begin(body["idTag"])))
        return {"status": "Accepted"}

    async def begin(id_tag: str) -> dict[str, Any]:
        return await peer.call(
            "StartTransaction", {"connectorId": 1, "idTag": id_tag, "meterStart": 10, "timestamp": NOW}
        )

    async def stop(body: dict[str, Any]) -> dict[str, Any]:
        number = body["transactionId"]
        started.append(
            asyncio.create_task(
                peer.call(
                    "StopTransaction",
                    {"transactionId": number, "meterStop": 900, "timestamp": NOW, "reason": "Remote"},
                )
            )
        )
        return {"status": "Accepted"}

    started: list[asyncio.Task[dict[str, Any]]] = []
    target = "Depot.CP06.C1"
    async with charger(
        central, "DEPOT-CP06", RemoteStartTransaction=start, RemoteStopTransaction=stop
    ) as peer:
        result = await central.router.execute("RemoteStart", target, {"id_tag": "FLEET-0001"}, OPERATOR)
        assert result.outcome is Outcome.DONE, result
        assert central.host.tags[f"{target}.TransactionId"].value == (await started[0])["transactionId"]
        again = await central.router.execute("RemoteStart", target, {"id_tag": "FLEET-0001"}, OPERATOR)
        assert again.outcome is Outcome.REFUSED
        result = await central.router.execute("RemoteStop", target, {}, OPERATOR)
        assert result.outcome is Outcome.DONE, result
        assert central.host.core.sessions.open_on("Depot.CP06", 1) is None
        await started[1]


async def test_a_refusal_and_an_error_are_told_as_such(central: Central) -> None:
    async def refuse(_body: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Rejected"}

    async def fail(_body: dict[str, Any]) -> dict[str, Any]:
        raise CallError("InternalError", "no")

    async def nonsense(_body: dict[str, Any]) -> dict[str, Any]:
        return {"status": "Perhaps"}

    async with charger(
        central, "DEPOT-CP05", Reset=refuse, ClearCache=fail, UnlockConnector=nonsense
    ) as peer:
        await peer.call("Heartbeat", {})
        reset = await central.router.execute("Reset", "Depot.CP05", {"type": "Soft"}, OPERATOR)
        cache = await central.router.execute("ClearCache", "Depot.CP05", {}, OPERATOR)
        unlock = await central.router.execute("UnlockConnector", "Depot.CP05.C1", {}, OPERATOR)
    assert reset.outcome is Outcome.REFUSED
    assert (cache.outcome, "InternalError" in cache.text) == (Outcome.FAILED, True)
    assert unlock.outcome is Outcome.FAILED


async def test_a_command_whose_link_breaks_has_failed(central: Central) -> None:
    async def vanish(_body: dict[str, Any]) -> dict[str, Any]:
        await peer.close()
        return {"status": "Accepted"}

    async with charger(central, "DEPOT-CP04", Reset=vanish) as peer:
        await peer.call("Heartbeat", {})
        result = await central.router.execute("Reset", "Depot.CP04", {"type": "Hard"}, OPERATOR)
    assert result.outcome is Outcome.FAILED


async def test_nothing_is_sent_to_who_is_not_there(central: Central) -> None:
    result = await central.router.execute("Reset", "Depot.CP08", {"type": "Soft"}, OPERATOR)
    assert result.outcome is Outcome.UNREACHABLE


async def test_what_is_wrong_is_refused_before_anything_is_sent(central: Central) -> None:
    execute = central.router.execute
    with pytest.raises(NotFound):
        await execute("Explode", "Depot.CP08", {}, OPERATOR)
    with pytest.raises(NotFound):
        await execute("Reset", "Depot.CP99", {"type": "Soft"}, OPERATOR)
    with pytest.raises(BadRequest):
        await execute("Reset", "Depot.CP08", {"type": "Gentle"}, OPERATOR)
    with pytest.raises(BadRequest):
        await execute("Reset", "Depot.CP08", {"type": "Soft", "more": 1}, OPERATOR)
    with pytest.raises(BadRequest):
        await execute("RemoteStop", "Depot.CP08", {}, OPERATOR)
    with pytest.raises(Denied):
        await execute("Reset", "Depot.CP08", {"type": "Soft"}, GUEST)


async def test_a_handler_may_call_the_charger_that_it_serves(central: Central) -> None:
    """The charger answers our call only after its own was answered, and the other way round."""
    order: list[str] = []

    async def trigger(body: dict[str, Any]) -> dict[str, Any]:
        await peer.call("Heartbeat", {})
        order.append("answered within")
        return {"status": "Accepted"}

    async with charger(central, "DEPOT-CP07", TriggerMessage=trigger) as peer:
        result = await central.router.execute(
            "TriggerMessage", "Depot.CP07", {"requestedMessage": "Heartbeat"}, OPERATOR
        )
    assert result.outcome is Outcome.DONE
    assert order


async def test_basic_authentication(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("secured")
    small_plant(folder)
    file = folder / "project" / "chargers.csv"
    file.write_text(file.read_text().replace("Wallbox entrance,", "Wallbox entrance,env:CP_PASSWORD", 1))
    async with central_system(small_plant(folder), folder / "data", {"env:CP_PASSWORD": "a" * 16}) as central:
        for password in (None, "wrong"):
            with pytest.raises(PeerClosed) as refused:
                await connect_peer(central.url, "DEPOT-CP01", {}, password=password)
            assert isinstance(refused.value.__cause__, InvalidStatus)
            assert refused.value.__cause__.response.status_code == 401
        peer = await connect_peer(central.url, "DEPOT-CP01", {}, password="a" * 16)
        task = asyncio.create_task(peer.run())
        assert await peer.call("Heartbeat", {})
        await peer.close()
        await task
