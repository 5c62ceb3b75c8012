"""Commands: the one road out.

`scada.core.catalogue` says which commands there are, on what, with which arguments and right. HMI, REST, OPC UA and
the command line offer what it holds; the CommandRouter checks against it. A command ends in a `CommandResult`:
what the device said or did, never what was merely asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from scada.core.access import Right
from scada.core.errors import BadRequest
from scada.core.value import TimeUs


class Target(Enum):
    """What a command is given to."""

    CHARGER = "charger"
    CONNECTOR = "connector"
    DEVICE = "Modbus device"
    """A meter or another device that is read by Modbus, or a Modbus charger."""
    EITHER = "charger or connector"
    """A charger as a whole (connectorId 0 of OCPP 1.6), or one connector."""


class Outcome(Enum):
    """How a command ended."""

    DONE = "done"
    """The device did it: a transaction runs, a boot was seen, a status came."""
    SCHEDULED = "scheduled"
    """The device will do it later by itself (ChangeAvailability during a transaction)."""
    REFUSED = "refused"
    """The device said no."""
    UNREACHABLE = "unreachable"
    """No link to the device; nothing was sent."""
    SUPERSEDED = "superseded"
    """The device connected anew while the command was under way. What it does is not known."""
    TIMED_OUT = "timed_out"
    """Sent, but the answer or the effect did not come in time. What the device does is not known."""
    FAILED = "failed"
    """The device answered with an error, or the link broke while the command was under way."""
    DENIED = "denied"
    """Who asked may not."""

    @property
    def ok(self) -> bool:
        """Whether the device did, or will do, what was asked."""
        return self in (Outcome.DONE, Outcome.SCHEDULED)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command: its JSON type and bounds.

    Attributes:
        type: `str`, `int`, `float` (takes an int too), `bool`, `dict` or `list`.
        low, high: of a number.
        length_max: of a text in characters, of a list in entries.
        secret: never journalled, logged or shown.
    """

    name: str
    type: type
    required: bool = False
    choices: tuple[str, ...] = ()
    length_max: int = 255
    low: float | None = None
    high: float | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One entry of the catalogue.

    Attributes:
        timeout_s: bound of the whole command, effect included.
        confirm: an operator is asked before it is sent.
        campaign: it makes sense for many chargers at once (`scada.charging.campaign`).
        guarded: (argument, values): with one of these values it needs the right to configure.
    """

    name: str
    target: Target
    right: Right
    timeout_s: float
    arguments: tuple[Argument, ...] = ()
    confirm: bool = False
    campaign: bool = False
    guarded: tuple[str, frozenset[str]] | None = None

    def right_for(self, arguments: Mapping[str, Any]) -> Right:
        """The right that it needs with these arguments."""
        if self.guarded is not None and arguments.get(self.guarded[0]) in self.guarded[1]:
            return Right.CONFIGURE
        return self.right


@dataclass(frozen=True, slots=True)
class Command:
    """An order, checked.

    Attributes:
        id: unique, ours.
        target: path of the charger or connector.
        deadline_us: after it the order may not be sent any more, and its effect is no longer waited for.
    """

    id: str
    name: str
    target: str
    arguments: Mapping[str, Any]
    user: str
    origin: str
    issued_us: TimeUs
    deadline_us: TimeUs


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended, in words that an operator reads, with what the device answered."""

    outcome: Outcome
    text: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


def check_arguments(spec: CommandSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, checked against the catalogue.

    Raises:
        BadRequest: one is missing, unknown, of the wrong type or out of its choices.
    """
    known = {argument.name: argument for argument in spec.arguments}
    for name in arguments:
        if name not in known:
            raise BadRequest(f"{spec.name} has no argument '{name[:50]}'")
    checked: dict[str, Any] = {}
    for argument in spec.arguments:
        value = arguments.get(argument.name)
        if value is None or value == "":
            if argument.required:
                raise BadRequest(f"{spec.name} needs '{argument.name}'")
            continue
        try:
            checked[argument.name] = _checked(argument, value)
        except ValueError as error:
            raise BadRequest(f"{spec.name}: '{argument.name}' {error}") from None
    return checked


def _checked(argument: Argument, value: Any) -> Any:
    """A value as the argument takes it. Raises ValueError with what is wrong."""
    if argument.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, argument.type) or isinstance(value, bool) != (argument.type is bool):
        raise ValueError(f"must be of type {argument.type.__name__}")
    if argument.choices and value not in argument.choices:
        raise ValueError(f"must be one of {', '.join(argument.choices)}")
    if isinstance(value, str) and not _is_text(value):
        raise ValueError("is not valid text")
    if isinstance(value, (str, list)) and len(value) > argument.length_max:
        what = "characters" if isinstance(value, str) else "entries"
        raise ValueError(f"has at most {argument.length_max} {what}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if isinstance(value, (int, float)) and not (
        (argument.low is None or value >= argument.low) and (argument.high is None or value <= argument.high)
    ):
        low = "" if argument.low is None else f"{argument.low:g}"
        high = "" if argument.high is None else f"{argument.high:g}"
        raise ValueError(f"must lie within {low}..{high}")
    return value


def _is_text(value: str) -> bool:
    """Whether a text can be sent and stored: JSON can bring half of a surrogate pair, UTF-8 cannot carry it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
