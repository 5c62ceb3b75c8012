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
    EXPRESSION = "expression"
    COUNTER = "counter"
    INTERNAL = "internal"


class Condition(Enum):
    """What a threshold looks at."""

    HIGH = "high"
    """The value is above the limit."""
    LOW = "low"
    """The value is below the limit."""
    RATE = "rate"
    """The value changes faster than the limit, up or down; limit in units per second."""
    DEVIATION = "deviation"
    """The value is further than the limit from that of another tag."""
    STALE = "stale"
    """No usable value came for the limit in seconds, or the quality is Bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmDefinition:
    """Alarm behaviour of a bit (ISA-18.2 6.5).

    Attributes:
        level: 0 (lowest) to 29 (highest), as shown and counted.
        acknowledge_level, mask_level: what an account's ranges must hold to acknowledge, and to shelve or
            take out of service; None: the same as `level`.
        abnormal: the state of the bit that is abnormal.
        on_delay_us: how long the bit must stay abnormal before the alarm is raised.
        off_delay_us: how long it must stay normal before the alarm returns to normal.
        needs_acknowledgement: without it the alarm is gone when the bit returns to normal.
        latching: it stays until an operator resets it, even when the bit is normal again.
        name: of the entry in the catalogue of alarms, or empty.
        page: path within the HMI where the alarm is handled, or empty: the page of its device.
        value: name of a tag in the bit's branch, or one above, whose value is noted with a transition; empty: that of
            the register that the bit is a threshold of.
    """

    level: int
    acknowledge_level: int | None = None
    mask_level: int | None = None
    abnormal: bool = True
    on_delay_us: int = 0
    off_delay_us: int = 0
    needs_acknowledgement: bool = True
    latching: bool = False
    name: str = ""
    page: str = ""
    value: str = ""
    message: Texts = field(default_factory=dict)
    cause: Texts = field(default_factory=dict)
    consequence: Texts = field(default_factory=dict)
    guidance: Texts = field(default_factory=dict)

    @property
    def level_to_acknowledge(self) -> int:
        """The level that an account's range for acknowledging must hold."""
        return self.level if self.acknowledge_level is None else self.acknowledge_level

    @property
    def level_to_mask(self) -> int:
        """The level that an account's range for masking must hold."""
        return self.level if self.mask_level is None else self.mask_level


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdDefinition:
    """A limit on a register. It sets and clears the bit `<register path>.<name>`.

    Attributes:
        limit: constant limit; see `Condition` for its unit.
        limit_tag: path of the register that holds the limit instead of `limit`, or empty.
        reference: for DEVIATION, path of the register that the value is compared with.
        hysteresis: how far the value must come back over the limit before the bit clears; unit of the limit.
        on_delay_us, off_delay_us: how long the condition must hold, or not hold, before the bit changes.
    """

    name: str
    condition: Condition
    limit: float = 0.0
    limit_tag: str = ""
    reference: str = ""
    hysteresis: float = 0.0
    on_delay_us: int = 0
    off_delay_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionText:
    """An expression as it stands in a file (language: `scada.core.expression`).

    Attributes:
        scope: word → path of a branch, in whose place the word may stand: `this`, `connector`, `charger`, `meter`,
            `site`.
        place: file and key, for error messages.
    """

    text: str
    scope: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRule:
    """What of a tag goes to history.

    Attributes:
        deadband: a value nearer than this to the last one kept is not kept; unit of the tag. 0: each change.
        every_us: keep a value each so often instead of at changes; 0: at changes.
        retention: name of the class that says how long it is kept.
    """

    deadband: float = 0.0
    every_us: int = 0
    retention: str = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRule:
    """What may be written to a tag from outside; a tag without one is read-only.

    Attributes:
        low, high: bounds of a register; None: those of the tag.
        right: name of the right that is needed (`scada.core.access.Right`).
        confirm: an operator is asked before it is written.
        command: name of the command that a write becomes (`scada.core.catalogue.CATALOGUE`); its target is the device
            of the tag. Empty: the tag itself is written.
        argument: the command's argument that takes the value.
        values: value as text (`true`, `false`, or the text) → what the argument takes; empty: the value itself.
    """

    low: float | None = None
    high: float | None = None
    right: str = "operate"
    confirm: bool = False
    command: str = ""
    argument: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDefinition:
    """One configured tag.

    Attributes:
        path: see `scada.core.path`.
        unit: symbol out of `scada.core.units.UNITS`, or empty.
        decimals: digits to show after the point.
        low, high: instrument range (OPC UA EURange), or None.
        gain, offset: raw value of the driver × gain + offset = engineering value.
        deadband: a new value nearer than this to the last is no event; same unit as the tag.
        address: where the driver finds it, for example `Power.Active.Import` or `Power.Active.Import@L1`.
        choices: for a Text with a fixed set of states (OPC UA MultiStateDiscrete), in order.
        expression: what an expression tag is worth.
        watchdog_us: a value that has not changed for so long is Bad, though its device speaks; 0: none.
        retain: the value survives a restart.
        history: what goes to history; None: nothing.
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
    offset: float = 0.0
    deadband: float = 0.0
    address: str = ""
    choices: tuple[str, ...] = ()
    initial: Value = None
    write: WriteRule | None = None
    thresholds: tuple[ThresholdDefinition, ...] = ()
    expression: ExpressionText | None = None
    alarm: AlarmDefinition | None = None
    domain: str = ""
    nature: str = ""
    watchdog_us: int = 0
    retain: bool = False
    history: HistoryRule | None = None
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


Gate = Callable[["Tag", Value, int, TimeUs, TimeUs], bool]
"""Stands before a tag: takes (tag, value, quality, source time, now), and returns whether it kept the value back.
Value None: the quality alone changes."""


class Recording:
    """Of a tag whose changes go to history: how small a change does not, and what went there last."""

    __slots__ = ("_quality", "_value", "deadband")

    def __init__(self, deadband: float) -> None:
        self.deadband = deadband
        self._value: Value = None
        self._quality = -1

    def takes(self, value: Value, quality: int) -> bool:
        """Whether a value differs enough from the last one that was taken; if so it is the last one from now on."""
        last = self._value
        if (
            quality == self._quality
            and last is not None
            and value is not None
            and -self.deadband < value - last < self.deadband  # type: ignore[operator]
        ):
            return False
        self._value, self._quality = value, quality
        return True

    def forget(self) -> None:
        """The next value goes to history, whatever it is."""
        self._quality = -1


class Tag:
    """A live tag. Everybody may read it; it changes by calls of the `TagDatabase` (and its gate by `substitution`).

    Attributes:
        index: stable number within one run; used on the wire to browsers. -1: not part of the database.
        value, quality: see `scada.core.value`.
        source_us: the device's own time of the value where the protocol carries one.
        server_us: when the value reached us.
        quality_us: when the quality last changed by itself, without a value.
        deadband: a new value nearer than this to the last is no event.
        watch: told within each write that leaves its band, or None.
        recording: what of its changes goes to history; None: nothing does, or values at set times.
        gate: keeps values back while the tag is forced or its watchdog has bitten; usually None.
        is_state: no register: a bit or a text.
        special: it has a gate or a recording: what the hot path asks once instead of twice.
        dirty: it is in the change-set.
    """

    __slots__ = (
        "_gate",
        "deadband",
        "definition",
        "dirty",
        "index",
        "is_state",
        "path",
        "quality",
        "quality_us",
        "recording",
        "server_us",
        "source_us",
        "special",
        "value",
        "watch",
    )

    def __init__(self, definition: TagDefinition, index: int) -> None:
        self.definition = definition
        self.path = definition.path
        self.index = index
        self.is_state = definition.kind is not Kind.REGISTER
        self.value: Value = definition.initial
        self.quality: int = (
            Quality.GOOD if definition.initial is not None else Quality.BAD_WAITING_FOR_INITIAL_DATA
        )
        self.source_us: TimeUs = 0
        self.server_us: TimeUs = 0
        self.quality_us: TimeUs = 0
        self.deadband = definition.deadband
        history = definition.history
        self.recording = Recording(history.deadband) if history is not None and not history.every_us else None
        self.watch: Watch | None = None
        self._gate: Gate | None = None
        self.special = self.recording is not None
        self.dirty = False

    @property
    def gate(self) -> Gate | None:
        """What keeps values back, or None."""
        return self._gate

    @gate.setter
    def gate(self, gate: Gate | None) -> None:
        self._gate = gate
        self.special = self.recording is not None or gate is not None

    def __repr__(self) -> str:
        return f"<Tag {self.path} = {self.value!r} 0x{self.quality:08X}>"
