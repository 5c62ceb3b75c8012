"""What a user does on a page: rights, outcomes, sentences; and the rooms that a page is in."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.access import Actor, Right, Role
from scada.core.command import CommandResult, Outcome
from scada.core.records import AlarmTransition
from scada.hmi import alarms
from scada.hmi.alarm_feed import summary_room
from scada.hmi.tab import EVERYBODY
from scada.hmi.why import USED


async def test_a_page_that_is_seen_joins_and_gets_everything(world: Any) -> None:
    tab, wire = await world.open()
    await tab.act("show", {})
    summary = summary_room("en", Role())
    assert {"scada.all", "scada.tags.", "scada.tags.Depot", summary} == wire.rooms
    event, payload, room = wire.sent[0]
    assert (event, room) == ("scada_snapshot", "own")
    assert len(payload["tags"]["i"]) == len(tab.view.live.used)
    await tab.act("hide", {})
    assert wire.rooms == set()
    assert not tab.visible


async def test_command_ends_with_what_the_device_said(world: Any) -> None:
    world.charger.result = CommandResult(Outcome.REFUSED, "the charger answered Rejected")
    tab, wire = await world.open()
    await tab.act(
        "command", {"id": "a1", "command": "Reset", "target": "Depot.CP01", "arguments": {"type": "Soft"}}
    )
    assert wire.toasts()[-1] == ("failed", "refused: the charger answered Rejected")
    assert world.charger.seen[0].origin == "hmi test"
    assert world.charger.seen[0].user == "op"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.DONE, "done"),
        (Outcome.SCHEDULED, "later"),
        (Outcome.TIMED_OUT, "unknown"),
        (Outcome.UNREACHABLE, "failed"),
        (Outcome.FAILED, "failed"),
    ],
)
async def test_only_done_is_shown_as_done(world: Any, outcome: Outcome, state: str) -> None:
    world.charger.result = CommandResult(outcome)
    tab, wire = await world.open()
    await tab.act(
        "command", {"id": "a", "command": "Reset", "target": "Depot.CP01", "arguments": {"type": "Hard"}}
    )
    assert wire.toasts()[-1][0] == state


async def test_what_is_not_offered_is_refused_all_the_same(world: Any) -> None:
    tab, wire = await world.open(user="guest")
    await tab.act(
        "command", {"id": "a", "command": "Reset", "target": "Depot.CP01", "arguments": {"type": "Soft"}}
    )
    await tab.act("acknowledge", {"id": "b", "paths": ["Depot.CP01.Online"]})
    assert [state for state, _ in wire.toasts()] == ["failed", "failed"]
    assert world.charger.seen == []


async def test_a_wrong_request_is_answered_by_a_sentence(world: Any) -> None:
    tab, wire = await world.open()
    for given in (
        {"command": "Explode", "target": "Depot.CP01"},
        {"command": "Reset", "target": "Depot.CP99", "arguments": {"type": "Soft"}},
        {"command": "Reset", "target": "Depot.CP01", "arguments": "soft"},
        {},
    ):
        await tab.act("command", {"id": "a", **given})
        assert wire.toasts()[-1][0] == "failed"
    await tab.act("acknowledge", {"paths": ["no.such.alarm"]})
    assert wire.toasts()[-1] == ("failed", "there is no alarm no.such.alarm")
    await tab.act("acknowledge", {"paths": "everything"})
    assert wire.toasts()[-1] == ("failed", "nothing is selected")
    before = len(wire.sent)
    await tab.act("nonsense", {})
    assert len(wire.sent) == before


async def test_acknowledge_is_journalled_with_comment(world: Any) -> None:
    path = world.fault("Depot.CP01.C1")
    await world.settle()
    tab, wire = await world.open("/alarms", "")
    await tab.act("acknowledge", {"id": "a", "paths": [path], "comment": "seen"})
    assert wire.toasts()[-1] == ("done", "1 acknowledged")
    record = [one for one in world.journal.records if isinstance(one, AlarmTransition)][-1]
    assert (record.user, record.comment, record.origin) == ("op", "seen", "hmi test")


async def test_a_session_that_is_over_leads_to_the_log_in(world: Any) -> None:
    tab, wire = await world.open()
    await tab.act("show", {})
    wire.actor = None
    await tab.act("command", {"command": "Reset", "target": "Depot.CP01", "arguments": {"type": "Soft"}})
    assert wire.sent[-1] == ("scada_goto", {"url": "/login?next=/"}, "own")
    assert wire.rooms == set()
    assert world.charger.seen == []


async def test_configuration_is_shown_escaped(world: Any) -> None:
    answer = {
        "configurationKey": [{"key": "<b>k", "readonly": True, "value": "<script>"}],
        "unknownKey": ["<i>"],
    }
    world.charger.result = CommandResult(Outcome.DONE, "1 keys", answer)
    tab, wire = await world.open("/charger/{path}", "Depot.CP01", "admin")
    await tab.act(
        "command", {"id": "a", "command": "GetConfiguration", "target": "Depot.CP01", "arguments": {}}
    )
    event, payload, _ = wire.sent[-1]
    assert (event, payload["slot"]) == ("scada_fragment", "configuration")
    assert "&lt;script&gt;" in payload["html"]
    assert "<script>" not in payload["html"]


async def test_selecting_fills_the_panel_and_its_sentence_follows(world: Any) -> None:
    tab, wire = await world.open()
    await tab.act("show", {})
    await tab.act("select", {"path": "Depot.CP03.C2"})
    _, payload, _ = wire.sent[-1]
    assert payload["slot"] == "panel"
    assert "CP03 · C2" in payload["html"]
    await tab.refresh(1.0)
    world.write("Depot.CP03.C2.Status", "Available")
    assert "Status" in USED
    tab.touch({world.host.tags["Depot.CP03.C2.Status"].index})
    await tab.refresh(1.0)
    fragments = {p["slot"]: p["html"] for event, p, _ in wire.sent if event == "scada_fragment"}
    assert "Free." in fragments["panel-why"]
    assert "1 free" in fragments["counts"]
    assert "642" in fragments["today"]
    await tab.act("select", {"path": "Elsewhere"})
    assert "Legend" in wire.sent[-1][1]["html"]


async def test_without_the_right_to_see_a_page_gets_only_the_beat(world: Any) -> None:
    path = world.fault("Depot.CP01.C1")
    tab, wire = await world.open("/alarms", "", user="blind")
    await tab.act("show", {})
    assert wire.rooms == {EVERYBODY}
    assert wire.sent[0][1]["alarms"] == alarms.NOTHING
    await tab.act("select", {"path": "Depot.CP01.C1"})
    await tab.act("acknowledge", {"paths": [path]})
    await tab.act("command", {"command": "Reset", "target": "Depot.CP01", "arguments": {"type": "Soft"}})
    assert [state for state, _ in wire.toasts()] == ["failed"] * 3
    assert "'see'" in wire.toasts()[0][1]
    assert world.charger.seen == []


async def test_who_loses_the_right_to_see_gets_nothing_more(world: Any) -> None:
    tab, wire = await world.open()
    await tab.act("show", {})
    wire.actor = Actor("op", frozenset({Right.OPERATE}), "hmi test", "blind")
    assert await tab.check_session() is None
    assert wire.rooms == set()
    assert wire.sent[-1] == ("scada_goto", {"url": "/"}, "own")
