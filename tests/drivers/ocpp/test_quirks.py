"""Each quirk of the field with its frame as seen, over a real socket: answered, understood, counted, and nobody hurt.

The numbers are those of the table of quirks. Rows 15 (1.6 shapes over 2.0.1) and 40 (TransactionEvent) belong to 2.0.1 and
come with it; rows 8, 9, 10, 26, 27, 29 and 30 are told in more depth in tests/charging.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from websockets.asyncio.client import ClientConnection, connect

from scada.core import moment
from scada.core.value import Quality
from scada.drivers.ocpp.station import Station
from scada.testing import Central, until

UNCERTAIN = int(Quality.UNCERTAIN_SUB_NORMAL)


class Wire:
    """A charger's end of a socket: frames go out as written; our calls are answered out of `answers` (text after the id)."""

    def __init__(self, central: Central, socket: ClientConnection, identity: str) -> None:
        self.socket = socket
        self.central = central
        self.station: Station = central.ocpp.stations[identity]
        self.path = self.station.charger.path
        self.answers: dict[str, str] = {}
        self.asked: list[tuple[str, Any]] = []
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._number = 0

    async def read(self) -> None:
        async for raw in self.socket:
            message = json.loads(raw)
            if message[0] == 2:
                self.asked.append((message[2], message[3]))
                told = self.answers.get(message[2], '[4,"%s","NotSupported","",{}]')
                await self.socket.send(told.replace("%s", message[1]))
            elif message[1] in self._waiting:
                self._waiting.pop(message[1]).set_result(message)

    async def ask(self, action: str, body: dict[str, Any]) -> Any:
        """Send a CALL; returns the whole answer."""
        self._number += 1
        return await self.raw(f"q{self._number}", json.dumps([2, f"q{self._number}", action, body]))

    async def raw(self, answered_as: str, frame: str) -> Any:
        self._waiting[answered_as] = asyncio.get_running_loop().create_future()
        future = self._waiting[answered_as]
        await self.socket.send(frame)
        return await asyncio.wait_for(future, 10)

    async def meter(self, *samples: dict[str, Any], number: int = 1, time: str = "", **more: Any) -> Any:
        value = {"timestamp": time or now(), "sampledValue": list(samples)}
        return await self.ask("MeterValues", {"connectorId": number, "meterValue": [value], **more})

    def value(self, name: str) -> Any:
        return self.central.host.tags[f"{self.path}.{name}"].value

    def count(self, part: str) -> int:
        return self.station.deviations.count_of(part)


@asynccontextmanager
async def wire(central: Central, identity: str = "DEPOT-CP01", **options: Any) -> AsyncIterator[Wire]:
    given: dict[str, Any] = {"subprotocols": ["ocpp1.6"], **options}
    async with connect(f"{central.url}/{identity}", proxy=None, compression=None, **given) as socket:
        one = Wire(central, socket, identity)
        reader = asyncio.create_task(one.read())
        try:
            yield one
        finally:
            await socket.close()
            await asyncio.gather(reader, return_exceptions=True)
            await one.station.forget()


