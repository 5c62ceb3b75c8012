"""Files → sections: everything that a project and the product's own folders say, read and each by itself valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scada import resources
from scada.core.errors import Problem, ProjectError
from scada.project.alarm_schema import (
    ActionsFile,
    AlarmSection,
    Catalogue,
    LevelsFile,
    Roles,
    RoleTable,
)
from scada.project.charging_schema import TokenRow, VehicleRow
from scada.project.files import Model, Reader
from scada.project.modbus_schema import MeterRow, ModbusChargerRow
from scada.project.schema import ChargerRow, ProjectFile
from scada.project.type_schema import DeviceTypesFile

DEVICE_TYPES = "device_types"
PROFILES = "drivers/modbus"
CHARGER_PROFILES = "drivers/ocpp"


@dataclass(frozen=True, kw_only=True)
class Sections:
    """All that is configured.

    Attributes:
        project: None where project.toml is wrong; then the plant cannot be made.
        chargers, meters, modbus_chargers, tokens, vehicles: line in the file and row.
        shipped_types, own_types: file and content; the project's own come after the shipped ones and change or
            extend them.
        profiles: names of the Modbus profiles that meters may have.
        charger_profiles: names of the quirk profiles that chargers may have.
        alarms: the catalogue; `own_alarms` are those of the project.
    """

    directory: Path
    project: ProjectFile | None
    chargers: Sequence[tuple[int, ChargerRow]]
    meters: Sequence[tuple[int, MeterRow]]
    tokens: Sequence[tuple[int, TokenRow]]
    vehicles: Sequence[tuple[int, VehicleRow]] = ()
    modbus_chargers: Sequence[tuple[int, ModbusChargerRow]] = ()
    shipped_types: Sequence[tuple[str, DeviceTypesFile]]
    own_types: Sequence[tuple[str, DeviceTypesFile]]
    profiles: Sequence[str]
    charger_profiles: Sequence[str] = ()
    alarms: dict[str, AlarmSection] = field(default_factory=dict)
    own_alarms: dict[str, AlarmSection] = field(default_factory=dict)
    roles: dict[str, RoleTable] = field(default_factory=dict)
    levels: LevelsFile
    actions: ActionsFile = field(default_factory=ActionsFile)


def read(reader: Reader) -> Sections:
    """Read a project's directory; what is wrong within a file is noted at the reader."""
    config, alarms = Reader(resources.folder("config")), Reader(resources.folder("alarms"))
    catalogue = alarms.toml("catalogue.toml", Catalogue)
    levels = alarms.toml("levels.toml", LevelsFile)
    own_levels = _optional(reader, "levels.toml", LevelsFile)
    own_alarms = _optional(reader, "alarms.toml", Catalogue)
    roles = config.toml("roles.toml", Roles)
    sections = Sections(
        directory=reader.directory,
        project=reader.toml("project.toml", ProjectFile),
        chargers=reader.table("chargers.csv", ChargerRow),
        meters=reader.table("meters.csv", MeterRow, required=False),
        modbus_chargers=reader.table("modbus_chargers.csv", ModbusChargerRow, required=False),
        tokens=reader.table("tokens.csv", TokenRow, required=False),
        vehicles=reader.table("vehicles.csv", VehicleRow, required=False),
        shipped_types=_device_types(config),
        own_types=_device_types(reader),
        profiles=[
            *(path.stem for path in _toml_files(config.directory / PROFILES)),
            *_own_profiles(reader),
        ],
        charger_profiles=[
            *(path.stem for path in _toml_files(config.directory / CHARGER_PROFILES)),
            *_own_charger_profiles(reader),
        ],
        alarms=catalogue.root if catalogue else {},
        roles=roles.root if roles else {},
        own_alarms=own_alarms.root if own_alarms else {},
        levels=own_levels or levels or LevelsFile(bands=[]),
        actions=_optional(reader, "actions.toml", ActionsFile) or ActionsFile(),
    )
    if config.problems or alarms.problems:  # the product's own files: a damaged installation
        raise ProjectError([*config.problems, *alarms.problems])
    return sections


def _optional(reader: Reader, file: str, model: type[Model]) -> Model | None:
    return reader.toml(file, model) if (reader.directory / file).exists() else None


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


def _own_charger_profiles(reader: Reader) -> list[str]:
    """The names of the project's own quirk profiles; mistakes in them are noted."""
    paths = _toml_files(reader.directory / CHARGER_PROFILES)
    if not paths:
        return []
    from scada.drivers.ocpp.profile import Profile  # late, as above

    for path in paths:
        reader.toml(f"{CHARGER_PROFILES}/{path.name}", Profile)
    return [path.stem for path in paths]


def _toml_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []
