"""Files → sections: everything that a project and the product's own folders say, read and each by itself valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import RootModel

from scada import resources
from scada.core.access import Right
from scada.core.errors import Problem, ProjectError
from scada.project.files import Reader
from scada.project.schema import (
    AlarmSection,
    ChargerRow,
    DeviceTypesFile,
    LevelsFile,
    MeterRow,
    ProjectFile,
    TokenRow,
)

DEVICE_TYPES = "device_types"
PROFILES = "drivers/modbus"


class _Catalogue(RootModel[dict[str, AlarmSection]]):
    """alarms/catalogue.toml."""


class _Roles(RootModel[dict[str, list[Right]]]):
    """config/roles.toml."""


@dataclass(frozen=True, kw_only=True)
class Sections:
    """All that is configured.

    Attributes:
        project: None where project.toml is wrong; then the plant cannot be made.
        chargers, meters, tokens: line in the file and row.
        shipped_types, own_types: file and content; the project's own come after the shipped ones and change or
            extend them.
        profiles: names of the Modbus profiles that meters may have.
    """

    directory: Path
    project: ProjectFile | None
    chargers: Sequence[tuple[int, ChargerRow]]
    meters: Sequence[tuple[int, MeterRow]]
    tokens: Sequence[tuple[int, TokenRow]]
    shipped_types: Sequence[tuple[str, DeviceTypesFile]]
    own_types: Sequence[tuple[str, DeviceTypesFile]]
    profiles: Sequence[str]
    alarms: dict[str, AlarmSection] = field(default_factory=dict)
    roles: dict[str, list[Right]] = field(default_factory=dict)
    levels: LevelsFile


def read(reader: Reader) -> Sections:
    """Read a project's directory; what is wrong within a file is noted at the reader."""
    config, alarms = Reader(resources.folder("config")), Reader(resources.folder("alarms"))
    catalogue = alarms.toml("catalogue.toml", _Catalogue)
    levels = alarms.toml("levels.toml", LevelsFile)
    roles = config.toml("roles.toml", _Roles)
    sections = Sections(
        directory=reader.directory,
        project=reader.toml("project.toml", ProjectFile),
        chargers=reader.table("chargers.csv", ChargerRow),
        meters=reader.table("meters.csv", MeterRow, required=False),
        tokens=reader.table("tokens.csv", TokenRow, required=False),
        shipped_types=_device_types(config),
        own_types=_device_types(reader),
        profiles=[
            *(path.stem for path in _toml_files(config.directory / PROFILES)),
            *_own_profiles(reader),
        ],
        alarms=catalogue.root if catalogue else {},
        roles=roles.root if roles else {},
        levels=levels or LevelsFile(bands=[]),
    )
    if config.problems or alarms.problems:  # the product's own files: a damaged installation
        raise ProjectError([*config.problems, *alarms.problems])
    return sections


def _device_types(reader: Reader) -> list[tuple[str, DeviceTypesFile]]:
    files = [f"{DEVICE_TYPES}/{path.name}" for path in _toml_files(reader.directory / DEVICE_TYPES)]
    contents = [(file, reader.toml(file, DeviceTypesFile)) for file in files]
    return [(file, content) for file, content in contents if content is not None]


def _own_profiles(reader: Reader) -> list[str]:
    """The names of the project's own Modbus profiles; mistakes in them are noted."""
    paths = _toml_files(reader.directory / PROFILES)
    if not paths:
        return []
    from scada.drivers.modbus.profile import load_profile  # late: few projects have profiles of their own

    for path in paths:
        try:
            load_profile(path)
        except ProjectError as error:
            reader.problems += [
                Problem(f"{PROFILES}/{path.name}", one.where, one.reason, one.hint, one.line)
                for one in error.problems
            ]
    return [path.stem for path in paths]


def _toml_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []
