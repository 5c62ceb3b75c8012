"""A charge point against a central system, over a real socket: stories of what a real charger would do."""

import asyncio
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scada.core.plant import Charger
from scada.simulator import ChargePoint, Vehicle

Make = Callable[..., Vehicle]


async def charge(point: ChargePoint, central: Any, until: Any, vehicle: Vehicle) -> None:
    await until(lambda: point.online)
    point.plug_in(1, vehicle)
    assert await point.identify(1, vehicle.id_tag) == "Accepted"
    await until(lambda: central.of("StartTransaction") and "Charging" in central.statuses())


async def test_it_boots_tells_its_states_and_beats(central: Any, point_of: Any, until: Any) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: central.of("Heartbeat"))
        assert next(name for _, name, _ in central.calls) == "BootNotification"
        boot = central.of("BootNotification")[0]
        assert boot["chargePointVendor"]
        assert boot["chargePointSerialNumber"]
        for number in (0, 1, 2):
            assert central.statuses(number) == ["Available"]
        assert point.registered


async def test_a_pending_charger_asks_again_and_says_nothing_else(
    central: Any, point_of: Any, until: Any
) -> None:
    central.registration = "Pending"
    async with central.up(), point_of() as point:
        await until(lambda: len(central.of("BootNotification")) > 1)
        assert {name for _, name, _ in central.calls} == {"BootNotification"}
        assert not point.online
        central.registration = "Accepted"
        await until(lambda: central.statuses(1))


