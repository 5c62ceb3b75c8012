"""What is configured about alarms besides the tags: levels, masks, counters, and procedures of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scada.core.tag import ExpressionText, Texts
from scada.core.value import TimeUs


@dataclass(frozen=True, kw_only=True)
class Level:
    """An alarm level, 0 (lowest) to 29 (highest).

    Attributes:
        priority: ISA-18.2 class: `critical`, `high`, `medium`, `low` or `journal`.
        severity: OPC UA severity, 1 to 1000, rising with the level.
        colour: as `#rrggbb`, besides shape and text.
        flash: it flashes while it is unacknowledged.
        sound: name of a sound, or empty.
        oncall: name of the on-call profile that its alarms go to besides those that select them, or empty.
    """

    number: int
    name: Texts
    priority: str
    severity: int
    colour: str = ""
    flash: bool = False
    sound: str = ""
    oncall: str = ""


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Alarms that are suppressed by design while a condition holds.

    Attributes:
        select: pattern of the alarms (paths of their bits).
        when: expression; `active(TAG)` asks for the alarm of a tag. The alarm that it asks for is never masked by it.
    """

    name: str
    select: str
    when: ExpressionText
    reason: Texts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """A register that counts the alarms for which a filter is true.

    Attributes:
        tag: path of the register.
        filter: expression on the alarm's properties.
    """

    tag: str
    filter: ExpressionText


@dataclass(frozen=True, kw_only=True)
class ActionStep:
    """One step of an action; exactly one of command, write, mail, delay_us and condition is set.

    Attributes:
        target: path that the command goes to.
        arguments: of the command.
        write: path of the tag to write; `value` is an expression.
        mail: names of contacts, teams or rotas; `text` is what they are told (text by language).
        condition: the action ends here unless it is true.
    """

    command: str = ""
    target: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    write: str = ""
    value: ExpressionText | None = None
    mail: tuple[str, ...] = ()
    text: Texts = field(default_factory=dict)
    delay_us: TimeUs = 0
    condition: ExpressionText | None = None


@dataclass(frozen=True, kw_only=True)
class Action:
    """A procedure: an event, or an expression that becomes true → steps.

    Attributes:
        place: branch that it is for (it was written once for each charger, connector or site), or empty.
        event: kind of the event that starts it (`scada.core.effects.Event.kind`), or empty.
        when: expression: without event its becoming true starts the action; with one it must be true.
    """

    name: str
    steps: tuple[ActionStep, ...]
    place: str = ""
    event: str = ""
    when: ExpressionText | None = None
