"""Values to browsers: one message a site, the newest value, nothing to nobody."""

from __future__ import annotations

from typing import Any

from scada.hmi.alarm_feed import AlarmFeed
from scada.hmi.pump import Pump


async def test_many_changes_are_one_message_with_the_newest_value(world: Any) -> None:
    sent: list[tuple[str, Any, str]] = []
    seen: list[set[int]] = []

    async def emit(event: str, payload: Any, room: str) -> None:
        sent.append((event, payload, room))

    pump = Pump(emit, lambda: {"Depot"}, seen.append)
    end = world.host.subscribe_changes(pump.take)
    for value in (1.0, 2.0, 3.0):
        world.write("Depot.CP01.C1.ActivePower", value)
        world.write("Depot.CP02.C1.ActivePower", value)
        world.host.cycle()
    world.write("System.LoopLag", 5.0)
    world.host.cycle()
    end()
    await pump.flush()
    (only,) = sent
    assert only[0] == "scada_tags"
    assert only[2] == "scada.tags.Depot"
    index = world.host.tags["Depot.CP01.C1.ActivePower"].index
    assert only[1]["v"][only[1]["i"].index(index)] == 3.0
    assert index in seen[0]
    await pump.flush()
    assert len(sent) == 1


async def test_nothing_is_sent_while_nobody_looks(world: Any) -> None:
    sent: list[object] = []

    async def emit(event: str, payload: Any, room: str) -> None:
        sent.append(event)

    pump = Pump(emit, set, lambda _: None)
    end = world.host.subscribe_changes(pump.take)
    world.write("Depot.CP01.C1.ActivePower", 1.0)
    world.host.cycle()
    end()
    await pump.flush()
    await AlarmFeed(world.host, emit, list).send()
    assert sent == []