def now(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.mark.parametrize(
    ("number", "body", "part"),
    [
        (1, {"chargePointVendor": "Schneider Electric", "chargePointModel": "MONOBLOCK", "chargeBoxSerialNumber": "EVB1A22P2RI3N18234120011A22P2RI3N"}, "chargeBoxSerialNumber"),
        (2, {"chargePointVendor": "", "chargePointModel": "SCharger-22KT-S0"}, "no vendor"),
        (3, {"chargePointVendor": "HICI", "chargePointModel": "HICI-AC-MODEL-23-CHARS."}, "chargePointModel"),
    ],
)  # fmt: skip
async def test_1_2_3_a_plate_that_is_too_long_or_empty_is_taken(
    central: Central, number: int, body: dict[str, Any], part: str
) -> None:
    async with wire(central) as one:
        before = one.count(part)
        answer = await one.ask("BootNotification", body)
        assert (answer[0], answer[2]["status"]) == (3, "Accepted")
        assert one.value("Model") == body["chargePointModel"]
        assert one.count(part) == before + 1
        assert one.value("Deviations") >= 1


async def test_4_an_error_code_of_the_vendors_own_is_other_error_with_its_text(central: Central) -> None:
    body = {"connectorId": 1, "errorCode": "Error", "status": "Faulted"}
    async with wire(central) as one:
        before = one.count("StatusNotification")
        assert (await one.ask("StatusNotification", body))[2] == {}
        assert (one.value("C1.ErrorCode"), one.value("C1.VendorErrorCode")) == ("OtherError", "Error")
        assert one.value("C1.ErrorOther") is True
        assert one.count("StatusNotification") == before + 1


async def test_5_no_measurand_is_the_energy_register_and_an_old_time_is_for_history_only(
    central: Central,
) -> None:
    async with wire(central) as one:
        await one.meter({"value": "4.010", "context": "Transaction.Begin", "unit": "kWh"})
        assert one.value("C1.Energy") == pytest.approx(4.01)
        tag = central.host.tags[f"{one.path}.C1.Energy"]
        newest_us = tag.source_us
        await one.meter({"value": "0.010", "unit": "kWh"}, time="2020-01-01T00:00:00Z")
        assert tag.source_us >= newest_us  # the time cannot be right: ours counts
        assert one.count("cannot be right") >= 1


@pytest.mark.parametrize(("number", "identity"), [(6, 9223372036854775807), (7, 3), (26, -1), (27, 0)])
async def test_6_7_samples_outside_a_transaction_under_any_id_are_values(
    central: Central, number: int, identity: int
) -> None:
    async with wire(central) as one:
        register = {"value": str(2_000 + number), "context": "Trigger", "unit": "Wh"}
        power = {"value": "1.2", "measurand": "Power.Active.Import", "unit": "kW"}
        assert (await one.meter(register, power, transactionId=identity))[2] == {}
        assert one.value("C1.Energy") == pytest.approx((2_000 + number) / 1000)
        assert one.value("C1.ActivePower") == pytest.approx(1.2)


async def test_8_9_10_a_session_register_beside_a_lifetime_one_never_gives_negative_energy(
    central: Central,
) -> None:
    async with wire(central) as one:
        start = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 4_076_000, "timestamp": now()}
        transaction = (await one.ask("StartTransaction", start))[2]["transactionId"]
        for wh in (100, 900, 4_076_500, 1_000):
            await one.meter({"value": str(wh), "unit": "Wh"}, transactionId=transaction)
            assert one.value("C1.SessionEnergy") >= 0
        stop = {"transactionId": transaction, "meterStop": 4_077_000, "timestamp": now()}
        assert (await one.ask("StopTransaction", stop))[0] == 3
        assert one.value("C1.SessionEnergy") == pytest.approx(1.0)


async def test_11_an_answer_that_is_cut_costs_one_call_and_the_keys_are_asked_by_name(
    central: Central,
) -> None:
    async with wire(central) as one:
        one.answers["GetConfiguration"] = '[3,"%s",{"configurationKey":[]'
        one.answers["ChangeConfiguration"] = '[4,"%s","FormationViolation",""]'  # four elements
        await one.ask("BootNotification", BOOT)
        await until(lambda: one.station.read_tag("Commissioned") not in (None, "running"))
        asked = [body for action, body in one.asked if action == "GetConfiguration"]
        assert asked[0] == {}
        assert asked[1]["key"]
        report = central.ocpp.knowledge.report(one.path)
        assert report is not None
        assert {key.status for key in report.keys} == {"failed"}
        assert (await one.ask("Heartbeat", {}))[0] == 3
        assert one.count("not a JSON array") >= 1


