"""Cross checks of what a project says about alarms: catalogue, levels, masks, syntheses, actions, roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scada.core.catalogue import CATALOGUE
from scada.core.command import Target, check_arguments
from scada.core.errors import BadRequest
from scada.core.path import is_path, matcher
from scada.core.plant import Plant
from scada.project.alarm_build import ACTIONS, value_text
from scada.project.alarm_schema import StepSection
from scada.project.expand import Types, places, scoped
from scada.project.files import Reader, near_or_known
from scada.project.schema import ProjectFile
from scada.project.sections import Sections

_KINDS = ("command", "write", "mail", "delay_s", "condition")


def check_alarms(reader: Reader, sections: Sections, project: ProjectFile, types: Types) -> None:
    """What can be said without the expanded plant."""
    for name in project.alarms:
        if name not in types.alarms:
            hint = near_or_known(name, types.alarms)
            reader.problem("project.toml", f"alarms.{name}", "there is no such alarm", hint)
    for name in sections.own_alarms:
        if name in sections.alarms:
            hint = f"change it in project.toml under [alarms.{name}]"
            reader.problem("alarms.toml", name, "a standard alarm has this name", hint)
    _levels(reader, sections, project)
    for name in types.masks:
        _mask(reader, types.origin[f"masks.{name}"], f"masks.{name}", types.masks[name].select)
    names = [mask.name for mask in project.masks]
    for number, mask in enumerate(project.masks):
        where = f"masks[{number}]"
        if mask.name in names[:number] or mask.name in types.masks:
            reader.problem("project.toml", f"{where}.name", f"the mask '{mask.name}' stands there already")
        _mask(reader, "project.toml", f"{where}.select", mask.select)
    _roles(reader, sections, project)


def _roles(reader: Reader, sections: Sections, project: ProjectFile) -> None:
    sites = [site.tag for site in project.sites]
    for name, role in project.roles.items():
        if name in sections.roles:
            reader.problem("project.toml", f"roles.{name}", "a standard role cannot be changed")
        for position, site in enumerate(role.sites):
            if site not in sites:
                where = f"roles.{name}.sites[{position}]"
                reader.problem(
                    "project.toml", where, f"there is no site '{site}'", near_or_known(site, sites)
                )
        for key in ("see_levels", "acknowledge_levels", "mask_levels"):
            low, high = getattr(role, key)
            if low > high:
                reader.problem("project.toml", f"roles.{name}.{key}", f"{low} is above {high}")


def check_syntheses(reader: Reader, project: ProjectFile, taken: Iterable[str]) -> None:
    """Their registers have paths of their own, below a site or in a branch of their own."""
    paths = set(taken)
    for number, section in enumerate(project.syntheses):
        where = f"syntheses[{number}].tag"
        if not is_path(section.tag) or "." not in section.tag:
            reader.problem(
                "project.toml", where, f"'{section.tag}' is no path", "for example Depot.Alarms.Critical"
            )
        elif section.tag in paths:
            reader.problem("project.toml", where, f"the tag {section.tag} is there already")
        paths.add(section.tag)


def check_actions(reader: Reader, sections: Sections, plant: Plant) -> None:
    """Steps name what there is."""
    people = {
        *(contact.name for contact in plant.contacts),
        *(team.name for team in plant.teams),
        *(rota.name for rota in plant.rotas),
    }
    seen: set[str] = set()
    for number, action in enumerate(sections.actions.actions):
        where = f"actions[{number}]"
        if action.name in seen:
            reader.problem(ACTIONS, f"{where}.name", f"the action '{action.name}' stands there twice")
        seen.add(action.name)
        if not action.on and not action.when:
            reader.problem(ACTIONS, where, "needs `on` (an event) or `when` (a condition that becomes true)")
        scopes = [scope for _, scope in places(action.of, plant.sites)] if action.of else [{}]
        for position, step in enumerate(action.steps):
            _Step(reader, plant, people, f"{where}.steps[{position}]", step).check(scopes[:1])


class _Step:
    def __init__(self, reader: Reader, plant: Plant, people: set[str], where: str, step: StepSection) -> None:
        self._reader = reader
        self._plant = plant
        self._people = people
        self._where = where
        self._step = step

    def check(self, scopes: Iterable[Mapping[str, str]]) -> None:
        step = self._step
        given = [key for key in _KINDS if getattr(step, key)]
        if len(given) != 1:
            self._problem(
                "", f"a step is one of {', '.join(_KINDS)}; this is {' and '.join(given) or 'none'}"
            )
            return
        for scope in scopes:
            if step.command:
                self._command(scope)
            if step.write:
                self._write(scope)
        for position, name in enumerate(step.mail):
            if name not in self._people:
                hint = near_or_known(name, self._people)
                self._problem(f"mail[{position}]", f"there is no contact, team or rota '{name}'", hint)

    def _command(self, scope: Mapping[str, str]) -> None:
        step, plant = self._step, self._plant
        command = CATALOGUE.get(step.command)
        if command is None:
            hint = near_or_known(step.command, CATALOGUE)
            self._problem("command", f"there is no command '{step.command}'", hint)
            return
        known: Iterable[str] = (
            [*plant.meters_by_path, *(charger.path for charger in plant.modbus_chargers())]
            if command.target is Target.DEVICE
            else [
                *(plant.chargers_by_path if command.target is not Target.CONNECTOR else ()),
                *(plant.connectors_by_path if command.target is not Target.CHARGER else ()),
            ]
        )
        target = scoped(step.target, scope)
        if target not in known:
            hint = near_or_known(target, known) if len(list(known)) < 50 else ""
            self._problem("target", f"there is no {command.target.value} '{target}'", hint)
        try:
            check_arguments(command, step.arguments)
        except BadRequest as error:
            self._problem("arguments", str(error))

    def _write(self, scope: Mapping[str, str]) -> None:
        path = scoped(self._step.write, scope)
        definition = self._plant.definitions.get(path)
        if definition is None:
            self._problem("write", f"there is no tag {path}")
        elif definition.write is None or definition.write.command:
            self._problem("write", f"{path} cannot be written", "give its template write = true")
        if not value_text(self._step):
            self._problem("value", "a write needs a value: an expression")

    def _problem(self, key: str, reason: str, hint: str = "") -> None:
        self._reader.problem(ACTIONS, f"{self._where}.{key}".rstrip("."), reason, hint)


def _levels(reader: Reader, sections: Sections, project: ProjectFile) -> None:
    """The bands make 30 levels, each once."""
    numbers = [number for band in sections.levels.bands for number in range(band.from_, band.to + 1)]
    if sorted(numbers) != list(range(30)):
        reader.problem("levels.toml", "bands", "the bands must make the levels 0 to 29, each once")
    profiles = [profile.name for profile in project.oncall]
    for position, band in enumerate(sections.levels.bands):
        if band.oncall and band.oncall not in profiles:
            hint = near_or_known(band.oncall, profiles)
            reader.problem(
                "levels.toml", f"bands[{position}].oncall", f"there is no profile '{band.oncall}'", hint
            )


def _mask(reader: Reader, file: str, where: str, select: str) -> None:
    try:
        matcher(select)
    except ValueError as error:
        reader.problem(file, where, f"'{select}' is no pattern: {error}")
