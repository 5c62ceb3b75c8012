"""What may stand in files about alarms: levels, catalogue, masks, syntheses, actions, roles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, RootModel

from scada.project.fields import EventKind, Strict, Texts

LevelNumber = Annotated[int, Field(ge=0, le=29)]
Levels = tuple[LevelNumber, LevelNumber]
Delay = Annotated[float, Field(ge=0, le=86400)]
Place = Literal["site", "charger", "connector", "meter"]
Right = Literal["see", "operate", "acknowledge", "mask", "maintain", "configure", "manage_users"]


class AlarmSection(Strict):
    """[NAME] of alarms/catalogue.toml, or of a project's alarms.toml."""

    level: LevelNumber
    acknowledge_level: LevelNumber | None = None
    mask_level: LevelNumber | None = None
    abnormal: bool = True
    on_delay_s: Delay = 0
    off_delay_s: Delay = 0
    needs_acknowledgement: bool = True
    latching: bool = False
    domain: str = ""
    nature: str = ""
    page: str = ""
    value: str = ""
    message: Texts
    cause: Texts = {}
    consequence: Texts = {}
    guidance: Texts = {}


class AlarmChange(Strict):
    """[alarms.NAME] of a project: the keys of a standard alarm that it changes."""

    level: LevelNumber | None = None
    acknowledge_level: LevelNumber | None = None
    mask_level: LevelNumber | None = None
    on_delay_s: Delay | None = None
    off_delay_s: Delay | None = None
    needs_acknowledgement: bool | None = None
    latching: bool | None = None
    domain: str | None = None
    nature: str | None = None
    page: str | None = None
    value: str | None = None
    message: Texts | None = None
    cause: Texts | None = None
    consequence: Texts | None = None
    guidance: Texts | None = None


class Catalogue(RootModel[dict[str, AlarmSection]]):
    """alarms/catalogue.toml and a project's alarms.toml."""


class Band(Strict):
    """[[bands]] of alarms/levels.toml."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    from_: Annotated[int, Field(alias="from", ge=0, le=29)]
    to: LevelNumber
    priority: Literal["critical", "high", "medium", "low", "journal"]
    name: Texts
    colour: Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")] = ""
    flash: bool = False
    sound: str = ""
    oncall: str = ""


class LevelsFile(Strict):
    """alarms/levels.toml, or a project's levels.toml in its place."""

    bands: list[Band]


class MaskSection(Strict):
    """[[masks]]: of device types for each `of`, of a project for the whole plant."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    of: Place | None = None
    select: Annotated[str, Field(min_length=1)]
    when: Annotated[str, Field(min_length=1)]
    reason: Texts = {}


class SynthesisSection(Strict):
    """[[syntheses]] of a project: a register that counts alarms."""

    tag: Annotated[str, Field(min_length=3)]
    filter: Annotated[str, Field(min_length=1)]
    label: Texts = {}


class StepSection(Strict):
    """One of [[actions.steps]]: exactly one of command, write, mail, delay_s and condition."""

    command: str = ""
    target: str = ""
    arguments: dict[str, Any] = {}
    write: str = ""
    value: bool | float | str | None = None
    mail: list[str] = []
    text: Texts = {}
    delay_s: Annotated[float, Field(gt=0, le=86400)] | None = None
    condition: str = ""


class ActionSection(Strict):
    """[[actions]] of a project's actions.toml."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    of: Place | None = None
    on: EventKind | Literal[""] = ""
    when: str = ""
    steps: Annotated[list[StepSection], Field(min_length=1, max_length=50)]


class ActionsFile(Strict):
    """A project's actions.toml."""

    actions: list[ActionSection] = []


def _rights(value: object) -> object:
    return {"rights": value} if isinstance(value, list) else value


class RoleTable(Strict):
    """[roles.NAME], or the list of rights alone."""

    rights: list[Right] = []
    see_levels: Levels = (0, 29)
    acknowledge_levels: Levels = (0, 29)
    mask_levels: Levels = (0, 29)
    sites: list[str] = []
    domains: list[str] = []


RoleSection = Annotated[RoleTable, BeforeValidator(_rights)]


class Roles(RootModel[dict[str, RoleSection]]):
    """config/roles.toml."""
