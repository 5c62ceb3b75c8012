"""What operators do to alarms and tags on a page, and what of it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.records import AlarmState, AlarmTransition, OutboxRecord
from scada.core.value import SECOND_US

CONNECTOR = "Depot.CP03.C2"


@pytest.fixture
async def path(world: Any) -> str:
    raised: str = world.fault(CONNECTOR)
    await world.settle()
    return raised


async def do(
    world: Any, name: str, user: str = "admin", page: str = "/alarms", **given: Any
) -> tuple[str, str]:
    """Do it on a page of its own; returns the last toast."""
    tab, wire = await world.open(page, "", user)
    await tab.act(name, {"id": "a", **given})
    last: tuple[str, str] = wire.toasts()[-1]
    return last


def state(world: Any, path: str) -> AlarmState:
    view = world.host.board.get(path)
    return view.state if view else AlarmState.NORMAL


async def test_shelving_needs_a_reason_and_an_end(world: Any, path: str) -> None:
    assert await do(world, "shelve", paths=[path], span_s="900", reason=" ") == (
        "failed",
        "a reason is needed",
    )
    for span in ("", "soon", "-5", "0", "9" * 30, 12.5):
        text = "give the time at which it ends"
        assert await do(world, "shelve", paths=[path], span_s=span, reason="x") == ("failed", text)
    assert await do(world, "shelve", paths=[path], span_s="900", reason="known") == ("done", "1 shelved")
    view = world.host.board.get(path)
    assert (view.state, view.comment) == (AlarmState.SHELVED, "known")
    assert view.until_us == world.clock.now_us() + 900 * SECOND_US
    assert await do(world, "unshelve", paths=[path]) == ("done", "1 taken off the shelf")
    assert state(world, path) is AlarmState.ACTIVE_UNACKNOWLEDGED


async def test_another_end_is_meant_in_the_time_of_the_plant(world: Any, path: str) -> None:
    formats = world.visit().formats()
    until = "2026-09-22T18:30"
    assert (await do(world, "shelve", paths=[path], span_s="until", until=until, reason="x"))[0] == "done"
    assert world.host.board.get(path).until_us == formats.parse_local(until)
    wrong = await do(world, "shelve", paths=[path], span_s="until", until="later", reason="x")
    assert wrong == ("failed", "give the time at which it ends")


async def test_out_of_service_and_back(world: Any, path: str) -> None:
    done = await do(world, "take_out", branch="Depot.CP03", span_s="", reason="new cable")
    assert done == ("done", "out of service")
    assert state(world, path) is AlarmState.OUT_OF_SERVICE
    assert await do(world, "put_in", branch="Depot.CP03") == ("done", "in service again")
    assert (await do(world, "put_in", branch="Depot.CP03"))[0] == "failed"
    assert (await do(world, "take_out", branch="Nowhere", reason="x"))[0] == "failed"


async def test_a_branch_is_acknowledged_as_far_as_the_role_reaches(world: Any, path: str) -> None:
    world.write(f"{CONNECTOR}.Temperature", 90.0)  # levels 14 and 26
    await world.settle()
    assert await do(world, "acknowledge_branch", "night", branch="Depot.CP03") == ("done", "1 acknowledged")
    assert state(world, path) is AlarmState.ACTIVE_ACKNOWLEDGED
    assert state(world, f"{CONNECTOR}.Temperature.HiHi") is AlarmState.ACTIVE_UNACKNOWLEDGED
    assert await do(world, "acknowledge_branch", branch="Depot.CP03", comment="rest") == (
        "done",
        "2 acknowledged",
    )
    assert await do(world, "acknowledge_branch") == ("failed", "nothing is selected")


async def test_what_came_after_the_look_is_not_acknowledged_with_it(world: Any, path: str) -> None:
    seen_ms = world.clock.now_us() // 1000
    world.clock.leap(5)
    world.online("Depot.CP05")
    world.write("Depot.CP05.C1.ErrorCode", "OverVoltage")
    await world.settle()
    assert await do(world, "acknowledge_shown", before=seen_ms) == ("done", "1 acknowledged")
    assert state(world, "Depot.CP05.C1.ErrorOverVoltage") is AlarmState.ACTIVE_UNACKNOWLEDGED
    for before in (None, "now", float("nan")):
        assert (await do(world, "acknowledge_shown", before=before))[0] == "failed"
    assert (await do(world, "acknowledge_shown", page="/tags", before=seen_ms))[0] == "failed"


async def test_a_comment_and_a_latch(world: Any, path: str) -> None:
    assert await do(world, "comment", path=path, comment="ordered") == ("done", "noted in the journal")
    assert await do(world, "comment", path=path, comment=" ") == ("failed", "a comment needs words")
    latched = f"{CONNECTOR}.ErrorGroundFailure"
    world.write(f"{CONNECTOR}.ErrorCode", "GroundFailure")
    world.write(f"{CONNECTOR}.ErrorCode", "NoError")
    await world.settle()
    assert state(world, latched) is AlarmState.LATCHED_UNACKNOWLEDGED
    assert await do(world, "reset", paths=[latched]) == ("done", "1 reset")
    assert state(world, latched) is AlarmState.RETURNED_UNACKNOWLEDGED


async def test_forcing_takes_the_value_as_it_is_typed(world: Any) -> None:
    temperature = world.host.tags[f"{CONNECTOR}.Temperature"]
    given = {"path": temperature.path, "span_s": "", "reason": "sensor is dead"}
    assert await do(world, "force", **given, value="21,5") == ("done", "forced")
    assert temperature.value == 21.5
    assert (await do(world, "force", **given, value="warm"))[0] == "failed"
    assert await do(world, "release", path=temperature.path) == ("done", "released")
    online = {"path": "Depot.CP03.Online", "span_s": "60", "reason": "test"}
    assert (await do(world, "force", **online, value="False"))[0] == "done"
    assert world.host.tags["Depot.CP03.Online"].value is False
    assert (await do(world, "force", "op", **online, value="true"))[0] == "failed"
    assert (await do(world, "force", path="no.such", value="1", reason="x"))[0] == "failed"


async def test_writing_goes_by_the_router(world: Any) -> None:
    assert await do(world, "write", "op", path="Depot.Note", value="crane") == ("done", "written")
    said = await do(world, "write", "op", path=f"{CONNECTOR}.Operative", value="false")
    assert said[0] == "done"
    assert (world.charger.seen[-1].name, dict(world.charger.seen[-1].arguments)) == (
        "ChangeAvailability",
        {"type": "Inoperative"},
    )
    assert (await do(world, "write", "guest", path="Depot.Note", value="x"))[0] == "failed"


async def test_a_test_message_is_for_who_maintains(world: Any) -> None:
    contact = world.services.plant.contacts[0].name
    assert await do(world, "test", contact=contact) == ("done", "the test message is in the outbox")
    (message,) = [one for one in world.journal.records if isinstance(one, OutboxRecord)]
    assert (message.contact, message.template) == (contact, "test")
    assert (await do(world, "test", contact="Nobody"))[0] == "failed"


@pytest.mark.parametrize("user", ["guest", "op", "night"])
async def test_what_a_role_does_not_grant_is_refused(world: Any, path: str, user: str) -> None:
    low = "Depot.CP05.C1.ErrorWeakSignal"
    world.online("Depot.CP05")
    world.write("Depot.CP05.C1.ErrorCode", "WeakSignal")
    await world.settle()
    deeds: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "guest": [
            ("acknowledge", {"paths": [path]}),
            ("shelve", {"paths": [path], "span_s": "60", "reason": "x"}),
            ("take_out", {"branch": "Depot.CP03", "reason": "x"}),
            ("comment", {"path": path, "comment": "x"}),
        ],
        "op": [("test", {"contact": world.services.plant.contacts[0].name})],
        "night": [
            ("acknowledge", {"paths": [low]}),
            ("shelve", {"paths": [low], "span_s": "60", "reason": "x"}),
            ("comment", {"path": low, "comment": "x"}),
        ],
    }
    before = [one for one in world.journal.records if isinstance(one, AlarmTransition)]
    for name, given in deeds[user]:
        assert (await do(world, name, user, **given))[0] == "failed", name
    assert [one for one in world.journal.records if isinstance(one, AlarmTransition)] == before


async def test_details_open_are_kept_up_and_closed(world: Any, path: str) -> None:
    tab, wire = await world.open("/alarms", "")
    await tab.act("show", {})
    await tab.act("alarm", {"path": path, "open": True})
    assert _fragments(wire, path)[-1].count("raised") >= 1
    await tab.act("comment", {"id": "c", "path": path, "comment": "under way"})
    tab.touch_alarms()
    await tab.refresh(10.0)
    assert "under way" in _fragments(wire, path)[-1]
    await tab.act("alarm", {"path": path, "open": False})
    assert not tab.view.opened
    await tab.act("alarm", {"path": "no.such.alarm", "open": True})
    assert not tab.view.opened


async def test_a_measurand_that_a_charger_brings_is_on_its_page_at_once(world: Any) -> None:
    tab, wire = await world.open("/charger/{path}", "Depot.CP03")
    await tab.act("show", {})
    await tab.refresh(1.0)
    learned = world.learn(f"{CONNECTOR}.Measured_Frequency")
    tab.touch_branch(learned)
    await tab.refresh(3.0)
    html = {p["slot"]: p["html"] for event, p, _ in wire.sent if event == "scada_fragment"}
    assert "Measured_Frequency" in html[f"tags-{CONNECTOR}"]
    assert "tags-Depot.CP03.C1" not in html


def _fragments(wire: Any, path: str) -> list[str]:
    return [
        p["html"] for event, p, _ in wire.sent if event == "scada_fragment" and p["slot"] == f"alarm-{path}"
    ]
