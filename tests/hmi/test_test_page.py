"""The test page of a charger: a message out of its form, refused with the place of the fault, answered beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from scada.core.command import CommandResult, Outcome
from scada.core.errors import BadRequest
from scada.drivers.ocpp import console
from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.trace import Trace
from scada.drivers.ocpp.v16 import DIALECT
from scada.hmi.pages import PAGES
from scada.hmi.schema_form import form_of, message_of

CP = "Depot.CP03"
PROFILE = "$.profiles[0].csChargingProfiles"
SCHEDULE = f"{PROFILE}.chargingSchedule"
GOOD = {
    "$.profiles[0].connectorId": "2",
    f"{PROFILE}.chargingProfileId": "5",
    f"{PROFILE}.stackLevel": "0",
    f"{PROFILE}.chargingProfilePurpose": "TxDefaultProfile",
    f"{PROFILE}.chargingProfileKind": "Relative",
    f"{SCHEDULE}.chargingRateUnit": "A",
    f"{SCHEDULE}.chargingSchedulePeriod[0].startPeriod": "0",
    f"{SCHEDULE}.chargingSchedulePeriod[0].limit": "10,5",
    f"{SCHEDULE}.chargingSchedulePeriod[4].startPeriod": "3600",
    f"{SCHEDULE}.chargingSchedulePeriod[4].limit": "6",
}


@pytest.fixture
def bench(world: Any) -> Any:
    """The world with a driver's console; the dialect is the real one."""
    dialect: Dialect = DIALECT
    made = console.Console(world.services.plant, Trace(world.clock, 4), lambda _: dialect)
    world.services = replace(world.services, console=made)
    return world


async def act(bench: Any, name: str, slot: str, user: str = "admin", **given: Any) -> tuple[str, str]:
    """Do it; returns (state of the toast, HTML of the slot)."""
    tab, wire = await bench.open("/test/{path}", CP, user)
    await tab.act(name, {"id": "a", "charger": CP, **given})
    filled = [p["html"] for event, p, _ in wire.sent if event == "scada_fragment" and p["slot"] == slot]
    return wire.toasts()[-1][0], filled[-1] if filled else ""


async def test_every_message_has_a_form_with_all_that_is_required(bench: Any) -> None:
    for action in bench.services.console.actions(CP):
        schema = bench.services.console.schema(CP, action)["request"]
        view = await PAGES["/test/{path}"](bench.visit("admin", CP, action=action))
        assert view.status == 200
        for name in schema.get("required", ()):
            kind = schema["properties"][name].get("type")
            if kind not in ("object", "array") and "$ref" not in schema["properties"][name]:
                assert f'name="$.{name}"' in str(view.main), (action, name)


async def test_a_message_is_built_sent_and_answered(bench: Any) -> None:
    bench.charger.result = CommandResult(Outcome.DONE, "the charger answered", {"status": "Rejected<b>"})
    given = {"action": "ChangeAvailability", "$.connectorId": "1", "$.type": "Operative"}
    state, html = await act(bench, "send_message", "answer", **given)
    assert state == "done"
    assert bench.charger.seen[-1].arguments == {
        "action": "ChangeAvailability",
        "payload": {"connectorId": 1, "type": "Operative"},
    }
    assert "Rejected&lt;b&gt;" in html


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"$.connectorId": "one", "$.type": "Operative"}, "$.connectorId"),
        ({"$.connectorId": "1", "$.type": "Open"}, "type"),
        ({"$.connectorId": "1"}, "type"),
        ({"json": '{"connectorId": 1,\n oops}'}, "line 2"),
        ({"json": "[]"}, "object"),
    ],
)
async def test_what_the_schema_refuses_is_not_sent(bench: Any, given: dict[str, str], place: str) -> None:
    state, html = await act(bench, "send_message", "answer", action="ChangeAvailability", **given)
    assert (state, place in html) == ("failed", True), html
    assert not bench.charger.seen


async def test_only_who_maintains_gets_there(bench: Any) -> None:
    view = await PAGES["/test/{path}"](bench.visit("op", CP))
    assert view.status == 403
    tab, wire = await bench.open("/tokens", "", "op")
    await tab.act("send_message", {"id": "a", "charger": CP, "action": "ClearCache"})
    assert wire.toasts()[-1][0] == "failed"
    assert not bench.charger.seen


async def test_a_profile_is_drawn_with_what_binds_and_sent(bench: Any) -> None:
    state, html = await act(bench, "compose", "curve", target=f"{CP}.C2", unit="A", hours="2", **GOOD)
    assert state == "done", html
    assert "10.5" in html
    assert "profile 5" in html
    assert 'class="curve"' in html
    assert not bench.charger.seen
    state, _ = await act(bench, "send_profiles", "answer", **GOOD)
    assert state == "done"
    periods = bench.charger.seen[-1].arguments["payload"]["csChargingProfiles"]["chargingSchedule"][
        "chargingSchedulePeriod"
    ]
    assert periods == [{"startPeriod": 0, "limit": 10.5}, {"startPeriod": 3600, "limit": 6.0}]


async def test_a_profile_that_cannot_be_names_its_place(bench: Any) -> None:
    wrong = {**GOOD, f"{PROFILE}.chargingProfilePurpose": "Whenever"}
    state, html = await act(bench, "compose", "curve", target=f"{CP}.C2", **wrong)
    assert state == "failed"
    assert "$.profiles[0].csChargingProfiles.chargingProfilePurpose" in html


async def test_the_trace_waits_for_the_first_frame(bench: Any) -> None:
    view = await PAGES["/test/{path}"](bench.visit("admin", CP, tab="trace"))
    assert "No message fits" in str(view.main)
    assert [fragment.slot for fragment in view.fragments] == ["trace"]
    tap = bench.services.console._trace.tap(bench.services.plant.chargers_by_path[CP])
    tap(True, b'[2,"1","Reset",{"type":"<i>Soft"}]')
    tap(False, b'[3,"1",{"status":"Accepted"}]')
    shown = str(await view.fragments[0].render(bench.visit("admin").live()))
    assert shown.index("Accepted") < shown.index("&lt;i&gt;Soft")  # the newest first
    view = await PAGES["/test/{path}"](bench.visit("admin", CP, tab="trace", sent="us", actions="reset"))
    assert "Accepted" not in str(view.main)
    assert "&lt;i&gt;Soft" in str(view.main)
    paused = await PAGES["/test/{path}"](bench.visit("admin", CP, tab="trace", pause="1"))
    assert not paused.fragments


def test_a_list_keeps_its_order_and_its_gaps_do_not_matter() -> None:
    form = form_of(
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"type": "boolean"}},
        }
    )
    assert message_of(form, {"$.a[10]": "3", "$.a[2]": "1", "$.a[*]": "9", "$.b": "true"}) == {
        "a": [1, 3],
        "b": True,
    }
    assert json.dumps(message_of(form, {})) == "{}"
    with pytest.raises(BadRequest, match=r"\$\.a\[0\]"):
        message_of(form, {"$.a[0]": "x"})
