"""What we ask of a charger, over a real socket: what is sent, and that "done" is what the charger says or does."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Peer
from scada.drivers.ocpp.profile import Limit, Profile, Tokens
from scada.testing import Central, until

OPERATOR = Actor("ann", frozenset(Right), "test")
Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Played:
    """A charger that answers as it is told, and remembers what it was asked."""

    def __init__(self, central: Central, identity: str) -> None:
        self.central = central
        self.identity = identity
        self.path = central.ocpp.stations[identity].charger.path
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {"GetConfiguration": {"configurationKey": []}}
        self.peer: Peer | None = None

    def handler(self, action: str) -> Answer:
        async def answer(body: dict[str, Any]) -> dict[str, Any]:
            self.asked.append((action, body))
            told = self.answers.get(action, {"status": "Accepted"})
            if isinstance(told, CallError):
                raise told
            return dict(told(body) if callable(told) else told)

        return answer

    def last(self, action: str) -> dict[str, Any]:
        return next(body for name, body in reversed(self.asked) if name == action)

    async def do(self, command: str, target: str = "", **arguments: Any) -> CommandResult:
        target = f"{self.path}{target}"
        return await self.central.router.execute(command, target, arguments, OPERATOR)


ACTIONS = (
    *("CancelReservation", "ChangeAvailability", "ChangeConfiguration", "ClearCache", "ClearChargingProfile"),
    *("DataTransfer", "GetCompositeSchedule", "GetConfiguration", "GetLocalListVersion"),
    *("RemoteStartTransaction", "RemoteStopTransaction", "ReserveNow", "Reset", "SendLocalList"),
    *("SetChargingProfile", "TriggerMessage", "ExtendedTriggerMessage", "UnlockConnector"),
)


@asynccontextmanager
async def played(central: Central, identity: str, **answers: Any) -> AsyncIterator[Played]:
    """A charger that is connected, booted and learned."""
    charger = Played(central, identity)
    charger.answers |= {"GetLocalListVersion": {"listVersion": 3}, **answers}
    peer = await connect_peer(central.url, identity, {one: charger.handler(one) for one in ACTIONS})
    charger.peer = peer
    task = asyncio.create_task(peer.run())
    station = central.ocpp.stations[identity]
    try:
        await peer.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        await until(lambda: station.read_tag("Commissioned") not in (None, "running"), "it is learned")
        charger.asked.clear()
        yield charger
    finally:
        await peer.close()
        await task
        await central.ocpp.stations[identity].forget()


@pytest.mark.parametrize(
    ("target", "command", "arguments", "action", "body", "answer", "outcome"),
    [
        (
            "",
            "CancelReservation",
            {"reservation_id": 5},
            "CancelReservation",
            {"reservationId": 5},
            "Rejected",
            Outcome.REFUSED,
        ),
        (
            "",
            "CancelReservation",
            {"reservation_id": 5},
            "CancelReservation",
            {"reservationId": 5},
            "Accepted",
            Outcome.DONE,
        ),
        ("", "ClearCache", {}, "ClearCache", {}, "Accepted", Outcome.DONE),
        (
            "",
            "DataTransfer",
            {"vendor_id": "v", "data": "x"},
            "DataTransfer",
            {"vendorId": "v", "data": "x"},
            "UnknownVendorId",
            Outcome.REFUSED,
        ),
        (
            "",
            "DataTransfer",
            {"vendor_id": "v", "message_id": "m"},
            "DataTransfer",
            {"vendorId": "v", "messageId": "m"},
            "Accepted",
            Outcome.DONE,
        ),
        ("", "ClearChargingProfile", {}, "ClearChargingProfile", {}, "Accepted", Outcome.DONE),
        (
            "",
            "ClearChargingProfile",
            {"id": 8},
            "ClearChargingProfile",
            {"id": 8},
            "Unknown",
            Outcome.REFUSED,
        ),
        (
            ".C1",
            "ClearChargingProfile",
            {"purpose": "TxProfile", "stack_level": 2},
            "ClearChargingProfile",
            {"connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 2},
            "Accepted",
            Outcome.DONE,
        ),
        (
            "",
            "TriggerMessage",
            {"requestedMessage": "Heartbeat"},
            "TriggerMessage",
            {"requestedMessage": "Heartbeat"},
            "NotImplemented",
            Outcome.REFUSED,
        ),
        (
            "",
            "TriggerMessage",
            {"requestedMessage": "MeterValues", "connectorId": 1},
            "TriggerMessage",
            {"requestedMessage": "MeterValues", "connectorId": 1},
            "Accepted",
            Outcome.DONE,
        ),
        (
            "",
            "TriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
            "ExtendedTriggerMessage",
            {"requestedMessage": "SignChargePointCertificate"},
            "Accepted",
            Outcome.DONE,
        ),
        (".C1", "UnlockConnector", {}, "UnlockConnector", {"connectorId": 1}, "Unlocked", Outcome.DONE),
        (
            ".C1",
            "UnlockConnector",
            {},
            "UnlockConnector",
            {"connectorId": 1},
            "NotSupported",
            Outcome.REFUSED,
        ),
    ],
)
async def test_what_is_sent_and_how_it_ends(
    central: Central,
    target: str,
    command: str,
    arguments: dict[str, Any],
    action: str,
    body: dict[str, Any],
    answer: str,
    outcome: Outcome,
) -> None:
    async with played(central, "DEPOT-CP01", **{action: {"status": answer}}) as charger:
        result = await charger.do(command, target, **arguments)
        assert (result.outcome, charger.last(action)) == (outcome, body)
        assert result.answer["status"] == answer


async def test_a_reservation_names_token_group_and_end(central: Central) -> None:
    expires = moment.text(central.host.clock.now_us() + 3_600_000_000)
    order = {"reservation_id": 9, "id_tag": "FLEET-0001", "parent": "FLEET", "expires": expires}
    async with played(central, "DEPOT-CP01", ReserveNow={"status": "Occupied"}) as charger:
        refused = await charger.do("Reserve", ".C1", **order)
        assert (refused.outcome, "Occupied" in refused.text) == (Outcome.REFUSED, True)
        charger.answers["ReserveNow"] = {"status": "Accepted"}
        assert (await charger.do("Reserve", ".C1", **order)).outcome is Outcome.DONE
        assert charger.last("ReserveNow") == {
            "connectorId": 1,
            "reservationId": 9,
            "idTag": "FLEET-0001",
            "parentIdTag": "FLEET",
            "expiryDate": expires,
        }
        charger.asked.clear()
        late = await charger.do("Reserve", ".C1", **{**order, "expires": "2020-01-01T00:00:00Z"})
        assert (late.outcome, charger.asked) == (Outcome.REFUSED, [])


async def test_availability_of_the_whole_charger_is_done_when_every_connector_says_so(
    central: Central,
) -> None:
    async with played(central, "DEPOT-CP03") as charger:
        peer = charger.peer
        assert peer is not None
        connectors = [one.number for one in central.ocpp.stations["DEPOT-CP03"].charger.connectors]
        assert len(connectors) == 2
        order = asyncio.create_task(charger.do("ChangeAvailability", type="Inoperative"))
        for number in connectors:
            assert not order.done()
            await peer.call(
                "StatusNotification", {"connectorId": number, "errorCode": "NoError", "status": "Unavailable"}
            )
        result = await order
        assert (result.outcome, result.text) == (Outcome.DONE, "the charger is Unavailable")
        assert charger.last("ChangeAvailability") == {"connectorId": 0, "type": "Inoperative"}
        charger.answers["ChangeAvailability"] = {"status": "Scheduled"}
        assert (await charger.do("ChangeAvailability", ".C1", type="Operative")).outcome is Outcome.SCHEDULED


async def test_a_key_is_changed_when_it_reads_so(central: Central) -> None:
    def read(_body: dict[str, Any]) -> dict[str, Any]:
        return {"configurationKey": [{"key": "LightIntensity", "readonly": False, "value": "40"}]}

    async with played(central, "DEPOT-CP01", GetConfiguration=read) as charger:
        done = await charger.do("ChangeConfiguration", key="LightIntensity", value="40")
        assert done.outcome is Outcome.DONE
        other = await charger.do("ChangeConfiguration", key="LightIntensity", value="50")
        assert (other.outcome, "reads '40'" in other.text) == (Outcome.FAILED, True)
        for status, outcome in (
            ("RebootRequired", Outcome.SCHEDULED),
            ("Rejected", Outcome.REFUSED),
            ("NotSupported", Outcome.REFUSED),
        ):
            charger.answers["ChangeConfiguration"] = {"status": status}
            assert (await charger.do("ChangeConfiguration", key="K", value="1")).outcome is outcome
        charger.asked.clear()
        secret = await charger.do("ChangeConfiguration", key="AuthorizationKey", value="0123456789abcdef")
        sent = await charger.do(
            "Send", action="ChangeConfiguration", payload={"key": "authorizationKey", "value": "x"}
        )
        assert (secret.outcome, sent.outcome, charger.asked) == (Outcome.REFUSED, Outcome.REFUSED, [])


async def test_a_long_list_goes_in_parts_the_first_full(central: Central) -> None:
    def read(_body: dict[str, Any]) -> dict[str, Any]:
        keys = {"SendLocalListMaxLength": "2", "LocalAuthListMaxLength": "5"}
        return {"configurationKey": [{"key": k, "readonly": True, "value": v} for k, v in keys.items()]}

    entries = [{"id_tag": f"T{n}", "status": "Accepted"} for n in range(3)]
    entries += [
        {"id_tag": "T3", "status": "Blocked", "parent": "P", "expires": "2027-01-01T00:00:00Z"},
        {"id_tag": "T4"},
    ]
    async with played(central, "DEPOT-CP01", GetConfiguration=read) as charger:
        told: list[dict[str, Any]] = []
        end = central.host.events.subscribe(lambda e: told.append(e.data) if e.kind == "local_list" else None)
        result = await charger.do("SendLocalList", version=10, update="Full", entries=entries)
        end()
        assert (result.outcome, result.answer["listVersion"]) == (Outcome.DONE, 10)
        parts = [body for action, body in charger.asked if action == "SendLocalList"]
        assert [(p["updateType"], p["listVersion"]) for p in parts] == [
            ("Full", 8),
            ("Differential", 9),
            ("Differential", 10),
        ]
        assert [one["idTag"] for part in parts for one in part["localAuthorizationList"]] == [
            "T0",
            "T1",
            "T2",
            "T3",
            "T4",
        ]
        assert parts[1]["localAuthorizationList"][1]["idTagInfo"] == {
            "status": "Blocked",
            "parentIdTag": "P",
            "expiryDate": "2027-01-01T00:00:00Z",
        }
        assert parts[2]["localAuthorizationList"] == [{"idTag": "T4"}]
        assert told == [{"version": 10, "max": 5, "supported": True}]

        too_long = await charger.do("SendLocalList", version=11, update="Full", entries=[*entries, *entries])
        assert (too_long.outcome, "holds 5" in too_long.text) == (Outcome.REFUSED, True)
        charger.asked.clear()
        wrong = await charger.do(
            "SendLocalList", version=11, update="Full", entries=[{"id_tag": "X" * 21, "status": "Accepted"}]
        )
        assert (wrong.outcome, charger.asked) == (Outcome.REFUSED, [])
        assert "$.localAuthorizationList[0].idTag" in wrong.text
        charger.answers["SendLocalList"] = {"status": "VersionMismatch"}
        failed = await charger.do("SendLocalList", version=4, update="Differential", entries=entries[:1])
        assert (failed.outcome, "VersionMismatch" in failed.text) == (Outcome.REFUSED, True)
        assert (await charger.do("GetLocalListVersion")).answer == {"listVersion": 3}


def profiled(central: Central, identity: str, **limit: Any) -> None:
    central.ocpp.stations[identity].profile = Profile(
        label="Maker", limit=Limit(**limit), tokens=Tokens(length_max=12)
    )


async def test_a_limit_is_a_profile_of_a_minute_ago_and_shows_on_its_tag(central: Central) -> None:
    limit = central.host.tags["Depot.CP01.C1.CurrentLimit"]
    async with played(central, "DEPOT-CP01") as charger:
        result = await charger.do("SetLimit", ".C1", limit_a=16.3)
        assert (result.outcome, limit.value) == (Outcome.DONE, 16.3)
        sent = charger.last("SetChargingProfile")
        profile = sent["csChargingProfiles"]
        assert (sent["connectorId"], profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
            1,
            "TxDefaultProfile",
            "Absolute",
        )
        schedule = profile["chargingSchedule"]
        assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"][0]["limit"]) == ("A", 16.3)
        began_us = moment.parse(schedule["startSchedule"])
        assert began_us is not None
        assert began_us < central.host.clock.now_us()

        await charger.do("SetLimit", "", limit_a=20)
        assert (
            charger.last("SetChargingProfile")["csChargingProfiles"]["chargingProfilePurpose"]
            == "ChargePointMaxProfile"
        )
        assert (await charger.do("SetLimit", ".C1", limit_a=3)).outcome is Outcome.DONE
        assert limit.value == 0  # below the least current there is only a pause
        cleared = await charger.do("ClearLimit", ".C1")
        assert (cleared.outcome, charger.last("ClearChargingProfile")) == (Outcome.DONE, {"id": 7001})
        assert limit.quality != 0
        charger.answers["SetChargingProfile"] = {"status": "Rejected"}
        assert (await charger.do("SetLimit", ".C1", limit_a=10)).outcome is Outcome.REFUSED
        assert limit.quality != 0


async def test_a_limit_with_an_end_is_gone_from_its_tag_when_it_ends(central: Central) -> None:
    limit = central.host.tags["Depot.CP01.C1.CurrentLimit"]
    async with played(central, "DEPOT-CP01") as charger:
        await charger.do("SetLimit", ".C1", limit_a=10, duration_s=1)
        assert charger.last("SetChargingProfile")["csChargingProfiles"]["chargingSchedule"]["duration"] == 61
        assert (limit.value, limit.quality) == (10, 0)
        await until(lambda: limit.quality != 0)


async def test_each_make_has_its_limit_in_its_own_way(central: Central) -> None:
    async with played(central, "DEPOT-CP01") as charger:
        profiled(central, "DEPOT-CP01", unit="W", stack_level=3, phases=False)
        await charger.do("SetLimit", ".C1", limit_a=10)
        sent = charger.last("SetChargingProfile")["csChargingProfiles"]
        phases = central.ocpp.stations["DEPOT-CP01"].charger.connectors[0].phases
        assert (sent["stackLevel"], sent["chargingSchedule"]["chargingSchedulePeriod"]) == (
            3,
            [{"startPeriod": 0, "limit": 2300.0 * phases}],
        )

        profiled(central, "DEPOT-CP01", method="key", key="MaxCurrent", key_scale=10)
        assert (await charger.do("SetLimit", ".C1", limit_a=13)).outcome is Outcome.DONE
        assert charger.last("ChangeConfiguration") == {"key": "MaxCurrent", "value": "130"}

        charger.asked.clear()
        for how, word in (
            ({"zero": "stop"}, "RemoteStop"),
            ({"zero": "refuse"}, "refuse"),
            ({"method": "none"}, "take no limit"),
        ):
            profiled(central, "DEPOT-CP01", **how)
            result = await charger.do("SetLimit", ".C1", limit_a=0)
            assert (result.outcome, word in result.text) == (Outcome.REFUSED, True)
        profiled(central, "DEPOT-CP01", purpose="TxProfile")
        assert (await charger.do("SetLimit", ".C1", limit_a=16)).outcome is Outcome.REFUSED  # nothing runs
        assert charger.asked == []


async def test_a_start_carries_its_limit_and_a_token_that_the_make_can_hold(central: Central) -> None:
    async with played(central, "DEPOT-CP01", RemoteStartTransaction={"status": "Rejected"}) as charger:
        profiled(central, "DEPOT-CP01")
        long = await charger.do("RemoteStart", ".C1", id_tag="FLEET-00000001")
        assert (long.outcome, charger.asked) == (Outcome.REFUSED, [])
        await charger.do("RemoteStart", ".C1", id_tag="FLEET-0001", limit_a=16)
        profile = charger.last("RemoteStartTransaction")["chargingProfile"]
        assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == (
            "TxProfile",
            "Relative",
        )
        assert profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == 16


async def test_what_a_charger_cannot_do_is_refused_with_the_reason_and_not_tried_for_ever(
    central: Central,
) -> None:
    def features(_body: dict[str, Any]) -> dict[str, Any]:
        return {
            "configurationKey": [
                {"key": "SupportedFeatureProfiles", "readonly": True, "value": "Core, SmartCharging"}
            ]
        }

    async with played(
        central, "DEPOT-CP01", GetConfiguration=features, ClearCache=CallError("NotImplemented", "no")
    ) as charger:
        told = await charger.do("CancelReservation", reservation_id=1)
        assert (told.outcome, "feature Reservation" in told.text) == (Outcome.REFUSED, True)
        assert (await charger.do("ClearCache")).outcome is Outcome.FAILED
        charger.asked.clear()
        again = await charger.do("ClearCache")
        assert (again.outcome, charger.asked) == (Outcome.REFUSED, [])
        assert "NotImplemented" in again.text
        charger.answers["ClearCache"] = {"status": "Accepted"}
        assert (await charger.do("Commission")).outcome is Outcome.DONE
        assert (await charger.do("ClearCache")).outcome is Outcome.DONE


async def test_any_message_is_sent_if_the_schema_takes_it_and_the_answer_comes_as_it_came(
    central: Central,
) -> None:
    async with played(central, "DEPOT-CP01") as charger:
        ok = await charger.do("Send", action="Reset", payload={"type": "Soft"})
        assert (ok.outcome, ok.answer, charger.last("Reset")) == (
            Outcome.DONE,
            {"status": "Accepted"},
            {"type": "Soft"},
        )
        charger.answers["Reset"] = {"odd": 1}
        assert (await charger.do("Send", action="Reset", payload={"type": "Soft"})).answer == {"odd": 1}
        charger.answers["Reset"] = CallError("GenericError", "not now", {"in": 5})
        error = await charger.do("Send", action="Reset", payload={"type": "Soft"})
        assert error.outcome is Outcome.FAILED
        assert error.answer == {"code": "GenericError", "description": "not now", "details": {"in": 5}}
        charger.asked.clear()
        period = {"startPeriod": "now", "limit": 6}
        profile = {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Absolute",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]},
        }
        for command, arguments in (
            (
                "Send",
                {
                    "action": "SetChargingProfile",
                    "payload": {"connectorId": 1, "csChargingProfiles": profile},
                },
            ),
            ("SetChargingProfile", {"profile": profile}),
        ):
            wrong = await charger.do(command, **arguments)
            assert (wrong.outcome, charger.asked) == (Outcome.REFUSED, [])
            assert "$.csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].startPeriod" in wrong.text
        for action in ("BootNotification", "Nonsense", "../x"):
            assert (await charger.do("Send", action=action, payload={})).outcome is Outcome.REFUSED
        assert charger.asked == []
        period["startPeriod"] = 0
        assert (await charger.do("SetChargingProfile", ".C1", profile=profile)).outcome is Outcome.DONE
        assert not math.isnan(charger.last("SetChargingProfile")["connectorId"])


async def test_a_composite_schedule_is_looked_at_before_it_is_believed(central: Central) -> None:
    """Quirk 33: the charger of the table answers with local time that says it is UTC, and a period in the year 2001."""
    answer = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2025-05-12T09:11:25Z",
        "chargingSchedule": {
            "duration": 86400,
            "startSchedule": "2025-05-12T11:11:25Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.0},
                {"startPeriod": 1006632455, "limit": 0.0},
            ],
        },
    }
    async with played(central, "DEPOT-CP01", GetCompositeSchedule=answer) as charger:
        result = await charger.do("GetCompositeSchedule", ".C1", duration_s=3600, unit="A")
        assert result.outcome is Outcome.DONE
        assert charger.last("GetCompositeSchedule") == {
            "connectorId": 1,
            "duration": 3600,
            "chargingRateUnit": "A",
        }
        assert result.answer["chargingSchedule"]["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "limit": 16.0}
        ]
        deviations = central.ocpp.stations["DEPOT-CP01"].deviations
        assert deviations.count_of("begins outside the schedule") == 1
        assert deviations.count_of("not the same") == 1


async def test_a_charger_that_made_up_a_transaction_id_is_stopped_and_limited_by_it(central: Central) -> None:
    """Quirks 26 and 28: it began offline, and keeps to its own id in all that it says and takes."""
    own, stopping = -17, []

    def only_own(place: Callable[[dict[str, Any]], int | None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
        return lambda body: {"status": "Accepted" if place(body) == own else "Rejected"}

    def stop(body: dict[str, Any]) -> dict[str, Any]:
        if body["transactionId"] == own:
            stopping.append(asyncio.create_task(stopped()))
        return only_own(lambda body: int(body["transactionId"]))(body)

    async def stopped() -> None:
        assert charger.peer is not None
        told = {"transactionId": own, "meterStop": 900, "timestamp": "2020-01-01T00:00:00Z"}
        await charger.peer.call("StopTransaction", told)

    async with played(
        central,
        "DEPOT-CP01",
        RemoteStopTransaction=stop,
        SetChargingProfile=only_own(lambda body: body["csChargingProfiles"].get("transactionId")),
    ) as charger:
        assert charger.peer is not None
        profiled(central, "DEPOT-CP01", purpose="TxProfile")
        now = moment.text(central.host.clock.now_us())
        start = {"connectorId": 1, "idTag": "FLEET-0001", "meterStart": 100, "timestamp": now}
        ours = (await charger.peer.call("StartTransaction", start))["transactionId"]
        assert (await charger.do("SetLimit", ".C1", limit_a=16)).outcome is Outcome.REFUSED
        sample = {"timestamp": now, "sampledValue": [{"value": "700"}]}
        await charger.peer.call(
            "MeterValues", {"connectorId": 1, "transactionId": own, "meterValue": [sample]}
        )
        assert (await charger.do("SetLimit", ".C1", limit_a=16)).outcome is Outcome.DONE
        result = await charger.do("RemoteStop", ".C1")
        assert (result.outcome, f"transaction {ours} stopped" in result.text) == (Outcome.DONE, True)
        asked = [body["transactionId"] for name, body in charger.asked if name == "RemoteStopTransaction"]
        assert asked == [ours, own]
        await stopping[0]
    deviations = central.ocpp.stations["DEPOT-CP01"].deviations
    assert deviations.count_of("of its own making") == 3
