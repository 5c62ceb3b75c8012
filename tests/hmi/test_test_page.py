"""The test page of a charger: a message out of its form, refused with the place of the fault, answered beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from scada.core.access import Role
from scada.core.command import CommandResult, Outcome
from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.errors import BadRequest, Unavailable
from scada.core.ports import Page
from scada.drivers.ocpp import console
from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.trace import Trace
from scada.drivers.ocpp.v16 import DIALECT
from scada.hmi.pages import PAGES
from scada.hmi.schema_form import form_of, message_of
from scada.runtime.timeline import ChargerTimeline

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


class Log:
    """A message log of three frames, in parts of two."""

    def __init__(self, frames: list[TracedFrame]) -> None:
        self.frames_kept = frames
        self.away = False

    async def frames(
        self, where: FrameFilter, from_us: int, to_us: int, limit: int, cursor: str | None
    ) -> Page[TracedFrame]:
        if self.away:
            raise Unavailable("the message log cannot be read now: no database")
        inside = [one for one in self.frames_kept if from_us <= one.time_us < to_us and where.takes(one)]
        begin = int(cursor or 0)
        return Page(inside[begin : begin + 2], str(begin + 2) if len(inside) > begin + 2 else None)


def kept(number: int, time_us: int) -> TracedFrame:
    return TracedFrame(
        sequence=number, time_us=time_us, charger=CP, identity="DEPOT-CP03", sent=False, kind="call",
        action="Heartbeat", message_id=str(number), text=f'[2,"frame-{number}","Heartbeat",{{}}]',
    )  # fmt: skip


async def test_frames_of_earlier_days_are_read_by_time_and_in_parts(bench: Any) -> None:
    now_us = bench.clock.now_us()
    log = Log([kept(number, now_us - number * 60_000_000) for number in (1, 2, 3)])
    bench.services = replace(bench.services, message_log=log)
    build = PAGES["/test/{path}"]
    live = str((await build(bench.visit("admin", CP, tab="trace"))).main)
    assert "frame-1" not in live
    logged = {"tab": "trace", "from": "2001-01-01T00:00"}
    first = str((await build(bench.visit("admin", CP, **logged))).main)
    assert "frame-1" in first
    assert "frame-3" not in first
    assert "cursor=2" in first
    second = str((await build(bench.visit("admin", CP, **logged, cursor="2"))).main)
    assert "frame-3" in second
    assert "cursor=" not in second
    log.away = True
    assert "no database" in str((await build(bench.visit("admin", CP, **logged))).main)


async def test_the_time_line_goes_on_below_the_frames_in_memory(bench: Any) -> None:
    now_us = bench.clock.now_us()
    services = bench.services
    log = Log([kept(number, now_us - number * 60_000_000) for number in (1, 2, 3)])
    charger = services.plant.chargers_by_path[CP]
    line = ChargerTimeline(services.host, services.archive, services.console, log, Role(), charger)
    stretch = await line.before(now_us, 1, {"frame"})
    assert [one.text for one in stretch.entries] == ['[2,"frame-1","Heartbeat",{}]']
    assert stretch.older_us == now_us - 60_000_000
    log.away = True
    assert not (await line.before(now_us, 1, {"frame"})).complete
