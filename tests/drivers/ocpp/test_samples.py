"""Measurands that no template names."""

from __future__ import annotations

import pytest

from scada.core.tag import Source, Tag, TagDefinition
from scada.core.value import Kind
from scada.drivers.ocpp.samples import LEARNED_MAX, ConnectorSamples


def connector() -> tuple[ConnectorSamples, list[Tag]]:
    learned: list[Tag] = []

    def learn(definition: TagDefinition) -> Tag:
        learned.append(Tag(definition, len(learned)))
        return learned[-1]

    bare = TagDefinition(path="Depot.CP01.C1", kind=Kind.REGISTER, source=Source.DRIVER)
    return ConnectorSamples([], learn, bare), learned


@pytest.mark.parametrize(
    ("first", "kept", "unit", "raw", "value"),
    [
        ("kW", "kW", "kW", 3.0, 3.0),
        ("kW", "kW", "W", 1500.0, 1.5),
        ("W", "W", "kW", 1.5, 1500.0),
        ("Celsius", "°C", "Fahrenheit", 212.0, 100.0),
        ("Fahrenheit", "°C", "Fahrenheit", 212.0, 100.0),
        ("K", "°C", "Celsius", 20.0, 20.0),
        ("furlong", "", "furlong", 7.0, 7.0),
    ],
)
def test_a_learned_tag_keeps_its_unit_whatever_the_next_sample_has(
    first: str, kept: str, unit: str, raw: float, value: float
) -> None:
    samples, learned = connector()
    assert samples.sink("Custom.P", "", "", first) is not None
    for location in ("", "Outlet"):
        sink = samples.sink("Custom.P", "", location, unit)
        assert sink is not None
        tag, factor, offset, _, _, register_factor, _ = sink
        assert raw * factor + offset == pytest.approx(value)
        assert (tag.definition.unit, register_factor) == (kept, 0.0)
    assert [tag.path for tag in learned] == ["Depot.CP01.C1.Measured_Custom_P"]


def test_a_flood_of_names_makes_no_flood_of_tags() -> None:
    samples, learned = connector()
    for number in range(1_000):
        samples.sink(f"Vendor.M{number}", "L1", "", "kW")
    assert len(learned) == LEARNED_MAX