async def test_a_whole_charge(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of(speed=600) as point:
        await charge(point, central, until, vehicle(soc=90.0))
        await until(lambda: central.last() == "SuspendedEV")
        await until(lambda: central.of("MeterValues", transactionId=1))
        assert await point.identify(1, "TOKEN-1") == "Accepted"
        await until(lambda: central.last() == "Finishing")
        point.unplug(1)
        await until(lambda: central.last() == "Available" and central.of("StopTransaction"))
        assert central.statuses() == [
            "Available",
            "Preparing",
            "Charging",
            "SuspendedEV",
            "Finishing",
            "Available",
        ]
        start, stop = central.of("StartTransaction")[0], central.of("StopTransaction")[0]
        assert stop["reason"] == "Local"
        assert stop["transactionId"] == 1
        assert 5_000 <= stop["meterStop"] - start["meterStart"] <= 6_000  # 10 % of 50 kWh and the losses
        told = datetime.fromisoformat(start["timestamp"])
        assert abs((datetime.now(UTC) - told).total_seconds()) < 30


async def test_what_is_measured_is_sent(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        wanted = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,Temperature,SoC"
        for key, value in (("MeterValuesSampledData", wanted), ("MeterValueSampleInterval", "1")):
            answer = await central.call("ChangeConfiguration", {"key": key, "value": value})
            assert answer == {"status": "Accepted"}
        await charge(point, central, until, vehicle())
        await until(lambda: len(central.of("MeterValues", transactionId=1)) >= 2)
        samples = central.of("MeterValues", transactionId=1)[-1]["meterValue"][0]["sampledValue"]
        by_name = {(s["measurand"], s.get("phase", "")): s for s in samples}
        assert float(by_name["Current.Import", "L2"]["value"]) == 16.0
        assert 220 < float(by_name["Voltage", "L3-N"]["value"]) < 240
        assert 10_500 < float(by_name["Power.Active.Import", ""]["value"]) < 11_500
        assert by_name["Energy.Active.Import.Register", ""]["unit"] == "Wh"
        assert 15 < float(by_name["Temperature", ""]["value"]) < 50
        assert ("SoC", "") not in by_name  # an AC charger cannot know it


async def test_a_dc_charger_knows_the_state_of_charge(
    central: Any, point_of: Any, until: Any, vehicle: Make, dc_charger: Charger
) -> None:
    async with central.up(), point_of(dc_charger) as point:
        await until(lambda: point.online)
        point.hardware.configuration.set("MeterValuesSampledData", "SoC,Voltage,Current.Import")
        await charge(point, central, until, vehicle())
        await until(lambda: central.of("MeterValues", transactionId=1))
        samples = central.of("MeterValues", transactionId=1)[0]["meterValue"][0]["sampledValue"]
        values = {s["measurand"]: float(s["value"]) for s in samples}
        assert values["SoC"] == 40
        assert 300 < values["Voltage"] < 450
        assert 100 < values["Current.Import"] <= 150


async def test_a_refused_token_starts_nothing(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    central.blocked.add("LOST")
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        point.plug_in(1, vehicle(id_tag="LOST"))
        assert await point.identify(1, "LOST") == "Blocked"
        await until(lambda: central.last() == "Preparing")
        assert not central.of("StartTransaction")


async def test_a_token_that_turns_out_bad_stops_what_it_started(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        central.blocked.add("TOKEN-1")
        point.plug_in(1, vehicle())
        answer = await central.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN-1"})
        assert answer == {"status": "Accepted"}
        await until(lambda: central.of("StopTransaction", reason="DeAuthorized", transactionId=1))


async def test_remote_start_waits_for_the_vehicle_and_remote_stop_ends_it(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        await central.call("RemoteStartTransaction", {"connectorId": 2, "idTag": "TOKEN-2"})
        await until(lambda: central.last(2) == "Preparing")
        point.plug_in(2, vehicle())
        await until(lambda: central.of("StartTransaction", connectorId=2, idTag="TOKEN-2"))
        await until(lambda: central.last(2) == "Charging")
        refused = await central.call("RemoteStartTransaction", {"connectorId": 2, "idTag": "TOKEN-3"})
        assert refused == {"status": "Rejected"}
        assert await central.call("RemoteStopTransaction", {"transactionId": 99}) == {"status": "Rejected"}
        assert await central.call("RemoteStopTransaction", {"transactionId": 1}) == {"status": "Accepted"}
        await until(lambda: central.of("StopTransaction", transactionId=1, reason="Remote"))
        await until(lambda: central.last(2) == "Finishing")


async def test_a_reset_really_reboots(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        for boots, kind in ((1, "Soft"), (2, "Hard")):
            await until(lambda: point.online)
            point.plug_in(1, vehicle())
            await point.identify(1, "TOKEN-1")
            await until(lambda n=boots: len(central.of("StartTransaction")) == n)
            before = central.peers["DEPOT-CP01"]
            assert await central.call("Reset", {"type": kind}) == {"status": "Accepted"}
            await until(lambda: central.peers.get("DEPOT-CP01") not in (None, before))  # noqa: B023
            await until(lambda n=boots: len(central.of("BootNotification")) == n + 1)
            await until(lambda k=kind: central.of("StopTransaction", reason=f"{k}Reset"))
            point.unplug(1)


async def test_availability_is_closed_now_or_after_the_transaction(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        close = {"connectorId": 0, "type": "Inoperative"}
        assert await central.call("ChangeAvailability", close) == {"status": "Scheduled"}
        await until(lambda: central.last(2) == "Unavailable")
        assert central.last(1) == "Charging"
        point.unplug(1)
        await until(lambda: central.last(1) == "Unavailable")
        answer = await central.call("ChangeAvailability", {"connectorId": 1, "type": "Operative"})
        assert answer == {"status": "Accepted"}
        await until(lambda: central.last(1) == "Available")


async def test_a_fault_ends_the_transaction_and_passes(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        point.fault(1, "GroundFailure", "RCD")
        await until(lambda: central.of("StatusNotification", status="Faulted", errorCode="GroundFailure"))
        await until(lambda: central.of("StopTransaction", reason="Other"))
        point.fault(1, "NoError")
        await until(lambda: central.last() == "Finishing")


async def test_the_rest_of_the_orders(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        answer = await central.call("GetConfiguration", {"key": ["NumberOfConnectors", "Nonsense"]})
        assert answer == {
            "configurationKey": [{"key": "NumberOfConnectors", "readonly": True, "value": "2"}],
            "unknownKey": ["Nonsense"],
        }
        for key, value, status in (
            ("NumberOfConnectors", "3", "Rejected"),
            ("HeartbeatInterval", "soon", "Rejected"),
            ("Nonsense", "1", "NotSupported"),
            ("HeartbeatInterval", "60", "Accepted"),
        ):
            answer = await central.call("ChangeConfiguration", {"key": key, "value": value})
            assert answer == {"status": status}
        told = len(central.statuses())
        await central.call("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1})
        await until(lambda: len(central.statuses()) == told + 1)
        await central.call("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 2})
        await until(lambda: central.of("MeterValues", connectorId=2))
        await central.call("TriggerMessage", {"requestedMessage": "BootNotification"})
        await until(lambda: len(central.of("BootNotification")) == 2)
        answer = await central.call("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        assert answer == {"status": "Accepted"}
        await until(lambda: central.of("FirmwareStatusNotification") == [{"status": "Idle"}])
        assert await central.call("UnlockConnector", {"connectorId": 1}) == {"status": "Unlocked"}
        await until(lambda: central.of("StopTransaction", reason="UnlockCommand"))
        assert await central.call("ClearCache", {}) == {"status": "Accepted"}
        assert await central.call("DataTransfer", {"vendorId": "x"}) == {"status": "UnknownVendorId"}


async def test_what_happens_offline_arrives_later_in_order_and_unchanged(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with point_of(speed=60) as point:
        async with central.up():
            await until(lambda: point.online)
            await point.identify(1, "TOKEN-1")  # so that the token is in its cache
            await until(lambda: central.last() == "Preparing")
        await until(lambda: not point.online)
        assert await point.identify(1, "TOKEN-9") == "Offline"
        point.plug_in(1, vehicle())
        await until(lambda: len(point.hardware.queue) >= 2)  # the start and a sample
        started = point.hardware.outlets[1].state.transaction
        assert started is not None
        point.unplug(1)
        central.calls.clear()
        async with central.up():
            await until(lambda: central.of("StopTransaction"))
            owed = [
                (n, p)
                for _, n, p in central.calls
                if n in ("StartTransaction", "MeterValues", "StopTransaction")
            ]
            names = [n for n, p in owed if n != "MeterValues" or "transactionId" in p]
            assert names[0] == "StartTransaction"
            assert names[-1] == "StopTransaction"
            assert "MeterValues" in names
            assert central.of("StartTransaction")[0]["timestamp"] == started.started
            assert central.of("StopTransaction")[0]["transactionId"] == 1
            assert central.statuses()[-1:] in ([], ["Available"])
            assert not central.of("BootNotification")  # it did not boot: only the link was gone


async def test_a_message_that_is_refused_is_sent_again_the_same(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        point.hardware.configuration.set("TransactionMessageRetryInterval", "0")
        central.failing["StartTransaction"] = 3
        point.plug_in(1, vehicle())
        await point.identify(1, "TOKEN-1")
        await until(lambda: central.transactions == 1)
        sent = central.of("StartTransaction")
        assert len(sent) == 4
        assert all(payload == sent[0] for payload in sent)


async def test_a_lost_link_comes_back(central: Any, point_of: Any, until: Any) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        point.lose_link(0.2)
        await until(lambda: not central.peers)
        await until(lambda: point.online)
        assert len(central.of("BootNotification")) == 1


async def test_a_transaction_goes_on_after_the_simulator_was_killed(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up():
        async with point_of(speed=100) as point:
            await charge(point, central, until, vehicle())
            await until(lambda: point.hardware.outlets[1].state.transaction.id == 1)
            register_wh = point.hardware.outlets[1].state.register_wh
        async with point_of(speed=100) as again:
            await until(lambda: again.online)
            outlet = again.hardware.outlets[1]
            assert outlet.status == "Charging"
            assert outlet.state.transaction is not None
            assert outlet.state.transaction.id == 1
            assert outlet.state.register_wh >= register_wh
            await until(lambda: central.last() == "Charging")
            again.unplug(1)
            await until(lambda: central.of("StopTransaction", transactionId=1))
        assert central.transactions == 1


async def test_a_kill_loses_nothing(
    central: Any, point_of: Any, until: Any, vehicle: Make, tmp_path: Path
) -> None:
    """What stands on disk at any moment is enough: no farewell is needed."""
    async with central.up(), point_of(speed=100) as point:
        point.hardware.configuration.set("MeterValueSampleInterval", "1")
        await charge(point, central, until, vehicle())
        await until(lambda: len(central.of("MeterValues", transactionId=1)) >= 2)
        killed = tmp_path / "killed"
        shutil.copytree(tmp_path, killed, ignore=shutil.ignore_patterns("killed"))
        told = central.of("MeterValues", transactionId=1)[-1]["meterValue"][0]["sampledValue"][0]
    heir = ChargePoint(point.charger, central.url, killed)
    outlet = heir.hardware.outlets[1]
    assert outlet.status == "Charging"
    assert outlet.state.transaction is not None
    assert outlet.state.transaction.id == 1
    assert outlet.state.register_wh >= float(told["value"])


async def test_what_was_owed_at_death_is_paid_by_the_next_life(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        await until(lambda: point.hardware.outlets[1].state.transaction.id == 1)
    async with point_of() as point:  # nobody listens
        point.unplug(1)
        await asyncio.sleep(0)
    async with central.up(), point_of():
        await until(lambda: central.of("StopTransaction", transactionId=1, reason="EVDisconnected"))
