"""What a version of OCPP brings: its actions, commands and way of getting to know a charger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scada.core.command import Command, CommandResult

if TYPE_CHECKING:
    from scada.drivers.ocpp.station import Station

Action = Callable[["Station", dict[str, Any]], Awaitable[dict[str, Any]]]
HotAction = Callable[["Station", bytes], bytes | None]
Execute = Callable[["Station", Command], Awaitable[CommandResult]]


@dataclass(frozen=True, slots=True)
class Need:
    """What a command needs of a charger.

    Attributes:
        actions: without any of which it cannot be done.
        feature: feature profile of the standard (SupportedFeatureProfiles) that it belongs to; empty: any charger's.
    """

    actions: tuple[str, ...] = ()
    feature: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version.

    Attributes:
        version: the WebSocket subprotocol.
        actions: of the charger, by name.
        hot: those of them that need no waiting, by the JSON bytes of their name.
        commands: of `scada.core.catalogue.CATALOGUE`, by name.
        calls: the actions that we may send to a charger.
        needs: of commands, by name; one that is not here can be tried on any charger.
        learn: gets to know a charger after it connected, or (True) booted.
    """

    version: str
    actions: Mapping[str, Action]
    hot: Mapping[bytes, HotAction]
    commands: Mapping[str, Execute]
    calls: frozenset[str]
    learn: Callable[[Station, bool], Awaitable[None]]
    needs: Mapping[str, Need] = field(default_factory=dict)
