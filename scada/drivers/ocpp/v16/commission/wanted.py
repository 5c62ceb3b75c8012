"""Which keys a charger is to have at which value: of the project, of its make, of the product. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from scada.core.plant import OcppSettings
from scada.drivers.ocpp.profile import Profile

Configuration = Mapping[str, tuple[str, bool]]
"""Key → (value, read-only), as the charger told it."""

WHERE_THERE = {
    "AuthorizeRemoteTxRequests": "false",  # who orders a start has been asked already
    "StopTransactionOnInvalidId": "true",
    "LocalAuthListEnabled": "true",
}
"""What the product wants of chargers that have the key."""


def wanted_keys(settings: OcppSettings, profile: Profile, configuration: Configuration) -> dict[str, str]:
    """Key (as this make calls it) → value. What the project says in `[ocpp.keys]` comes last, and counts."""
    standard = {
        "HeartbeatInterval": str(settings.heartbeat_s),
        "MeterValueSampleInterval": str(settings.meter_sample_s),
    }
    if settings.measurands:
        standard["MeterValuesSampledData"] = ",".join(measurands(settings.measurands, profile, configuration))
    if settings.aligned_s:
        standard["ClockAlignedDataInterval"] = str(settings.aligned_s)
    if settings.aligned_measurands:
        standard["MeterValuesAlignedData"] = ",".join(
            measurands(settings.aligned_measurands, profile, configuration)
        )
    if settings.websocket_ping_s is not None:
        standard["WebSocketPingInterval"] = str(settings.websocket_ping_s)
    standard |= {key: value for key, value in WHERE_THERE.items() if profile.key(key) in configuration}
    named = {profile.key(key): value for key, value in standard.items() if profile.key(key)}
    return {**named, **profile.keys, **settings.keys}


def measurands(wanted: tuple[str, ...], profile: Profile, configuration: Configuration) -> list[str]:
    """Those of the wanted measurands that this charger can be asked for at once, the project's first ones first."""
    able = [one for one in wanted if not profile.meter.measurands or one in profile.meter.measurands]
    most = [number for number in (profile.meter.measurands_max, _length_max(configuration)) if number]
    return able[: min(most)] if most else able


def _length_max(configuration: Configuration) -> int:
    value, _ = configuration.get("MeterValuesSampledDataMaxLength", ("", False))
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else 0
