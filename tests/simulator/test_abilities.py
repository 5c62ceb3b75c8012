"""What a whole 1.6 charger can do, each as a story over a real socket."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from scada.simulator import ChargePoint, Vehicle

Make = Callable[..., Vehicle]


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def charge(point: ChargePoint, central: Any, until: Any, vehicle: Vehicle, connector: int = 1) -> int:
    """Begin a transaction and return its id."""
    await until(lambda: point.online)
    point.plug_in(connector, vehicle)
    assert await point.identify(connector, vehicle.id_tag) == "Accepted"
    state = point.hardware.outlets[connector].state
    await until(lambda: state.transaction is not None and state.transaction.id is not None)
    assert state.transaction is not None
    assert state.transaction.id is not None
    return state.transaction.id


def set_keys(point: ChargePoint, **values: object) -> None:
    for key, value in values.items():
        assert point.hardware.configuration.set(key, str(value)) == "Accepted", key


# -- reservations -----------------------------------------------------------------------------------------


async def test_a_reserved_connector_waits_for_its_token(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        wish = {"connectorId": 1, "expiryDate": soon(60), "idTag": "TOKEN-1", "reservationId": 7}
        assert await central.call("ReserveNow", wish) == {"status": "Accepted"}
        await until(lambda: central.last() == "Reserved")
        assert await central.call("ReserveNow", wish | {"reservationId": 8}) == {"status": "Occupied"}
        point.plug_in(1, vehicle(id_tag="TOKEN-2"))
        assert await point.identify(1, "TOKEN-2") == "Reserved"
        refused = await central.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN-2"})
        assert refused == {"status": "Rejected"}
        assert await point.identify(1, "TOKEN-1") == "Accepted"
        await until(lambda: central.of("StartTransaction", reservationId=7, idTag="TOKEN-1"))
        assert await central.call("CancelReservation", {"reservationId": 7}) == {"status": "Rejected"}


async def test_a_reservation_expires_or_is_cancelled(central: Any, point_of: Any, until: Any) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        wish = {"connectorId": 1, "expiryDate": soon(1.0), "idTag": "TOKEN-1", "reservationId": 7}
        assert await central.call("ReserveNow", wish) == {"status": "Accepted"}
        await until(lambda: central.last() == "Reserved")
        await until(lambda: central.last() == "Available")
        assert await central.call("ReserveNow", wish) == {"status": "Rejected"}  # it lies in the past
        wish = wish | {"expiryDate": soon(60), "connectorId": 2}
        assert await central.call("ReserveNow", wish) == {"status": "Accepted"}
        assert await central.call("CancelReservation", {"reservationId": 7}) == {"status": "Accepted"}
        point.fault(2, "GroundFailure")
        assert await central.call("ReserveNow", wish) == {"status": "Faulted"}


# -- limits -----------------------------------------------------------------------------------------------


def limit(amperes: float, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amperes, **more}],
        },
    }


async def test_profiles_are_obeyed_and_told(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        transaction = await charge(point, central, until, vehicle())
        outlet = point.hardware.outlets[1]
        profile = limit(10.0, "TxProfile") | {"transactionId": transaction}
        request = {"connectorId": 1, "csChargingProfiles": profile}
        assert await central.call("SetChargingProfile", request) == {"status": "Accepted"}
        await until(lambda: outlet.measured.currents_a == (10.0, 10.0, 10.0))
        wish = {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}
        answer = await central.call("GetCompositeSchedule", wish)
        assert answer["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6900.0}]
        nothing = limit(0.0, "ChargePointMaxProfile") | {"chargingProfileId": 2}
        everywhere = {"connectorId": 0, "csChargingProfiles": nothing}
        assert await central.call("SetChargingProfile", everywhere) == {"status": "Accepted"}
        await until(lambda: central.last() == "SuspendedEVSE" and not outlet.charging)
        assert await central.call("ClearChargingProfile", {"id": 2}) == {"status": "Accepted"}
        await until(lambda: central.last() == "Charging")
        point.unplug(1)
        assert point.hardware.profiles.installed == []  # the TxProfile went with its transaction
        assert await central.call("ClearChargingProfile", {}) == {"status": "Unknown"}
        refused = await central.call("SetChargingProfile", request)
        assert refused == {"status": "Rejected"}


async def test_one_phase_only(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        request = {"connectorId": 1, "csChargingProfiles": limit(12.0, numberPhases=1)}
        assert await central.call("SetChargingProfile", request) == {"status": "Accepted"}
        await until(lambda: point.hardware.outlets[1].measured.currents_a == (12.0, 0.0, 0.0))


async def test_what_the_charger_may_take_is_shared(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        await charge(point, central, until, vehicle(id_tag="TOKEN-2"), connector=2)
        request = {"connectorId": 0, "csChargingProfiles": limit(20.0, "ChargePointMaxProfile")}
        assert await central.call("SetChargingProfile", request) == {"status": "Accepted"}
        await until(
            lambda: [point.hardware.outlets[n].measured.currents_a[0] for n in (1, 2)] == [10.0, 10.0]
        )


async def test_a_remote_start_brings_its_profile(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        request = {"connectorId": 1, "idTag": "TOKEN-1", "chargingProfile": limit(8.0, "TxProfile")}
        assert await central.call("RemoteStartTransaction", request) == {"status": "Accepted"}
        point.plug_in(1, vehicle())
        await until(lambda: point.hardware.outlets[1].measured.currents_a[0] == 8.0)


# -- who may charge ---------------------------------------------------------------------------------------


async def test_the_local_list_decides_offline(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with point_of() as point:
        async with central.up():
            await until(lambda: point.online)
            assert await central.call("GetLocalListVersion", {}) == {"listVersion": 0}
            entries = [
                {"idTag": "GOOD", "idTagInfo": {"status": "Accepted"}},
                {"idTag": "BAD", "idTagInfo": {"status": "Blocked"}},
                {"idTag": "OLD", "idTagInfo": {"status": "Accepted", "expiryDate": "2020-01-01T00:00:00Z"}},
            ]
            full = {"listVersion": 4, "localAuthorizationList": entries, "updateType": "Full"}
            assert await central.call("SendLocalList", full) == {"status": "Accepted"}
            change = {
                "listVersion": 5,
                "localAuthorizationList": [
                    {"idTag": "BAD"},
                    {"idTag": "NEW", "idTagInfo": {"status": "Accepted"}},
                ],
                "updateType": "Differential",
            }
            assert await central.call("SendLocalList", change) == {"status": "Accepted"}
            assert await central.call("SendLocalList", change) == {"status": "VersionMismatch"}
            assert await central.call("GetLocalListVersion", {}) == {"listVersion": 5}
        await until(lambda: not point.online)
        assert await point.identify(1, "BAD") == "Offline"
        assert await point.identify(1, "OLD") == "Expired"
        assert await point.identify(1, "good") == "Accepted"  # without case (3.4)
        set_keys(point, AllowOfflineTxForUnknownId="true")
        assert await point.identify(2, "STRANGER") == "Accepted"
        set_keys(point, LocalAuthorizeOffline="false")
        assert await point.identify(2, "NEW") == "Offline"


async def test_pre_authorized_tokens_do_not_wait(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        set_keys(point, LocalPreAuthorize="true")
        assert await point.identify(1, "TOKEN-1") == "Accepted"  # asked, and remembered
        assert await point.identify(2, "TOKEN-1") == "Accepted"
        assert len(central.of("Authorize")) == 1


async def test_remote_starts_may_have_to_be_authorized(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    central.blocked.add("LOST")
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        set_keys(point, AuthorizeRemoteTxRequests="true")
        point.plug_in(1, vehicle())
        for tag in ("LOST", "TOKEN-1"):
            answer = await central.call("RemoteStartTransaction", {"connectorId": 1, "idTag": tag})
            assert answer == {"status": "Accepted"}
        await until(lambda: central.of("StartTransaction"))
        assert [one["idTag"] for one in central.of("StartTransaction")] == ["TOKEN-1"]


async def test_a_bad_token_gets_a_little_energy(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of(speed=200) as point:
        await until(lambda: point.online)
        set_keys(point, StopTransactionOnInvalidId="false", MaxEnergyOnInvalidId=500)
        central.blocked.add("TOKEN-1")
        point.plug_in(1, vehicle())
        await central.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "TOKEN-1"})
        await until(lambda: central.last() == "SuspendedEVSE")
        outlet = point.hardware.outlets[1]
        assert outlet.state.transaction is not None
        assert 500 <= outlet.state.register_wh - outlet.state.transaction.meter_start_wh < 1_000
        assert not central.of("StopTransaction")


# -- values -----------------------------------------------------------------------------------------------


async def test_a_stop_carries_its_data_signed_where_wanted(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        set_keys(
            point,
            StopTxnSampledData="Energy.Active.Import.Register",
            SignedMeterValues="true",
            MeterValuesPhases="L-L",
            MeterValuesAlignedData="Voltage,Energy.Active.Import.Interval",
        )
        await charge(point, central, until, vehicle())
        point.unplug(1)
        await until(lambda: central.of("StopTransaction"))
        data = central.of("StopTransaction")[0]["transactionData"]
        contexts = [sample["context"] for value in data for sample in value["sampledValue"]]
        assert contexts[0] == "Transaction.Begin"
        assert contexts[-1] == "Transaction.End"
        assert data[-1]["sampledValue"][-1]["format"] == "SignedData"
        await until(lambda: central.of("MeterValues"))
        samples = central.of("MeterValues")[-1]["meterValue"][0]["sampledValue"]
        by_name = {(s["measurand"], s.get("phase")): float(s["value"]) for s in samples}
        if ("Voltage", "L1-L2") in by_name:
            assert 390 < by_name["Voltage", "L1-L2"] < 405


async def test_a_status_must_last(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: central.last(2))
        set_keys(point, MinimumStatusDuration=1)
        point.plug_in(1, vehicle())
        point.unplug(1)
        point.plug_in(2, vehicle())
        await until(lambda: central.last(2) == "Preparing")
        assert central.statuses(1) == ["Available"]


# -- power, time, link ------------------------------------------------------------------------------------


async def test_a_power_cut_ends_the_transaction_at_the_next_boot(
    central: Any, point_of: Any, until: Any, vehicle: Make
) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        point.lose_power(0.1)
        await until(lambda: central.of("StopTransaction", reason="PowerLoss", transactionId=1))
        assert len(central.of("BootNotification")) == 2


async def test_a_power_cut_may_be_slept_over(central: Any, point_of: Any, until: Any, vehicle: Make) -> None:
    async with central.up(), point_of() as point:
        await charge(point, central, until, vehicle())
        set_keys(point, ResumeAfterPowerLoss="true")
        central.calls.clear()
        point.lose_power(0.1)
        await until(lambda: central.of("BootNotification") and central.last() == "Charging")
        assert not central.of("StopTransaction")


async def test_a_clock_without_battery_begins_in_1970(
    central: Any, tmp_path: Any, until: Any, plant: Any
) -> None:
    point = ChargePoint(next(iter(plant.chargers())), central.url, tmp_path, tick_s=0.02, forgets_time=True)
    life = asyncio.create_task(point.run())
    try:
        assert point.hardware.clock.text().startswith("1970-01-01T00:00")
        async with central.up():
            await until(lambda: central.last())
            told = datetime.fromisoformat(central.of("StatusNotification")[0]["timestamp"])
            assert abs((datetime.now(UTC) - told).total_seconds()) < 30
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


async def test_a_link_may_break_without_a_word(central: Any, point_of: Any, until: Any) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        point.lose_link(0.1, abruptly=True)
        await until(lambda: not central.peers)
        await until(lambda: point.online and central.peers)
        assert len(central.of("BootNotification")) == 1


async def test_a_key_may_need_a_reboot(central: Any, point_of: Any, until: Any) -> None:
    async with central.up(), point_of() as point:
        await until(lambda: point.online)
        change = {"key": "ConnectorPhaseRotation", "value": "0.TRS,2.STR"}
        assert await central.call("ChangeConfiguration", change) == {"status": "RebootRequired"}
        assert [one.phase_shift for one in point.hardware.outlets.values()] == [0, 0]
        await central.call("Reset", {"type": "Hard"})
        await until(lambda: [one.phase_shift for one in point.hardware.outlets.values()] == [2, 1])
        await until(lambda: point.online)
        echo = {"vendorId": "net.scada.simulator", "messageId": "Echo", "data": "x"}
        assert await central.call("DataTransfer", echo) == {"status": "Accepted", "data": "x"}
