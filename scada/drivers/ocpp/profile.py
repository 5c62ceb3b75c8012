"""Quirk profiles: what a make of charger wants otherwise. A profile is data, `config/drivers/ocpp/NAME.toml`.

    label                   name for people
    [match]                 vendor, model, firmware: lists of patterns (`*`, `?`, any case) of BootNotification; of each list
                            that is given one must fit. The profile with the most lists, then the longest patterns, wins.
    [limit]                 how a limit is set: by charging profile or by a key of the vendor's
    [meter]                 scale by measurand, measurands that it can give, how many at once
    [clock]                 what a time without zone means; whether "Z" stands behind local time
    [connection]            ping_s (0: never), missing_subprotocol
    [tokens]                length_max of a token in remote starts
    [commands]              avoid: commands of the catalogue that it must not be given
    [capabilities]          features that it has though it does not say so, and that it does not have though it says so
    [names]                 key of the standard → its own name for it; empty: it is not asked for the key
    [keys]                  keys that are set on commissioning, beside those of the project
    [data_transfer]         vendor id → list of message ids that are taken (`*`: all)

A project's own `drivers/ocpp/NAME.toml` replaces the one here of the same name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from scada.core.catalogue import CATALOGUE
from scada.core.errors import Problem, ProjectError

FOLDER = "drivers/ocpp"
FILE_BYTES_MAX = 100_000

Feature = Literal[
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
    "Security",
]


def _command(name: str) -> str:
    if name not in CATALOGUE:
        raise ValueError(f"there is no command '{name}'")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Patterns = tuple[Annotated[str, Field(min_length=1, max_length=50)], ...]


class Match(_Part):
    """[match]: whom the profile is for."""

    vendor: Patterns = ()
    model: Patterns = ()
    firmware: Patterns = ()


class Limit(_Part):
    """[limit].

    Attributes:
        method: `profile` (SetChargingProfile), `key` (ChangeConfiguration of `key`) or `none`.
        purpose: of the profile on a connector. `TxProfile` needs a running transaction.
        charger_purpose: of the profile for the charger as a whole.
        unit: `A`, or `W` = A × `voltage_v` × phases.
        phases: whether numberPhases is sent.
        min_a: the least current that is no pause (IEC 61851-1: 6 A); what lies between 0 and it is sent as 0.
        zero: what a limit of 0 does: `pause`, `refuse` (the charger refuses it) or `stop` (it ends the transaction).
        key: name of the vendor's key; its value is the limit × `key_scale`, rounded.
    """

    method: Literal["profile", "key", "none"] = "profile"
    purpose: Literal["TxDefaultProfile", "TxProfile"] = "TxDefaultProfile"
    charger_purpose: Literal["ChargePointMaxProfile", "TxDefaultProfile"] = "ChargePointMaxProfile"
    stack_level: Annotated[int, Field(ge=0, le=100)] = 0
    unit: Literal["A", "W"] = "A"
    phases: bool = True
    voltage_v: Annotated[float, Field(ge=50, le=1000)] = 230
    min_a: Annotated[float, Field(ge=0, le=100)] = 6
    zero: Literal["pause", "refuse", "stop"] = "pause"
    key: Annotated[str, Field(max_length=50)] = ""
    key_scale: Annotated[float, Field(gt=0)] = 1.0

    @model_validator(mode="after")
    def _whole(self) -> Limit:
        if self.method == "key" and not self.key:
            raise ValueError("the method 'key' needs a `key`")
        return self


class Meter(_Part):
    """[meter].

    Attributes:
        scale: measurand → factor that its values are multiplied with.
        measurands: those that the charger can give; empty: all.
        measurands_max: how many may be asked for at once; 0: any number. The first of the project's list are asked for.
        sends: whether meter values come at all.
    """

    scale: Mapping[str, Annotated[float, Field(gt=0)]] = {}
    measurands: tuple[str, ...] = ()
    measurands_max: Annotated[int, Field(ge=0, le=100)] = 0
    sends: bool = True


class DeviceTime(_Part):
    """[clock].

    Attributes:
        naive: what a time without zone is: `utc`, or `site` (local time of the site).
        zulu_is_local: "Z" stands behind what is local time of the site.
    """

    naive: Literal["utc", "site"] = "utc"
    zulu_is_local: bool = False


class Connection(_Part):
    """[connection].

    Attributes:
        ping_s: how often it is pinged; 0: never (it answers none, or falls over them); None: as the project says.
        missing_subprotocol: it leaves the header Sec-WebSocket-Protocol out, and is taken for 1.6 all the same.
    """

    ping_s: Annotated[float, Field(ge=0, le=3600)] | None = None
    missing_subprotocol: bool = False


class Tokens(_Part):
    """[tokens]."""

    length_max: Annotated[int, Field(ge=4, le=20)] = 20


class Commands(_Part):
    """[commands]."""

    avoid: tuple[Annotated[str, AfterValidator(_command)], ...] = ()


class CapabilityPart(_Part):
    """[capabilities]."""

    has: tuple[Feature, ...] = ()
    lacks: tuple[Feature, ...] = ()


class Profile(_Part):
    """One make of charger."""

    label: Annotated[str, Field(max_length=100)] = ""
    match: Match = Match()
    limit: Limit = Limit()
    meter: Meter = Meter()
    clock: DeviceTime = DeviceTime()
    connection: Connection = Connection()
    tokens: Tokens = Tokens()
    commands: Commands = Commands()
    capabilities: CapabilityPart = CapabilityPart()
    names: Mapping[str, Annotated[str, Field(max_length=50)]] = {}
    keys: Mapping[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=500)]] = {}
    data_transfer: Mapping[str, tuple[str, ...]] = {}

    def key(self, standard: str) -> str:
        """The charger's own name of a configuration key; empty: it is not to be asked for it."""
        return self.names.get(standard, standard)


