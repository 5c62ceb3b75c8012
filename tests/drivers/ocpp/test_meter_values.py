"""Samples: stored and signed ones, those of the charger as a whole, registers that do not follow, ends of transactions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scada.core.effects import Event
from scada.core.tag import Source, Tag, TagDefinition
from scada.core.value import GOOD, SECOND_US, Kind, Quality
from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.peer import Peer
from scada.drivers.ocpp.profile import Profile
from scada.drivers.ocpp.samples import ConnectorSamples
from scada.testing import Central, until

MINUTE_US = 60 * SECOND_US


@asynccontextmanager
async def charger(central: Central, identity: str) -> AsyncIterator[Peer]:
    peer = await connect_peer(central.url, identity, {})
    task = asyncio.create_task(peer.run())
    try:
        yield peer
    finally:
        await peer.close()
        await task


def at(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def value(time: str, *samples: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": time, "sampledValue": list(samples)}


def power(kw: float) -> dict[str, Any]:
    return {"value": str(kw), "measurand": "Power.Active.Import", "unit": "kW"}


async def test_what_was_stored_is_for_history_and_the_live_value_stands(central: Central) -> None:
    tag = central.host.tags["Depot.CP02.C1.ActivePower"]
    async with charger(central, "DEPOT-CP02") as peer:
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": [value(at(), power(7.0))]})
        central.host.tags.drain_samples()
        stored = [value(at(minutes=minutes), power(minutes / 10)) for minutes in (30, 20, 10)]
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": stored})
        kept = [one for one in central.host.tags.drain_samples() if one.tag is tag]
        assert [one.value for one in kept] == pytest.approx([3.0, 2.0, 1.0])
        assert kept[0].source_us < kept[1].source_us < kept[2].source_us < tag.source_us
        assert tag.value == 7.0


async def test_the_samples_of_a_stop_are_for_history_and_a_broken_one_costs_no_session(
    central: Central,
) -> None:
    tags = central.host.tags
    async with charger(central, "DEPOT-CP02") as peer:
        start = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 0, "timestamp": at()}
        answer = await peer.call("StartTransaction", start)
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": [value(at(), power(5.0))]})
        tags.drain_samples()
        data = [value(at(minutes=1), {"value": "4000", "context": "Transaction.End"}, power(3.0))]
        stop = {
            "transactionId": answer["transactionId"],
            "meterStop": 4000,
            "timestamp": at(),
            "transactionData": data,
        }
        await peer.call("StopTransaction", stop)
        kept = {one.tag.path.rpartition(".")[2]: one.value for one in tags.drain_samples()}
        assert kept["ActivePower"] == 3.0
        assert tags["Depot.CP02.C1.ActivePower"].value == 5.0
        assert tags["Depot.CP02.C1.SessionEnergy"].value == pytest.approx(4.0)


async def test_a_signed_value_is_kept_as_it_came_and_read_as_no_number(central: Central) -> None:
    told: list[Event] = []
    end = central.host.events.subscribe(lambda e: told.append(e) if e.kind == "signed_meter_value" else None)
    energy = central.host.tags["Depot.CP04.C1.Energy"]
    before = energy.value
    async with charger(central, "DEPOT-CP04") as peer:
        signed = {"value": "OCMF|{}|{}", "format": "SignedData", "context": "Transaction.Begin"}
        body = {"connectorId": 1, "transactionId": 77, "meterValue": [value(at(), signed, power(2.5))]}
        assert await peer.call("MeterValues", body) == {}
    end()
    kept = central.ocpp.knowledge.signed("Depot.CP04.C1", 77)
    assert kept["Transaction.Begin"].value == "OCMF|{}|{}"
    assert (told[0].path, told[0].data["value"]) == ("Depot.CP04.C1", "OCMF|{}|{}")
    assert energy.value == before
    assert central.host.tags["Depot.CP04.C1.ActivePower"].value == 2.5


async def test_connector_0_is_the_charger_as_a_whole(central: Central) -> None:
    async with charger(central, "DEPOT-CP04") as peer:
        await peer.call("MeterValues", {"connectorId": 0, "meterValue": [value(at(), power(11.0))]})
    assert central.host.tags["Depot.CP04.Measured_Power_Active_Import"].value == 11.0


async def test_phases_neutral_and_line_to_line_have_tags_of_their_own(central: Central) -> None:
    samples = [
        {"value": "1.5", "measurand": "Current.Import", "phase": "N", "unit": "A"},
        {"value": "400.2", "measurand": "Voltage", "phase": "L1-L2", "unit": "V"},
        {"value": "231", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
        {"value": "1.5", "measurand": "Energy.Active.Import.Interval", "unit": "kWh"},
    ]
    async with charger(central, "DEPOT-CP04") as peer:
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": [value(at(), *samples)]})
    tags = central.host.tags
    assert tags["Depot.CP04.C1.Measured_Current_Import_N"].value == 1.5
    assert tags["Depot.CP04.C1.Measured_Voltage_L1_L2"].value == 400.2
    assert tags["Depot.CP04.C1.VoltageL1"].value == 231
    assert tags["Depot.CP04.C1.Measured_Energy_Active_Import_Interval"].value == 1.5


async def test_a_value_beyond_the_instrument_is_kept_and_uncertain(central: Central) -> None:
    sample = {"value": "900", "measurand": "Current.Import", "phase": "L1", "unit": "A"}
    async with charger(central, "DEPOT-CP04") as peer:
        await peer.call("MeterValues", {"connectorId": 1, "meterValue": [value(at(), sample)]})
    tag = central.host.tags["Depot.CP04.C1.CurrentL1"]
    assert (tag.value, tag.quality) == (900, Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)


async def test_a_vendors_message_is_told_and_answered_as_its_profile_says(central: Central) -> None:
    told: list[dict[str, Any]] = []
    end = central.host.events.subscribe(lambda e: told.append(e.data) if e.kind == "data_transfer" else None)
    station = central.ocpp.stations["DEPOT-CP04"]
    async with charger(central, "DEPOT-CP04") as peer:
        known = {"vendorId": "maker", "messageId": "door", "data": "open"}
        assert await peer.call("DataTransfer", known) == {"status": "UnknownVendorId"}
        station.profile = Profile(data_transfer={"maker": ("door",)})
        assert await peer.call("DataTransfer", known) == {"status": "Accepted"}
        assert await peer.call("DataTransfer", {**known, "messageId": "x"}) == {"status": "UnknownMessageId"}
    await until(lambda: len(told) == 3)
    end()
    assert [one["status"] for one in told] == ["UnknownVendorId", "Accepted", "UnknownMessageId"]
    assert told[1]["data"] == "open"


def watched() -> tuple[ConnectorSamples, Tag, Tag]:
    def tag(name: str, address: str) -> Tag:
        return Tag(
            TagDefinition(
                path=f"D.C.C1.{name}", kind=Kind.REGISTER, source=Source.DRIVER, gain=0.001, address=address
            ),
            0,
        )

    draws, register = tag("P", "Power.Active.Import"), tag("E", "Energy.Active.Import.Register")
    bare = TagDefinition(path="D.C.C1", kind=Kind.REGISTER, source=Source.DRIVER)
    return ConnectorSamples([draws, register], lambda _: None, bare), draws, register


@pytest.mark.parametrize(("kwh_a_minute", "odd"), [(0.1, False), (0.0001, True), (100.0, True)])
def test_a_register_that_does_not_follow_the_power_becomes_uncertain(kwh_a_minute: float, odd: bool) -> None:
    samples, draws, register = watched()
    draws.value, register.value = 6.0, 1_000.0
    now_us, found = 1_000 * MINUTE_US, []
    for _ in range(20):
        now_us += MINUTE_US
        register.value += kwh_a_minute
        found.append(samples.follows(now_us))
    assert any(found) is odd
    sink = samples.sink("", "", "", "Wh")
    assert sink is not None
    quality = sink[6].quality if sink[6] else GOOD
    assert (quality != GOOD) is odd
