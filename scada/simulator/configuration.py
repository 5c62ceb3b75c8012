"""Configuration keys of a simulated charger (OCPP 1.6 chapter 9). Pure. A key is there because it does something."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scada.simulator.samples import MEASURANDS

SECONDS_MAX = 86_400


def _whole(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdecimal() and len(text) <= 9 and low <= int(text) <= high


def _boolean(text: str) -> bool:
    return text.lower() in ("true", "false")


def _measurands(text: str) -> bool:
    return all(part.strip() in MEASURANDS for part in text.split(",") if part.strip())


_DEFAULTS: Mapping[str, tuple[str, Callable[[str], bool] | None]] = {
    "AuthorizationCacheEnabled": ("true", _boolean),
    "AuthorizeRemoteTxRequests": ("false", None),
    "ClockAlignedDataInterval": ("60", _whole(0, SECONDS_MAX)),
    "ConnectionTimeOut": ("60", _whole(1, SECONDS_MAX)),
    "GetConfigurationMaxKeys": ("50", None),
    "HeartbeatInterval": ("300", _whole(1, SECONDS_MAX)),
    "LocalAuthorizeOffline": ("true", _boolean),
    "LocalPreAuthorize": ("false", None),
    "MeterValueSampleInterval": ("60", _whole(0, SECONDS_MAX)),
    "MeterValuesAlignedData": (",".join(MEASURANDS), _measurands),
    "MeterValuesSampledData": ("Energy.Active.Import.Register", _measurands),
    "NumberOfConnectors": ("1", None),
    "StopTransactionOnEVSideDisconnect": ("true", None),
    "StopTransactionOnInvalidId": ("true", _boolean),
    "SupportedFeatureProfiles": ("Core,RemoteTrigger", None),
    "TransactionMessageAttempts": ("10", _whole(1, 100)),
    "TransactionMessageRetryInterval": ("5", _whole(0, 3600)),
}
"""Key → (value at delivery, what may be written; None: read-only)."""


class Configuration:
    """The keys of one charger.

    Args:
        changed: what was written in an earlier life; kept up to date, so that it can be saved.
    """

    def __init__(self, connectors: int, changed: dict[str, str]) -> None:
        self.changed = changed
        self._values = {key: value for key, (value, _) in _DEFAULTS.items()}
        self._values["NumberOfConnectors"] = str(connectors)
        self._values.update({key: value for key, value in changed.items() if key in _DEFAULTS})

    def number(self, key: str) -> int:
        """A key that holds a whole number."""
        return int(self._values[key])

    def flag(self, key: str) -> bool:
        """A key that holds a boolean."""
        return self._values[key].lower() == "true"

    def texts(self, key: str) -> list[str]:
        """A key that holds a comma-separated list."""
        return [part.strip() for part in self._values[key].split(",") if part.strip()]

    def set(self, key: str, value: str) -> str:
        """ChangeConfiguration (5.3): the status to answer."""
        if key not in _DEFAULTS:
            return "NotSupported"
        check = _DEFAULTS[key][1]
        if check is None or not check(value):
            return "Rejected"
        self._values[key] = self.changed[key] = value
        return "Accepted"

    def read(self, keys: list[str]) -> dict[str, Any]:
        """GetConfiguration (5.8): the payload to answer."""
        wanted = keys or [*self._values]
        answer: dict[str, Any] = {
            "configurationKey": [
                {"key": key, "readonly": _DEFAULTS[key][1] is None, "value": self._values[key]}
                for key in wanted
                if key in self._values
            ]
        }
        unknown = [key for key in wanted if key not in self._values]
        if unknown:
            answer["unknownKey"] = unknown
        return answer
