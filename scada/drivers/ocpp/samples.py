"""Sampled values to tags.

What a connector's samples mean is worked out once for each combination of measurand, phase, location and unit, and then
looked up. A tag's address is the measurand, with `@phase` where it is of one phase; the factor takes the unit of the
sample and the tag's gain into account, so that tags hold engineering units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from scada.core.database import TagDatabase
from scada.core.path import parent
from scada.core.plant import Charger, Current
from scada.core.tag import HistoryRule, Source, Tag, TagDefinition
from scada.core.units import UNITS
from scada.core.value import GOOD, SECOND_US, Kind, Quality, TimeUs
from scada.drivers.ocpp.measurands import DEFAULT_MEASURAND, canonical_unit, oddity, shown_unit, to_base

SINKS_MAX = 200
"""Combinations remembered a connector; further ones are worked out each time."""
LEARNED_MAX = 40
"""Measurands that no template names and that become tags all the same, a connector."""
WATCHED_EVERY_US = 60 * SECOND_US
WATCHED_WH = 500.0
"""The register is compared with the power after each such energy."""
WATCHED_FACTOR = 20.0
"""The power is sampled, so it tells a wrong unit (1,000) from a right one, and no more."""
VALUE_MAX = 1e12
"""Beyond any quantity of a charger in any unit; integers up to here are exact as floats."""

_PHASES = {"L1-N": "L1", "L2-N": "L2", "L3-N": "L3"}
_SUMMED = ("Power.Active.", "Power.Reactive.", "Energy.")
_REGISTER, _POWER = DEFAULT_MEASURAND, "Power.Active.Import"


class PhaseSum:
    """The total of a measurand that a charger gives by phase only.

    Attributes:
        off: the charger gives the total itself.
    """

    __slots__ = ("off", "register_factor", "tag", "values")

    def __init__(self, tag: Tag, register: bool) -> None:
        self.tag = tag
        self.off = False
        self.register_factor = 1.0 if register else 0.0
        self.values: dict[str, float] = {}
        """Phase → value in the base unit, of the meter value that is being read."""


@dataclass(slots=True)
class Special:
    """What is not ordinary about a sink.

    Attributes:
        odd: how it departs from the standard, counted with each sample; empty: it does not.
        phase, base: the phase that it is of, and what makes the base unit of its raw value, for `total`.
    """

    quality: int = GOOD
    odd: str = ""
    phase: str = ""
    base: float = 1.0
    total: PhaseSum | None = None


Sink = tuple[Tag, float, float, float, float, float, Special | None]
"""(tag, factor, offset, low, high, register_factor, special): engineering value = raw × factor + offset; outside low..high
it is looked at more closely; for the energy register register_factor gives Wh, for everything else it is 0."""


class ConnectorSamples:
    """The tags that the samples of one connector feed (or of the charger as a whole).

    A measurand that no template names becomes a tag of its own with the first sample.

    Attributes:
        newest_us: time of the newest sample that became a live value.
    """

    def __init__(
        self,
        tags: Iterable[Tag],
        learn: Callable[[TagDefinition], Tag | None],
        definition: TagDefinition,
        *,
        single_phase: bool = False,
    ) -> None:
        self.newest_us: TimeUs = 0
        self._by_address = {tag.definition.address: tag for tag in tags if tag.definition.address}
        self._sinks: dict[tuple[str, str, str, str], Sink | None] = {}
        self._sums: dict[str, PhaseSum] = {}
        self._scale: Mapping[str, float] = {}
        self._learn = learn
        self._learned = 0
        self._definition = definition
        """What a learned tag begins from: path of the connector, site and device."""
        self._single_phase = single_phase
        self._watch = _RegisterWatch(self._by_address.get(_POWER), self._by_address.get(_REGISTER))

    def scale(self, factors: Mapping[str, float]) -> None:
        """The charger has told its make: its values are multiplied with these; what was worked out is forgotten."""
        self._scale = factors
        self._sinks.clear()
        self._sums.clear()

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

    def base_value(self, measurand: str) -> float | None:
        """The value that stands in the base unit (Wh, W, A …), or None."""
        return _base(self._by_address.get(measurand))

    def zero(self) -> list[Tag]:
        """The tags that are zero when no vehicle draws: power and currents."""
        return [
            tag
            for address, tag in self._by_address.items()
            if address.startswith(("Power.Active.Import", "Current.Import"))
        ]

    def follows(self, now_us: TimeUs) -> str:
        """Compare what the register counted with what flowed; returns what is odd about it, or empty."""
        watch = self._watch
        if now_us - watch.seen_us < WATCHED_EVERY_US or not watch.look(now_us):
            return ""
        doubtful = watch.doubtful
        for key, sink in list(self._sinks.items()):
            if sink is not None and sink[5]:
                del self._sinks[key]  # its quality is another now
        return f"{_REGISTER} does not follow the power: wrong unit?" if doubtful else ""

    def _find(self, measurand: str, phase: str, location: str, unit: str) -> Sink | None:
        name = measurand or DEFAULT_MEASURAND
        tag = self._tag(name, phase, location, unit)
        if tag is None:
            return None
        odd, meaningful = oddity(name, unit)
        unit = canonical_unit(unit)
        definition = tag.definition
        scale = self._scale.get(name, 1.0)
        is_register = name == _REGISTER and not phase and location != "Inlet"
        quality = GOOD
        if not meaningful or (is_register and self._watch.doubtful):
            quality = int(Quality.UNCERTAIN_SUB_NORMAL)
        base = to_base(unit) * scale
        total = self._total(name, phase, location) if meaningful else None
        special = Special(quality, odd, phase, base, total) if quality or odd or total else None
        low, high = _bounds(definition)
        gain, shift = definition.gain, definition.offset
        if unit == "Fahrenheit":
            return tag, gain * scale * 5 / 9, shift - gain * 160 / 9, low, high, 0.0, special
        if unit == "K":
            return tag, gain * scale, shift - gain * 273.15, low, high, 0.0, special
        return tag, gain * base, shift, low, high, base if is_register and meaningful else 0.0, special

    def _tag(self, name: str, phase: str, location: str, unit: str) -> Tag | None:
        address = f"{name}@{_PHASES.get(phase, phase)}" if phase else name
        tag = self._by_address.get(f"{address}#{location}") if location else None
        # SoC comes from the vehicle and temperatures from cable or body; only the inlet is another measuring point.
        if tag is None and location != "Inlet":
            tag = self._by_address.get(address)
            if tag is None and self._single_phase and not phase:
                tag = self._by_address.get(f"{address}@L1")
        return self._new(address, location, unit) if tag is None else tag

    def _total(self, name: str, phase: str, location: str) -> PhaseSum | None:
        """The sum that a sample of one phase belongs to; a total of the charger's own switches the sum off."""
        if not name.startswith(_SUMMED) or location == "Inlet":
            return None
        if not phase:
            if name in self._sums:
                self._sums[name].off = True
            elif (tag := self._by_address.get(name)) is not None:
                self._sums[name] = PhaseSum(tag, name == _REGISTER)
                self._sums[name].off = True
            return None
        if _PHASES.get(phase, phase) not in ("L1", "L2", "L3") or name not in self._by_address:
            return None
        return self._sums.setdefault(name, PhaseSum(self._by_address[name], name == _REGISTER))

    def _new(self, address: str, location: str, unit: str) -> Tag | None:
        """A tag for a measurand that no template names. It keeps the unit of the first sample."""
        if self._learned >= LEARNED_MAX:
            return None
        whole = f"{address}#{location}" if location == "Inlet" else address
        leaf = re.sub(r"[^A-Za-z0-9]+", "_", whole)[:60].strip("_")
        if not leaf:
            return None
        self._learned += 1
        unit = canonical_unit(unit)
        shown = shown_unit(unit)
        tag = self._learn(
            replace(
                self._definition,
                path=f"{self._definition.path}.Measured_{leaf}",
                address=whole,
                unit=shown if shown in UNITS else "",
                gain=1 / to_base(unit),
                label={"en": whole[:80]},
            )
        )
        if tag is not None:
            self._by_address[whole] = tag
        return tag


