"""Modes of a site: named sets of values and commands that an operator switches to with one button."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scada.core.tag import Texts


@dataclass(frozen=True, kw_only=True)
class ModeStep:
    """One step: a tag that is written, or a command that is given.

    Attributes:
        tag: path of the tag; empty: it is a command.
        value: what is written.
        command: name in the catalogue.
        targets: paths of chargers or connectors that the command goes to.
    """

    tag: str = ""
    value: bool | float | str = ""
    command: str = ""
    targets: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SiteMode:
    """A mode; its steps are carried out one after the other.

    Attributes:
        normal: the mode that a site is usually in; every other one is told as not normal.
    """

    name: str
    label: Texts
    steps: tuple[ModeStep, ...]
    normal: bool = False
