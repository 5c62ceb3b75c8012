"""Which commands there are: on what, with which arguments, by which right. Names and arguments know no version.

A driver carries out those that its devices can (`scada.drivers.ocpp.dialect`), and refuses the others in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from scada.core.access import Right
from scada.core.command import Argument, CommandSpec, Target

DAY_S = 86_400
ID_TAG_LENGTH_MAX = 20
URL_LENGTH_MAX = 512
CERTIFICATE_LENGTH_MAX = 5_500
"""PEM, of the security whitepaper for OCPP 1.6 (4.1)."""
LIST_ENTRIES_MAX = 50_000

TRIGGERS = (
    "BootNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "SignChargePointCertificate",
)
GUARDED = frozenset(
    ("CertificateSigned", "DeleteCertificate", "InstallCertificate", "SignedUpdateFirmware", "UpdateFirmware")
)
"""Messages that change whom a charger trusts or what it runs, as the commands for it do: from any place on the net."""
PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
CERTIFICATE_TYPES = ("CentralSystemRootCertificate", "ManufacturerRootCertificate")


def _tag(name: str, *, required: bool = False) -> Argument:
    return Argument(name, str, required=required, length_max=ID_TAG_LENGTH_MAX)


def _choice(name: str, choices: tuple[str, ...], *, required: bool = True) -> Argument:
    return Argument(name, str, required=required, choices=choices)


_EITHER, _CHARGER, _CONNECTOR = Target.EITHER, Target.CHARGER, Target.CONNECTOR
_OPERATE, _MAINTAIN, _CONFIGURE = Right.OPERATE, Right.MAINTAIN, Right.CONFIGURE

_CHARGING = (
    CommandSpec(
        "RemoteStart",
        _CONNECTOR,
        _OPERATE,
        timeout_s=90,
        arguments=(_tag("id_tag", required=True), Argument("limit_a", float, low=0, high=1_000)),
    ),
    CommandSpec("RemoteStop", _CONNECTOR, _OPERATE, timeout_s=60, confirm=True),
    CommandSpec("UnlockConnector", _CONNECTOR, _OPERATE, timeout_s=30, confirm=True),
    CommandSpec(
        "ChangeAvailability",
        _EITHER,
        _OPERATE,
        timeout_s=30,
        arguments=(_choice("type", ("Operative", "Inoperative")),),
    ),
    CommandSpec(
        "Reserve",
        _CONNECTOR,
        _OPERATE,
        timeout_s=30,
        arguments=(
            Argument("reservation_id", int, required=True, low=0, high=2**31 - 1),
            _tag("id_tag", required=True),
            _tag("parent"),
            Argument("expires", str, required=True),
        ),
    ),
    CommandSpec(
        "CancelReservation",
        _CHARGER,
        _OPERATE,
        timeout_s=30,
        arguments=(Argument("reservation_id", int, required=True, low=0, high=2**31 - 1),),
    ),
    CommandSpec(
        "SetLimit",
        _EITHER,
        _OPERATE,
        timeout_s=30,
        arguments=(
            Argument("limit_a", float, required=True, low=0, high=1_000),
            Argument("duration_s", int, low=1, high=30 * DAY_S),
            Argument("then_a", float, low=0, high=1_000),
            Argument("phases", int, low=1, high=3),
        ),
    ),
    CommandSpec("ClearLimit", _EITHER, _OPERATE, timeout_s=30),
)

_PROFILES = (
    CommandSpec(
        "SetChargingProfile",
        _EITHER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(Argument("profile", dict, required=True),),
    ),
    CommandSpec(
        "ClearChargingProfile",
        _EITHER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(
            Argument("id", int),
            _choice("purpose", PURPOSES, required=False),
            Argument("stack_level", int, low=0, high=1_000),
        ),
    ),
    CommandSpec(
        "GetCompositeSchedule",
        _EITHER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(
            Argument("duration_s", int, required=True, low=1, high=7 * DAY_S),
            _choice("unit", ("A", "W"), required=False),
        ),
    ),
)

_MAINTENANCE = (
    CommandSpec(
        "Reset",
        _CHARGER,
        _OPERATE,
        timeout_s=180,
        arguments=(_choice("type", ("Soft", "Hard")),),
        confirm=True,
    ),
    CommandSpec(
        "GetConfiguration",
        _CHARGER,
        _MAINTAIN,
        timeout_s=60,
        arguments=(Argument("key", str, length_max=50),),
    ),
    CommandSpec(
        "ChangeConfiguration",
        _CHARGER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(
            Argument("key", str, required=True, length_max=50),
            Argument("value", str, required=True, length_max=500),
        ),
    ),
    CommandSpec("Commission", _CHARGER, _MAINTAIN, timeout_s=300),
    CommandSpec(
        "TriggerMessage",
        _CHARGER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(
            _choice("requestedMessage", TRIGGERS),
            Argument("connectorId", int, low=0, high=1_000),
        ),
    ),
    CommandSpec("ClearCache", _CHARGER, _MAINTAIN, timeout_s=30),
    CommandSpec("GetLocalListVersion", _CHARGER, _MAINTAIN, timeout_s=30),
    CommandSpec(
        "SendLocalList",
        _CHARGER,
        _MAINTAIN,
        timeout_s=120,
        arguments=(
            Argument("version", int, required=True, low=1, high=2**31 - 1),
            _choice("update", ("Full", "Differential")),
            Argument("entries", list, required=True, length_max=LIST_ENTRIES_MAX),
        ),
    ),
    CommandSpec(
        "DataTransfer",
        _CHARGER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(
            Argument("vendor_id", str, required=True),
            Argument("message_id", str, length_max=50),
            Argument("data", str, length_max=60_000),
        ),
    ),
    CommandSpec(
        "Send",
        _CHARGER,
        _MAINTAIN,
        timeout_s=60,
        arguments=(
            Argument("action", str, required=True, length_max=50),
            Argument("payload", dict, required=True),
        ),
        confirm=True,
        guarded=("action", GUARDED),
    ),
)

_FILES = (
    CommandSpec(
        "GetDiagnostics",
        _CHARGER,
        _MAINTAIN,
        timeout_s=900,
        arguments=(Argument("from", str), Argument("to", str)),
    ),
    CommandSpec(
        "GetLog",
        _CHARGER,
        _MAINTAIN,
        timeout_s=900,
        arguments=(
            _choice("type", ("DiagnosticsLog", "SecurityLog")),
            Argument("from", str),
            Argument("to", str),
        ),
    ),
    CommandSpec(
        "UpdateFirmware",
        _CHARGER,
        _MAINTAIN,
        timeout_s=3_600,
        arguments=(Argument("file", str, required=True), Argument("retrieve", str)),
        confirm=True,
    ),
)

_SECURITY = (
    CommandSpec("RotatePassword", _CHARGER, _CONFIGURE, timeout_s=180, confirm=True),
    CommandSpec("RenewCertificate", _CHARGER, _CONFIGURE, timeout_s=180),
    CommandSpec(
        "InstallCertificate",
        _CHARGER,
        _CONFIGURE,
        timeout_s=60,
        arguments=(
            _choice("type", CERTIFICATE_TYPES),
            Argument("certificate", str, length_max=CERTIFICATE_LENGTH_MAX),
        ),
    ),
    CommandSpec(
        "DeleteCertificate",
        _CHARGER,
        _CONFIGURE,
        timeout_s=60,
        arguments=(Argument("hash", dict, required=True),),
        confirm=True,
    ),
    CommandSpec(
        "GetInstalledCertificateIds",
        _CHARGER,
        _MAINTAIN,
        timeout_s=30,
        arguments=(_choice("type", CERTIFICATE_TYPES),),
    ),
)

_CAMPAIGNS = frozenset(
    (
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "Commission",
        "GetConfiguration",
        "GetDiagnostics",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "InstallCertificate",
        "RenewCertificate",
        "Reset",
        "RotatePassword",
        "TriggerMessage",
        "UpdateFirmware",
    )
)
"""Commands that make sense for many chargers at once."""

WRITE_REGISTER = "WriteRegister"
_MODBUS = (
    CommandSpec(
        WRITE_REGISTER,
        Target.DEVICE,
        _MAINTAIN,
        timeout_s=15,
        arguments=(
            Argument("register", str, required=True, length_max=64),
            Argument("value", float, required=True),
        ),
        confirm=True,
    ),
)
"""To a register that the device's profile lets be written, within its limits; done when it reads as written."""

CATALOGUE: Mapping[str, CommandSpec] = {
    spec.name: replace(spec, campaign=spec.name in _CAMPAIGNS)
    for spec in (*_CHARGING, *_PROFILES, *_MAINTENANCE, *_FILES, *_SECURITY, *_MODBUS)
}
