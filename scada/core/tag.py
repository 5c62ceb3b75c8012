"""Tags: what is configured of one (`TagDefinition`, frozen) and what lives (`Tag`, mutable, owned by the database)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from scada.core.value import Kind, Quality, TimeUs, Value

Texts = Mapping[str, str]
"""Language code → text, for example {"en": "Power", "fr": "Puissance"}."""


class Source(Enum):
    """Who writes a tag."""

    DRIVER = "driver"
    THRESHOLD = "threshold"
    AGGREGATE = "aggregate"
    COUNTER = "counter"
    INTERNAL = "internal"


class Direction(Enum):
    """Which side of a limit is abnormal."""

    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDefinition:
    """Alarm behaviour of a bit (ISA-18.2 6.5).

    Attributes:
        level: 0 (lowest) to 29 (highest).
        abnormal: the state of the bit that is abnormal.
        on_delay_us: how long the bit must stay abnormal before the alarm is raised.
        off_delay_us: how long it must stay normal before the alarm returns to normal.
        needs_acknowledgement: without it the alarm is gone when the bit returns to normal.
    """

    level: int
    abnormal: bool = True
    on_delay_us: int = 0
    off_delay_us: int = 0
    needs_acknowledgement: bool = True
    message: Texts = field(default_factory=dict)
    cause: Texts = field(default_factory=dict)
    consequence: Texts = field(default_factory=dict)
    guidance: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdDefinition:
    """A limit on a register. It sets and clears the bit `<register path>.<name>`.

    Attributes:
        hysteresis: how far the value must come back over the limit before the bit clears; same unit.
    """

    name: str
    direction: Direction
    limit: float
    hysteresis: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateDefinition:
    """A register that is the sum of others: the tags that `pattern` selects when the project is loaded."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRule:
    """What may be written to a tag from outside; a tag without one is read-only.

    The right that is needed is always `Right.OPERATE`; `low` and `high` bound a register.
    """

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDefinition:
    """One configured tag.

    Attributes:
        path: see `scada.core.path`.
        unit: symbol out of `scada.core.units.UNITS`, or empty.
        decimals: digits to show after the point.
        low, high: instrument range (OPC UA EURange), or None.
        gain: raw value of the driver × gain = engineering value.
        deadband: a new value nearer than this to the last is no event; same unit as the tag.
        address: where the driver finds it, for example `Power.Active.Import` or `Power.Active.Import@L1`.
        choices: for a Text with a fixed set of states (OPC UA MultiStateDiscrete), in order.
        record: every change goes to history.
        site: path of the site that the tag belongs to; empty for `System.*`.
        device: path of the charger or meter whose link feeds the tag, or empty.
    """

    path: str
    kind: Kind
    source: Source
    unit: str = ""
    decimals: int = 0
    low: float | None = None
    high: float | None = None
    gain: float = 1.0
    deadband: float = 0.0
    address: str = ""
    choices: tuple[str, ...] = ()
    initial: Value = None
    write: WriteRule | None = None
    thresholds: tuple[ThresholdDefinition, ...] = ()
    aggregate: AggregateDefinition | None = None
    alarm: AlarmDefinition | None = None
    domain: str = ""
    nature: str = ""
    record: bool = False
    site: str = ""
    device: str = ""
    label: Texts = field(default_factory=dict)
    description: Texts = field(default_factory=dict)


class Watch:
    """Whoever must react at once to a tag: called when the value leaves `low..high` or is not Good.

    Within the band nothing is called, so a register with four thresholds costs one comparison.
    `low > high` means: at each change.
    """

    __slots__ = ("high", "low", "react")

    def __init__(
        self,
        react: Callable[[Tag, TimeUs], None],
        low: float = float("inf"),
        high: float = float("-inf"),
    ) -> None:
        self.low = low
        self.high = high
        self.react = react


class Tag:
    """A live tag. Only the TagDatabase changes it; everybody may read it.

    Attributes:
        index: stable number within one run; used on the wire to browsers.
        value, quality: see `scada.core.value`.
        source_us: the device's own time of the value where the protocol carries one.
        server_us: when the value reached us.
    """

    __slots__ = (
        "deadband",
        "definition",
        "dirty",
        "index",
        "path",
        "quality",
        "record",
        "server_us",
        "source_us",
        "value",
        "watch",
    )

    def __init__(self, definition: TagDefinition, index: int) -> None:
        self.definition = definition
        self.path = definition.path
        self.index = index
        self.value: Value = definition.initial
        self.quality: int = (
            Quality.GOOD if definition.initial is not None else Quality.BAD_WAITING_FOR_INITIAL_DATA
        )
        self.source_us: TimeUs = 0
        self.server_us: TimeUs = 0
        self.deadband = definition.deadband
        self.record = definition.record
        self.watch: Watch | None = None
        self.dirty = False

    def __repr__(self) -> str:
        return f"<Tag {self.path} = {self.value!r} 0x{self.quality:08X}>"
