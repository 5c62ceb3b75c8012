"""The alarm list: filters, groups, bounds, and what a role sees of it."""

from __future__ import annotations

from typing import Any

import pytest

from scada.core.access import Right, Role
from scada.core.value import GOOD
from scada.hmi import alarm_list, alarms
from scada.hmi.alarm_feed import AlarmFeed, Reader, summary_room
from scada.hmi.alarm_list import AlarmFilter, listed


def show(world: Any, user: str = "admin", language: str = "en", **query: str) -> dict[str, Any]:
    return listed(world.host, language, world.actor(user), AlarmFilter.of(query))


def paths(shown: dict[str, Any]) -> list[str]:
    return [row["path"] for row in shown["rows"]]


@pytest.fixture
async def troubled(world: Any) -> Any:
    """Over-voltage (level 22) on CP03.C2, a weak signal (level 6, needs no acknowledgement) on CP05.C1, then a hot
    connector (14 and 26) on CP08."""
    world.online("Depot.CP05", "Depot.CP08")
    world.fault("Depot.CP03.C2")
    await world.settle()
    world.write("Depot.CP05.C1.ErrorCode", "WeakSignal")
    await world.settle()
    world.write("Depot.CP08.C1.Temperature", 90.0)
    await world.settle()
    return world


async def test_most_pressing_first(troubled: Any) -> None:
    shown = show(troubled)
    assert [row["level"] for row in shown["rows"]] == [26, 22, 14, 6]
    assert (shown["total"], shown["fits"], shown["waiting"], shown["groups"]) == (4, 4, 3, [])


@pytest.mark.parametrize(
    ("query", "levels"),
    [
        ({"site": "Depot"}, [26, 22, 14, 6]),
        ({"site": "Elsewhere"}, []),
        ({"prio": "2"}, [22]),
        ({"domain": "communication"}, [6]),
        ({"branch": "Depot.CP08"}, [26, 14]),
        ({"branch": "Depot.CP0"}, []),
        ({"kind": "error_over_voltage"}, [22]),
        ({"text": "cp08 very"}, [26]),
        ({"text": "SIGNAL"}, [6]),
        ({"state": "unack"}, [26, 22, 14]),
        ({"state": "ack"}, [6]),
        ({"state": "latched"}, []),
        ({"state": "nonsense"}, [26, 22, 14, 6]),
        ({"order": "newest"}, [26, 14, 6, 22]),
    ],
)
async def test_filters(troubled: Any, query: dict[str, str], levels: list[int]) -> None:
    assert [row["level"] for row in show(troubled, **query)["rows"]] == levels


async def test_a_word_is_searched_in_the_readers_language(troubled: Any) -> None:
    assert paths(show(troubled, language="fr", text="élevée"))
    assert not paths(show(troubled, language="en", text="élevée"))


async def test_the_first_of_a_group_is_marked(troubled: Any) -> None:
    marked = [row["path"] for row in show(troubled)["rows"] if row["first"]]
    assert marked == ["Depot.CP03.C2.ErrorOverVoltage"]


async def test_groups_on_request_and_when_they_are_many(
    troubled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = show(troubled, group="place")["groups"]
    assert [(one["by"], one["key"], one["count"]) for one in places] == [
        ("branch", "Depot.CP08.C1", 2),
        ("branch", "Depot.CP03.C2", 1),
        ("branch", "Depot.CP05.C1", 1),
    ]
    monkeypatch.setattr(alarm_list, "GROUP_ABOVE", 3)
    monkeypatch.setattr(alarm_list, "ROWS_MAX", 2)
    shown = show(troubled)
    assert len(shown["rows"]) == 2
    assert shown["groups"][0]["key"] == "temperature_very_high"
    assert show(troubled, group="none")["groups"] == []


async def test_a_role_sees_its_levels_and_may_act_at_its_own(troubled: Any) -> None:
    rows = show(troubled, "night")["rows"]
    assert [(row["level"], row["may_ack"], row["may_mask"]) for row in rows] == [
        (26, False, False),
        (22, True, True),
    ]
    assert show(troubled, "night")["total"] == 2
    assert not any(row["may_ack"] or row["may_mask"] for row in show(troubled, "guest")["rows"])
    night = troubled.actor("night").scope
    summary = alarms.summary(troubled.host, "en", night)
    assert (summary["unacknowledged"], summary["banner"]["level"]) == (2, 26)
    assert "Depot.CP05.C1" not in summary["marks"]


async def test_sites_and_domains_bound_a_role(troubled: Any) -> None:
    for scope, levels in (
        (Role(sites=frozenset({"Elsewhere"})), []),
        (Role(domains=frozenset({"communication"})), [6]),
    ):
        views = troubled.host.board.views(role=scope)
        assert [view.level for view in views] == levels
    view = troubled.host.board.get("Depot.CP03.C2.ErrorOverVoltage")
    assert alarms.may(troubled.actor("admin"), Right.MASK, view.definition, view.site, view.domain)


async def test_pages_of_one_role_share_what_is_made(troubled: Any) -> None:
    sent: list[tuple[str, Any, str]] = []

    async def emit(event: str, payload: Any, room: str) -> None:
        sent.append((event, payload, room))

    admin, night = troubled.actor("admin"), troubled.actor("night")
    readers = [
        Reader("en", admin, "a", AlarmFilter()),
        Reader("en", admin, "b", AlarmFilter()),
        Reader("en", admin, "c", AlarmFilter(prio="2")),
        Reader("fr", admin, "d", None),
        Reader("en", night, "e", None),
    ]
    await AlarmFeed(troubled.host, emit, lambda: readers).send()
    rooms = [room for event, _, room in sent if event == "scada_alarms"]
    assert rooms == [
        summary_room("en", admin.scope),
        summary_room("fr", admin.scope),
        summary_room("en", night.scope),
    ]
    lists = {room: payload for event, payload, room in sent if event == "scada_alarmlist"}
    assert set(lists) == {"a", "b", "c"}
    assert lists["a"] is lists["b"]
    assert [row["level"] for row in lists["c"]["rows"]] == [22]


async def test_a_flood_is_bounded_rows_and_whole_counts(flood_world: Any) -> None:
    world = flood_world
    tags, now_us = world.host.tags, world.clock.now_us()
    world.host.write([(tag, True, GOOD, now_us) for tag in tags.select("Depot.Flood.*")])
    await world.settle()
    shown = show(world)
    assert shown["fits"] == shown["waiting"] == 10_000
    assert len(shown["rows"]) == alarm_list.ROWS_MAX
    assert len(shown["groups"]) == 21
    assert shown["groups"][0]["key"] == "flood_top"
    assert alarms.summary(world.host, "en", Role())["banner"]["path"] == "Depot.Flood.B05000"
    assert len(show(world, "night")["rows"]) == alarm_list.ROWS_MAX
    assert show(world, "night")["fits"] < 10_000
