"""Configuration keys of a simulated charger (OCPP 1.6 chapter 9, security whitepaper). Pure.

A key is there because it does something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scada.charging.profiles import PERIODS_MAX, PROFILES_MAX
from scada.simulator.samples import MEASURANDS, PHASE_SETS

SECONDS_MAX = 86_400
LIST_ENTRIES_MAX = 5_000
LIST_UPDATE_MAX = 200
STACK_LEVEL_MAX = 20
KEYS_MAX = 60
"""GetConfigurationMaxKeys."""
CHAIN_LENGTH_MAX = 10_000
_ROTATION = re.compile(r"\s*\d+\.(NotApplicable|Unknown|RST|RTS|SRT|STR|TRS|TSR)\s*")

Check = Callable[[str], bool]


def _whole(low: int, high: int) -> Check:
    return lambda text: text.isascii() and text.isdecimal() and len(text) <= 9 and low <= int(text) <= high


def _boolean(text: str) -> bool:
    return text.lower() in ("true", "false")


def _measurands(text: str) -> bool:
    return all(part.strip() in MEASURANDS for part in text.split(",") if part.strip())


def _rotation(text: str) -> bool:
    return all(_ROTATION.fullmatch(part) for part in text.split(","))


def _password(text: str) -> bool:
    """16 to 40 characters: 20 bytes in hexadecimal at most (security whitepaper, AuthorizationKey)."""
    return 16 <= len(text) <= 40 and text.isascii() and text.isprintable()


@dataclass(frozen=True, slots=True)
class Key:
    """A key: its value at delivery and what may be written.

    Attributes:
        check: None: read-only.
        reboot: a change takes effect with the next boot.
        secret: never read out.
    """

    value: str
    check: Check | None = None
    reboot: bool = False
    secret: bool = False


KEYS: Mapping[str, Key] = {
    "AllowOfflineTxForUnknownId": Key("false", _boolean),
    "AuthorizationCacheEnabled": Key("true", _boolean),
    "AuthorizationKey": Key("", _password, secret=True),
    "AuthorizeRemoteTxRequests": Key("false", _boolean),
    "BlinkRepeat": Key("3", _whole(0, 100)),
    "CertificateSignedMaxChainSize": Key(str(CHAIN_LENGTH_MAX)),
    "CertificateStoreMaxLength": Key("8"),
    "ChargeProfileMaxStackLevel": Key(str(STACK_LEVEL_MAX)),
    "ChargingScheduleAllowedChargingRateUnit": Key("Current,Power"),
    "ChargingScheduleMaxPeriods": Key(str(PERIODS_MAX)),
    "ClockAlignedDataInterval": Key("60", _whole(0, SECONDS_MAX)),
    "ConnectionTimeOut": Key("60", _whole(1, SECONDS_MAX)),
    "ConnectorPhaseRotation": Key("0.RST", _rotation, reboot=True),
    "ConnectorSwitch3to1PhaseSupported": Key("true"),
    "CpoName": Key("", lambda text: len(text) <= 50),
    "GetConfigurationMaxKeys": Key(str(KEYS_MAX)),
    "HeartbeatInterval": Key("300", _whole(1, SECONDS_MAX)),
    "LocalAuthListEnabled": Key("true", _boolean),
    "LocalAuthListMaxLength": Key(str(LIST_ENTRIES_MAX)),
    "LocalAuthorizeOffline": Key("true", _boolean),
    "LocalPreAuthorize": Key("false", _boolean),
    "MaxChargingProfilesInstalled": Key(str(PROFILES_MAX)),
    "MaxEnergyOnInvalidId": Key("0", _whole(0, 1_000_000)),
    "MeterValueSampleInterval": Key("60", _whole(0, SECONDS_MAX)),
    "MeterValuesAlignedData": Key(",".join(MEASURANDS[:7]), _measurands),
    "MeterValuesPhases": Key("L-N", lambda text: text in PHASE_SETS),
    "MeterValuesSampledData": Key("Energy.Active.Import.Register", _measurands),
    "MinimumStatusDuration": Key("0", _whole(0, 3_600)),
    "NumberOfConnectors": Key("1"),
    "ReserveConnectorZeroSupported": Key("true"),
    "ResumeAfterPowerLoss": Key("false", _boolean),
    "SecurityProfile": Key("0", _whole(0, 3)),
    "SendLocalListMaxLength": Key(str(LIST_UPDATE_MAX)),
    "SignedMeterValues": Key("false", _boolean),
    "StopTransactionOnEVSideDisconnect": Key("true", _boolean),
    "StopTransactionOnInvalidId": Key("true", _boolean),
    "StopTxnAlignedData": Key("", _measurands),
    "StopTxnSampledData": Key("", _measurands),
    "SupportedFeatureProfiles": Key(
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
    ),
    "SupportedFileTransferProtocols": Key("HTTP,HTTPS,FTP"),
    "TransactionMessageAttempts": Key("10", _whole(1, 100)),
    "TransactionMessageRetryInterval": Key("5", _whole(0, 3600)),
    "WebSocketPingInterval": Key("30", _whole(0, 3_600)),
}


class Configuration:
    """The keys of one charger.

    Args:
        changed: what was written in an earlier life; kept up to date, so that it can be saved.
        written: told of each key that was accepted, before the answer leaves.
    """

    def __init__(
        self, connectors: int, changed: dict[str, str], written: Callable[[str, str], None] | None = None
    ) -> None:
        self.changed = changed
        self._written = written
        self._values = {key: one.value for key, one in KEYS.items()}
        self._values["NumberOfConnectors"] = str(connectors)
        self._boot()

    def _boot(self) -> None:
        self._values.update({key: value for key, value in self.changed.items() if key in KEYS})

    def rebooted(self) -> None:
        """What was written for the next boot takes effect."""
        self._boot()

    def number(self, key: str) -> int:
        """A key that holds a whole number."""
        return int(self._values[key])

    def flag(self, key: str) -> bool:
        """A key that holds a boolean."""
        return self._values[key].lower() == "true"

    def text(self, key: str) -> str:
        """A key as it stands."""
        return self._values[key]

    def texts(self, key: str) -> list[str]:
        """A key that holds a comma-separated list."""
        return [part.strip() for part in self._values[key].split(",") if part.strip()]

    def set(self, key: str, value: str) -> str:
        """ChangeConfiguration (5.3): the status to answer."""
        known = KEYS.get(key)
        if known is None:
            return "NotSupported"
        if known.check is None or not known.check(value):
            return "Rejected"
        if not known.secret:
            self.changed[key] = value
            if not known.reboot:
                self._values[key] = value
        if self._written is not None:
            self._written(key, value)
        return "RebootRequired" if known.reboot else "Accepted"

    def learn(self, key: str, value: str) -> None:
        """The charger itself keeps a value, also of a read-only key."""
        self._values[key] = value

    def read(self, keys: list[str]) -> dict[str, Any]:
        """GetConfiguration (5.8): the payload to answer; at most KEYS_MAX keys of the wanted."""
        wanted = (keys or [*self._values])[:KEYS_MAX]
        answer: dict[str, Any] = {
            "configurationKey": [self._entry(key) for key in wanted if key in self._values]
        }
        unknown = [key for key in wanted if key not in self._values]
        if unknown:
            answer["unknownKey"] = unknown
        return answer

    def _entry(self, key: str) -> dict[str, Any]:
        known = KEYS[key]
        entry: dict[str, Any] = {"key": key, "readonly": known.check is None}
        if not known.secret:
            # What was written is told, also where it waits for the boot.
            entry["value"] = self.changed.get(key, self._values[key]) if known.reboot else self._values[key]
        return entry