async def test_12_samples_that_begin_with_a_comma_are_refused_alone(central: Central) -> None:
    frame = '[2,"b12","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2026-01-01T00:00:00Z","sampledValue":[,{"value":"1"}]}]}]'
    async with wire(central) as one:
        answer = await one.raw("b12", frame)
        assert answer[:3] == [4, "b12", "FormationViolation"]
        assert (await one.ask("Heartbeat", {}))[0] == 3


async def test_13_a_make_that_leaves_the_subprotocol_out_is_taken_for_1_6(central: Central) -> None:
    station = central.ocpp.stations["DEPOT-CP01"]
    station.find_profile("United Chargers", "GRS-BASE", "5.1")
    async with wire(central, subprotocols=None) as one:
        assert (await one.ask("Heartbeat", {}))[0] == 3


async def test_14_a_comma_before_the_subprotocols_does_no_harm(central: Central) -> None:
    address, _, path = central.url.removeprefix("ws://").partition("/")
    host, _, port = address.partition(":")
    request = (
        f"GET /{path}/DEPOT-CP01 HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: ,ocpp1.6\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode())
    await writer.drain()
    answer = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    writer.close()
    assert " 101 " in answer.splitlines()[0]
    assert "Sec-WebSocket-Protocol: ocpp1.6" in answer


async def test_16_36_keys_as_numbers_and_words_are_read(central: Central) -> None:
    keys = [
        {"key": "NumberOfConnectors", "readonly": 1, "value": 5},
        {"key": "HeartbeatInterval", "readonly": "false", "value": 900},
        {"key": "MeterValueSampleInterval", "readonly": "true", "value": "900"},
        {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "W"},
    ]
    async with wire(central) as one:
        one.answers["GetConfiguration"] = json.dumps([3, "%s", {"configurationKey": keys}])
        one.answers["ChangeConfiguration"] = '[3,"%s",{"status":"Accepted"}]'
        await one.ask("BootNotification", BOOT)
        await until(lambda: one.station.read_tag("Commissioned") not in (None, "running"))
        report = central.ocpp.knowledge.report(one.path)
        assert report is not None
        assert report.connectors == 5
        assert report.mismatches == ["the charger has 5 connectors, the project 1"]
        states = {key.key: key.status for key in report.keys}
        assert (states["HeartbeatInterval"], states["MeterValueSampleInterval"]) == ("not_kept", "read_only")
        assert report.configuration["ChargingScheduleAllowedChargingRateUnit"] == "W"
        assert one.count("GetConfigurationResponse") >= 1


async def test_17_meter_values_without_samples_are_answered_and_counted(central: Central) -> None:
    async with wire(central) as one:
        before = one.count("no samples")
        assert (await one.meter())[2] == {}
        assert one.count("no samples") == before + 1


async def test_18_a_unit_that_cannot_be_that_of_the_measurand_makes_the_value_uncertain(
    central: Central,
) -> None:
    async with wire(central) as one:
        assert (await one.meter({"value": "0.0", "measurand": "Power.Active.Export", "unit": "Wh"}))[2] == {}
        tag = central.host.tags[f"{one.path}.C1.Measured_Power_Active_Export"]
        assert (tag.value, tag.quality) == (0.0, UNCERTAIN)
        assert one.count("Power.Active.Export in 'Wh'") >= 1


async def test_19_20_units_and_measurands_beyond_the_standard_become_tags(central: Central) -> None:
    async with wire(central) as one:
        frequency = {"value": "50.01", "measurand": "Frequency", "unit": "Hz"}
        assert (await one.meter(frequency, {"value": "7", "measurand": "Request.Energy"}))[2] == {}
        assert one.value("C1.Measured_Frequency") == 50.01
        assert one.value("C1.Measured_Request_Energy") == 7
        assert one.count("unit 'Hz'") >= 1
        assert one.count("measurand 'Request.Energy'") >= 1


async def test_21_a_make_that_sends_kwh_and_says_wh_is_scaled(central: Central) -> None:
    async with wire(central) as one:
        await one.ask(
            "BootNotification",
            {"chargePointVendor": "OpenEVSE", "chargePointModel": "ESP32", "firmwareVersion": "4.2.2"},
        )
        assert one.value("Profile") == "openevse"
        await one.meter({"value": "361", "measurand": "Energy.Active.Import.Register", "unit": "Wh"})
        assert one.value("C1.Energy") == pytest.approx(361)


async def test_22_local_time_without_zone_is_that_of_the_site(central: Central) -> None:
    async with wire(central) as one:
        await one.ask("BootNotification", {"chargePointVendor": "Growatt", "chargePointModel": "THOR"})
        zone = ZoneInfo(central.plant.timezone_of(one.station.charger.site))
        local = datetime.now(zone).replace(tzinfo=None, microsecond=0)
        before = one.count("time without zone")
        await one.meter({"value": "5", "unit": "Wh"}, time=local.isoformat())
        tag = central.host.tags[f"{one.path}.C1.Energy"]
        assert abs(tag.source_us - central.host.clock.now_us()) < 5_000_000
        assert one.count("time without zone") == before + 1


async def test_23_times_two_hours_ahead_never_lie_in_the_future(central: Central) -> None:
    async with wire(central) as one:
        before = one.count("in the future")
        body = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": now(hours=-2)}
        assert (await one.ask("StatusNotification", body))[0] == 3
        assert central.host.tags[f"{one.path}.C1.Status"].source_us <= central.host.clock.now_us()
        assert one.count("in the future") == before + 1


@pytest.mark.parametrize(
    ("number", "time", "part"),
    [
        (24, "2024-04-26T14:35:02+02", "zone without minutes"),
        (25, "1970-01-01T00:00:00.740Z", "cannot be right"),
        (25, "0001-01-01T00:00:00Z", "cannot be right"),
        (25, "yesterday", "time that is none"),
    ],
)
async def test_24_25_odd_times_of_samples_are_read_or_replaced(
    central: Central, number: int, time: str, part: str
) -> None:
    async with wire(central) as one:
        before = one.count(part)
        assert (await one.meter({"value": "6", "measurand": "Temperature"}, time=time))[2] == {}
        assert one.count(part) == before + 1
        start = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 1, "timestamp": time}
        answer = await one.ask("StartTransaction", start)
        stop = {"transactionId": answer[2]["transactionId"], "meterStop": 2, "timestamp": time}
        assert (await one.ask("StopTransaction", stop))[0] == 3