STANDARD = Profile(label="OCPP")
"""A charger that no profile speaks of keeps to the standard."""


class Profiles:
    """All profiles by name."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self._profiles = dict(profiles)

    def __contains__(self, name: str) -> bool:
        return name in self._profiles

    def __getitem__(self, name: str) -> Profile:
        return self._profiles[name]

    def names(self) -> list[str]:
        """All names."""
        return sorted(self._profiles)

    def find(self, vendor: str, model: str, firmware: str) -> tuple[str, Profile]:
        """(name, profile) that fits best; ("", STANDARD): none fits."""
        best: tuple[tuple[int, int], str] | None = None
        for name, profile in self._profiles.items():
            rank = _rank(profile.match, vendor, model, firmware)
            if rank is not None and (best is None or rank > best[0]):
                best = rank, name
        return ("", STANDARD) if best is None else (best[1], self._profiles[best[1]])


def _rank(match: Match, vendor: str, model: str, firmware: str) -> tuple[int, int] | None:
    """(lists that fit, length of the patterns that do); None: it does not fit."""
    lists = length = 0
    for patterns, text in ((match.vendor, vendor), (match.model, model), (match.firmware, firmware)):
        if not patterns:
            continue
        fitting = [one for one in patterns if fnmatchcase(text.casefold(), one.casefold())]
        if not fitting:
            return None
        lists += 1
        length += max(map(len, fitting))
    return (lists, length) if lists else None


def load_profiles(folders: Iterable[Path]) -> Profiles:
    """Load every profile of the folders; of one name the first folder's counts.

    Raises:
        ProjectError: with every problem of every file.
    """
    found: dict[str, Profile] = {}
    problems: list[Problem] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            if path.stem in found:
                continue
            try:
                found[path.stem] = _load(path)
            except ProjectError as error:
                problems += error.problems
    if problems:
        raise ProjectError(problems)
    return Profiles(found)


def _load(path: Path) -> Profile:
    file = f"{FOLDER}/{path.name}"
    try:
        with path.open("rb") as stream:
            raw = stream.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ProjectError([Problem(file, "", f"is larger than {FILE_BYTES_MAX} bytes")])
        return Profile.model_validate(tomllib.loads(raw.decode("utf-8")))
    except OSError as error:
        raise ProjectError([Problem(file, "", f"cannot be read: {error.strerror}")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProjectError([Problem(file, "", f"is not TOML: {error}")]) from None
    except ValidationError as error:
        raise ProjectError(
            [Problem(file, ".".join(map(str, one["loc"])), str(one["msg"])) for one in error.errors()]
        ) from None
