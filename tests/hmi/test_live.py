"""Places for live values."""

from __future__ import annotations

from typing import Any

from scada.hmi.live import Live

HOSTILE = '"><script>'


def test_a_place_names_tags_format_and_data(world: Any) -> None:
    live = Live(world.host.tags)
    power = world.host.tags["Depot.CP01.C1.ActivePower"]
    html = live.number(power.path, 1)
    assert f'data-t="{power.index}"' in html
    assert 'data-f="number"' in html
    assert 'data-d="1"' in html
    assert live.used == {power.index}


def test_kinds_choose_their_format(world: Any) -> None:
    live = Live(world.host.tags)
    formats = {
        "Depot.CP01.C1.Status": "word",
        "Depot.CP01.C1.IdTag": "text",
        "Depot.CP01.Online": "word",
        "Depot.CP01.BootTime": "datetime",
        "Depot.CP01.C1.ActivePower": "number",
    }
    for path, kind in formats.items():
        assert f'data-f="{kind}"' in live.value(path), path


def test_a_tag_that_is_not_there_breaks_nothing(world: Any) -> None:
    live = Live(world.host.tags)
    assert live.value("Depot.CP01.C1.Nothing") == "–"
    assert 'data-t="-1"' in live.number("Depot.CP01.C1.Nothing")
    assert live.used == set()


def test_data_is_escaped(world: Any) -> None:
    html = Live(world.host.tags).place("bar", "Depot.ChargingPower", max=HOSTILE)
    assert "<script>" not in html


def test_snapshot_holds_raw_values_and_quality(world: Any) -> None:
    live = Live(world.host.tags)
    live.number("Depot.CP01.C1.ActivePower")
    world.write("Depot.CP01.C1.ActivePower", 5.5)
    snapshot = live.snapshot()
    assert snapshot["v"] == [5.5]
    assert snapshot["q"] == [0]
    assert snapshot["t"] == [world.clock.now_us() // 1000]