@pytest.mark.parametrize(("number", "identity"), [(26, -1), (27, 0), (28, -17), (6, 9223372036854775807)])
async def test_26_27_28_a_stop_under_any_id_is_answered(central: Central, number: int, identity: int) -> None:
    async with wire(central) as one:
        stop = {"transactionId": identity, "meterStop": 50, "timestamp": now(), "reason": "Local"}
        assert (await one.ask("StopTransaction", stop))[0] == 3


async def test_29_a_start_that_is_sent_four_times_is_one_transaction(central: Central) -> None:
    frame = json.dumps(
        [
            2,
            "same",
            "StartTransaction",
            {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 77, "timestamp": now()},
        ]
    )
    async with wire(central) as one:
        answers = [await one.raw("same", frame) for _ in range(4)]
        assert len({answer[2]["transactionId"] for answer in answers}) == 1
        stop = {"transactionId": answers[0][2]["transactionId"], "meterStop": 78, "timestamp": now()}
        assert (await one.ask("StopTransaction", stop))[0] == 3  # 31: without a token


async def test_30_33_boots_that_repeat_are_answered_and_end_no_session(central: Central) -> None:
    async with wire(central) as one:
        start = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 1, "timestamp": now()}
        transaction = (await one.ask("StartTransaction", start))[2]["transactionId"]
        for _ in range(3):
            assert (await one.ask("BootNotification", BOOT))[2]["status"] == "Accepted"
        assert one.value("C1.TransactionId") == transaction
        await one.ask("StopTransaction", {"transactionId": transaction, "meterStop": 2, "timestamp": now()})


async def test_32_samples_after_the_stop_are_taken(central: Central) -> None:
    async with wire(central) as one:
        start = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 10, "timestamp": now()}
        transaction = (await one.ask("StartTransaction", start))[2]["transactionId"]
        await one.ask("StopTransaction", {"transactionId": transaction, "meterStop": 20, "timestamp": now()})
        assert (await one.meter({"value": "20"}, transactionId=transaction))[2] == {}
        assert one.value("C1.InTransaction") is False


async def test_34_a_make_is_not_asked_for_all_measurands_at_once(central: Central) -> None:
    async with wire(central) as one:
        one.answers["GetConfiguration"] = '[3,"%s",{"configurationKey":[]}]'
        one.answers["ChangeConfiguration"] = '[3,"%s",{"status":"Accepted"}]'
        await one.ask(
            "BootNotification",
            {"chargePointVendor": "ABB", "chargePointModel": "TAC-W22", "firmwareVersion": "1.8.32"},
        )
        await until(lambda: one.station.read_tag("Commissioned") not in (None, "running"))
        asked = [
            body["value"]
            for action, body in one.asked
            if action == "ChangeConfiguration" and body["key"] == "MeterValuesSampledData"
        ]
        assert [len(value.split(",")) for value in asked] == [4]
        assert len(central.plant.ocpp.measurands) > 4


async def test_35_37_limits_as_huawei_and_schneider_take_them_are_in_the_profiles(central: Central) -> None:
    name, profile = central.ocpp.knowledge.profiles.find("", "SCharger-22KT-S0", "")
    assert (name, profile.limit.unit, profile.limit.zero) == ("huawei-scharger", "W", "stop")
    assert (
        central.ocpp.knowledge.profiles.find("Schneider Electric", "MONOBLOCK", "")[0] == "schneider-evlink"
    )


async def test_38_power_by_phase_is_summed_and_the_sign_of_a_factor_kept(central: Central) -> None:
    async with wire(central) as one:
        phases = [
            {"value": value, "measurand": "Power.Active.Import", "unit": "kW", "phase": phase}
            for phase, value in (("L1", "2.1"), ("L2", "2.2"), ("L3", "2.3"))
        ]
        await one.meter(*phases, {"value": "-0.147", "measurand": "Power.Factor"})
        assert one.value("C1.ActivePower") == pytest.approx(6.6)
        assert one.value("C1.Measured_Power_Factor") == -0.147
        total = {"value": "7.0", "measurand": "Power.Active.Import", "unit": "kW"}
        await one.meter(*phases, total)
        await one.meter(*phases)
        assert one.value("C1.ActivePower") == pytest.approx(7.0)  # its own total counts from now on


async def test_39_a_make_that_sends_no_meter_values_is_said_so(central: Central) -> None:
    async with wire(central) as one:
        await one.ask(
            "BootNotification",
            {
                "chargePointVendor": "Wall Box Chargers",
                "chargePointModel": "Pulsar Pro",
                "meterType": "Internal NON compliant",
            },
        )
        await until(lambda: one.station.read_tag("Commissioned") not in (None, "running"))
        report = central.ocpp.knowledge.report(one.path)
        assert report is not None
        assert "chargers of this make send no meter values" in report.mismatches
        assert (report.meter, report.profile) == ("Internal NON compliant", "wallbox-pulsar-pro")


async def test_deviations_are_kept_by_name_with_first_and_last_time(central: Central) -> None:
    async with wire(central, "DEPOT-CP05") as one:
        for _ in range(2):
            await one.meter()
        (entry,) = [each for each in one.station.deviations.document().entries if each.what == "no samples"]
        assert (entry.action, entry.count) == ("MeterValues", 2)
        assert moment.believable(entry.first_us, central.host.clock.now_us())
        assert entry.last_us >= entry.first_us
