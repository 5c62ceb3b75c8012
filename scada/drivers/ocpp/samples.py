"""Sampled values to tags.

What a connector's samples mean is worked out once for each combination of measurand, phase, location and unit,
and then looked up. A tag's address is the measurand, with `@phase` where it is of one phase; the factor takes
the unit of the sample and the tag's gain into account, so that tags hold engineering units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from scada.core.database import TagDatabase
from scada.core.plant import Charger
from scada.core.tag import HistoryRule, Source, Tag, TagDefinition
from scada.core.units import UNITS
from scada.core.value import Kind

DEFAULT_MEASURAND = "Energy.Active.Import.Register"

_TO_BASE = {
    "kW": 1000.0,
    "kWh": 1000.0,
    "kvar": 1000.0,
    "kvarh": 1000.0,
    "kVA": 1000.0,
    "Fahrenheit": None,
    "K": None,
}
"""Units that are not the base unit of their measurand: factor, or None where an offset is needed."""

SINKS_MAX = 200
"""Combinations remembered a connector; further ones are worked out each time."""

_PHASES = {"L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}

Sink = tuple[Tag, float, float, float]
"""(tag, factor, offset, register_factor): engineering value = raw × factor + offset; for the energy register
register_factor gives Wh, for everything else it is 0."""


LEARNED_MAX = 40
"""Measurands that no template names and that become tags all the same, a connector."""

_LEARNED_UNITS = {"Percent": "%", "Celsius": "°C", "Fahrenheit": "°C", "K": "°C"}
"""Units of OCPP that are called otherwise here."""


class ConnectorSamples:
    """The tags of one connector that samples feed.

    A measurand that no template names becomes a tag of its own with the first sample.
    """

    def __init__(
        self, tags: Iterable[Tag], learn: Callable[[TagDefinition], Tag | None], definition: TagDefinition
    ) -> None:
        self._by_address = {tag.definition.address: tag for tag in tags if tag.definition.address}
        self._sinks: dict[tuple[str, str, str, str], Sink | None] = {}
        self._learn = learn
        self._learned = 0
        self._definition = definition
        """What a learned tag begins from: path of the connector, site and device."""

    def sink(self, measurand: str, phase: str, location: str, unit: str) -> Sink | None:
        """Where a sample goes, or None."""
        key = (measurand, phase, location, unit)
        try:
            found = self._sinks[key]
        except KeyError:
            found = self._find(measurand, phase, location, unit)
            if len(self._sinks) < SINKS_MAX:  # a charger may send what it likes; memory is ours
                self._sinks[key] = found
        return found

    def zero(self) -> list[Tag]:
        """The tags that are zero when no vehicle draws: power and currents."""
        return [
            tag
            for address, tag in self._by_address.items()
            if address.startswith(("Power.Active.Import", "Current.Import"))
        ]

    def _find(self, measurand: str, phase: str, location: str, unit: str) -> Sink | None:
        address = measurand or DEFAULT_MEASURAND
        if phase:
            address = f"{address}@{_PHASES.get(phase, phase)}"
        tag = self._by_address.get(f"{address}#{location}") if location else None
        # SoC comes from the vehicle and temperatures from cable or body; only the inlet is another measuring point.
        if tag is None and location != "Inlet":
            tag = self._by_address.get(address)
        if tag is None:
            tag = self._new(address, location, unit)
        if tag is None:
            return None
        gain, shift = tag.definition.gain, tag.definition.offset
        if unit == "Fahrenheit":
            return tag, gain * 5 / 9, shift - gain * 160 / 9, 0.0
        if unit == "K":
            return tag, gain, shift - gain * 273.15, 0.0
        to_base = _TO_BASE.get(unit) or 1.0
        return tag, gain * to_base, shift, to_base if address == DEFAULT_MEASURAND else 0.0

    def _new(self, address: str, location: str, unit: str) -> Tag | None:
        """A tag for a measurand that no template names. It keeps the unit of the first sample."""
        if self._learned >= LEARNED_MAX:
            return None
        whole = f"{address}#{location}" if location == "Inlet" else address
        leaf = re.sub(r"[^A-Za-z0-9]+", "_", whole)[:60].strip("_")
        if not leaf:
            return None
        self._learned += 1
        tag = self._learn(
            replace(
                self._definition,
                path=f"{self._definition.path}.Measured_{leaf}",
                address=whole,
                unit=_LEARNED_UNITS.get(unit, unit if unit in UNITS else ""),
                gain=1 / (_TO_BASE.get(unit) or 1.0),
                label={"en": whole[:80]},
            )
        )
        if tag is not None:
            self._by_address[whole] = tag
        return tag


def connector_samples(database: TagDatabase, path: str, charger: Charger) -> ConnectorSamples:
    """The samples of the connector at `path`."""

    def learn(definition: TagDefinition) -> Tag | None:
        known = database.get(definition.path)
        return known if known is not None else database.add(definition)

    definition = TagDefinition(
        path=path,
        kind=Kind.REGISTER,
        source=Source.DRIVER,
        decimals=2,
        nature="learned",
        history=HistoryRule(),
        site=charger.site,
        device=charger.path,
    )
    return ConnectorSamples(database.select(f"{path}.*"), learn, definition)
