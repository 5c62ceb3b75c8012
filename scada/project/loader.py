"""From a project directory to a Plant: read → check → build → verify, all mistakes at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scada import resources
from scada.core.errors import ProjectError
from scada.core.plant import Plant
from scada.notify.check import check_templates
from scada.project import check_plant, check_types
from scada.project.alarm_checks import check_actions, check_syntheses
from scada.project.build import build
from scada.project.checks import check_project, check_tables
from scada.project.expand import Types
from scada.project.files import Reader
from scada.project.mode_build import check_modes
from scada.project.sections import read
from scada.project.tag_table import Table, own_table
from scada.project.view_files import own_views


def load(directory: Path, own: Table | None = None) -> Plant:
    """Load a project.

    Args:
        own: a tag table in place of the project's own: what would it make of the project?

    Raises:
        ProjectError: with every mistake that was found; nothing was changed.
    """
    reader = Reader(directory)
    sections = read(reader)
    own = own or own_table(reader)
    check_tables(reader, sections)
    project = sections.project
    if project is None:
        raise ProjectError(reader.problems)
    types = Types(
        [*sections.shipped_types, *sections.own_types],
        {**sections.alarms, **sections.own_alarms},
        project.alarms,
        project.project.languages,
    )
    check_types.check(reader, types, sections.shipped_types)
    check_project(reader, sections, project, types)
    if reader.problems:
        raise ProjectError(reader.problems)
    plant = build(sections, project, types, reader, own)
    plant = own_views(reader, plant)
    check_syntheses(reader, project, (tag.path for tag in plant.tags[: -len(plant.syntheses) or None]))
    check_actions(reader, sections, plant)
    check_modes(reader, [(n, site.modes) for n, site in enumerate(project.sites) if site.modes], plant)
    if reader.problems:
        raise ProjectError(reader.problems)
    reader.problems += check_templates([directory / "mail", resources.folder("alarms") / "mail"], plant)
    check_plant.check(reader, plant)
    if reader.problems:
        raise ProjectError(reader.problems)
    return plant


def with_network(plant: Plant, **changes: object) -> Plant:
    """A plant with other addresses or ports, as flags of the command line give them; None means unchanged."""
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        return plant
    network = replace(plant.network, **given)  # type: ignore[arg-type]
    # A public address that names the project's own port goes with it.
    was, now = (f"http://{one.host}:{one.http_port}" for one in (plant.network, network))
    oncall = replace(plant.oncall, public_url=now) if plant.oncall.public_url == was else plant.oncall
    return replace(plant, network=network, oncall=oncall)