class _RegisterWatch:
    """Whether the energy register counts what flows: a charger that sends kWh and says Wh is off by a thousand."""

    def __init__(self, power: Tag | None, register: Tag | None) -> None:
        self._power, self._register = power, register
        self.seen_us: TimeUs = 0
        self.doubtful = False
        self._power_w = 0.0
        self._flowed_wh = 0.0
        self._began_wh: float | None = None

    def look(self, now_us: TimeUs) -> bool:
        """Take the values that stand. Returns whether a comparison was due and changed the verdict, or found it doubtful."""
        power_w, register_wh = _base(self._power), _base(self._register)
        elapsed_us, self.seen_us = now_us - self.seen_us, now_us
        before_w, self._power_w = self._power_w, power_w or 0.0
        if power_w is None or register_wh is None:
            self._began_wh = None
            return False
        began_wh = self._began_wh
        if began_wh is None or register_wh < began_wh or elapsed_us > 10 * WATCHED_EVERY_US:
            self._began_wh, self._flowed_wh = register_wh, 0.0
            return False
        self._flowed_wh += (before_w + power_w) / 2 * elapsed_us / (3600 * SECOND_US)
        if self._flowed_wh < WATCHED_WH:
            return False
        ratio = (register_wh - began_wh) / self._flowed_wh
        was, self.doubtful = self.doubtful, not 1 / WATCHED_FACTOR < ratio < WATCHED_FACTOR
        self._began_wh, self._flowed_wh = register_wh, 0.0
        return was or self.doubtful


def _base(tag: Tag | None) -> float | None:
    """The value of a tag in the base unit of its measurand."""
    if tag is None or not isinstance(tag.value, (int, float)) or not tag.definition.gain:
        return None
    return (tag.value - tag.definition.offset) / tag.definition.gain


def _bounds(definition: TagDefinition) -> tuple[float, float]:
    """Within them a value is taken without a second look: the instrument range, and as much again on both sides."""
    low, high = definition.low, definition.high
    if low is None or high is None or high <= low:
        return -VALUE_MAX, VALUE_MAX
    span = high - low
    return low - span, high + span


def connector_samples(database: TagDatabase, charger: Charger, number: int) -> ConnectorSamples:
    """The samples of a connector; 0: of the charger as a whole."""
    connector = charger.connector(number)
    path = connector.path if connector else charger.path

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
    own = [tag for tag in database.below(path) if parent(tag.path) == path]
    single = connector is not None and connector.phases == 1 and connector.current is Current.AC
    return ConnectorSamples(own, learn, definition, single_phase=single)
