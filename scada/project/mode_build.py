"""[[sites.modes]] → the plant's part, and its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scada.core.access import Right
from scada.core.catalogue import CATALOGUE
from scada.core.command import Target, check_arguments
from scada.core.database import coerce
from scada.core.errors import BadRequest
from scada.core.plant import ModeStep, Plant, Site, SiteMode
from scada.project.expand import scoped, texts
from scada.project.files import Reader, near_or_known
from scada.project.mode_schema import ModeSection, ModeStepSection

FILE = "project.toml"
CONNECTORS, CHARGERS = "connectors", "chargers"


def modes(sections: Sequence[ModeSection], site: Site, languages: Sequence[str]) -> tuple[SiteMode, ...]:
    """The modes of a site, with their targets resolved; what does not fit is left empty, for `check_modes` to say."""
    return tuple(
        SiteMode(
            name=one.name,
            label=texts(one.label, languages) or {"en": one.name},
            normal=one.normal,
            steps=tuple(_step(step, site) for step in one.steps),
        )
        for one in sections
    )


def _step(section: ModeStepSection, site: Site) -> ModeStep:
    scope = {"site": site.path}
    if not section.command:
        return ModeStep(tag=scoped(section.tag, scope), value=_value(section.value))
    return ModeStep(
        command=section.command,
        targets=_targets(section, scoped(section.target, scope), site),
        arguments=section.arguments,
    )


def _value(value: bool | float | str | None) -> bool | float | str:
    return "" if value is None else value


def _targets(section: ModeStepSection, target: str, site: Site) -> tuple[str, ...]:
    """Paths that a target stands for; of a charger its connectors, where the command goes to connectors only."""
    spec = CATALOGUE.get(section.command)
    if spec is None:
        return ()
    connectors = tuple(c.path for charger in site.chargers for c in charger.connectors)
    chargers = tuple(charger.path for charger in site.chargers)
    if target == CONNECTORS:
        return connectors if spec.target is not Target.CHARGER else ()
    if target == CHARGERS:
        return chargers if spec.target is not Target.CONNECTOR else ()
    if target in chargers and spec.target is Target.CONNECTOR:
        return tuple(path for path in connectors if path.startswith(f"{target}."))
    fits = (chargers if spec.target is not Target.CONNECTOR else ()) + (
        connectors if spec.target is not Target.CHARGER else ()
    )
    return (target,) if target in fits else ()


def check_modes(reader: Reader, sections: list[tuple[int, list[ModeSection]]], plant: Plant) -> None:
    """What modes say of tags, commands and devices.

    Args:
        sections: number of the site in the file, and its modes.
    """
    for number, given in sections:
        seen: set[str] = set()
        normal = ""
        for position, (section, mode) in enumerate(zip(given, plant.sites[number].modes, strict=True)):
            place = _Place(reader, ("sites", number, "modes", position))
            if mode.name in seen:
                place.problem("name", f"the site has a mode '{mode.name}' already")
            seen.add(mode.name)
            if mode.normal and normal:
                place.problem("normal", f"'{normal}' is the normal mode already")
            normal = normal or (mode.name if mode.normal else "")
            for index, (step, made) in enumerate(zip(section.steps, mode.steps, strict=True)):
                inner = _Place(reader, (*place.location, "steps", index))
                if bool(step.tag) == bool(step.command):
                    inner.problem("", "a step has either a tag or a command")
                elif step.command:
                    _check_command(inner, step, made, plant.sites[number])
                else:
                    _check_tag(inner, step, made.tag, plant, plant.sites[number])


def _check_command(place: _Place, step: ModeStepSection, made: ModeStep, site: Site) -> None:
    spec = CATALOGUE.get(step.command)
    if step.value is not None:
        place.problem("value", "a command has arguments, no value")
    if spec is None:
        place.problem(
            "command", f"there is no command '{step.command}'", near_or_known(step.command, CATALOGUE)
        )
        return
    try:
        needed = spec.right_for(check_arguments(spec, step.arguments))
    except BadRequest as error:
        place.problem("arguments", str(error))
        return
    if needed not in (Right.OPERATE, Right.MAINTAIN):
        place.problem("command", f"{step.command} needs the right '{needed.value}': it is no step of a mode")
    if not made.targets:
        place.problem(
            "target",
            f"{step.command} goes to a {spec.target.value}, not to '{step.target}'",
            f"'{CONNECTORS}', '{CHARGERS}', or one of {site.path}, for example site.CP01",
        )


def _check_tag(place: _Place, step: ModeStepSection, path: str, plant: Plant, site: Site) -> None:
    definition = plant.definitions.get(path)
    if step.target or step.arguments:
        place.problem("tag", "a tag has a value, no target and no arguments")
    if definition is None or not path.startswith(f"{site.path}."):
        place.problem(
            "tag", f"site {site.path} has no tag {path}", near_or_known(path, _writable(plant, site))
        )
    elif definition.write is None:
        place.problem("tag", f"{path} is read-only")
    elif step.value is None:
        place.problem("value", "the value is missing")
    else:
        try:
            value = coerce(definition, step.value)
        except ValueError as error:
            place.problem("value", str(error))
            return
        word = str(value).lower() if isinstance(value, bool) else str(value)
        if definition.write.values and word not in definition.write.values:
            place.problem("value", f"{path} takes one of: {', '.join(definition.write.values)}")


def _writable(plant: Plant, site: Site) -> Mapping[str, object]:
    return {
        one.path: one for one in plant.tags if one.write is not None and one.path.startswith(f"{site.path}.")
    }


class _Place:
    """A place of project.toml."""

    def __init__(self, reader: Reader, location: tuple[int | str, ...]) -> None:
        self._reader = reader
        self.location = location

    def problem(self, key: str, reason: str, hint: str = "") -> None:
        """Say what is wrong at a key."""
        location = (*self.location, key) if key else self.location
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
        self._reader.problem(
            FILE, where.removeprefix("."), reason, hint, self._reader.line_of(FILE, location)
        )
