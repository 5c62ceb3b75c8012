"""What may stand in [[sites.modes]]."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from scada.project.fields import Segment, Strict, Texts

MODES_MAX = 20
STEPS_MAX = 50


class ModeStepSection(Strict):
    """[[sites.modes.steps]]: `tag` and `value`, or `command`, `target` and `arguments`."""

    tag: Annotated[str, Field(max_length=256)] = ""
    value: bool | float | str | None = None
    command: Annotated[str, Field(max_length=50)] = ""
    target: Annotated[str, Field(max_length=256)] = ""
    arguments: dict[str, Any] = {}


class ModeSection(Strict):
    """[[sites.modes]]."""

    name: Segment
    label: Texts = {}
    normal: bool = False
    steps: Annotated[list[ModeStepSection], Field(min_length=1, max_length=STEPS_MAX)]
