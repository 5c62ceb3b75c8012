"""Reading configuration keys (OCPP 1.6 5.8), from chargers that answer otherwise than they should."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority

CHUNK = 10
"""Keys a request to a charger that does not say how many it takes (GetConfigurationMaxKeys)."""
KEYS_MAX = 1_000
"""Keys that are kept of a charger."""

STANDARD_KEYS = (
    "AllowOfflineTxForUnknownId",
    "AuthorizationCacheEnabled",
    "AuthorizeRemoteTxRequests",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "ConnectorSwitch3to1PhaseSupported",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthListEnabled",
    "LocalAuthListMaxLength",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MaxChargingProfilesInstalled",
    "MeterValueSampleInterval",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValuesSampledDataMaxLength",
    "NumberOfConnectors",
    "ReserveConnectorZeroSupported",
    "ResetRetries",
    "SendLocalListMaxLength",
    "StopTransactionOnEVSideDisconnect",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
    "WebSocketPingInterval",
)
"""Chapter 9: what is asked for by name where asking for everything fails."""


async def learn_all(station: Station) -> None:
    """Every key of a charger: at once, else by name in parts. Raises what `Station.call` raises where it tells none."""
    try:
        await read_all(station)
        return
    except CallError as fault:
        if fault.code in ("NotSupported", "NotImplemented"):
            raise
        station.deviation(f"GetConfigurationResponse: {fault}")
    except CallTimeout:
        station.deviation("GetConfigurationResponse: none, when asked for all keys")
    station.capabilities.unsupported.pop("GetConfiguration", None)
    await read_keys(station, STANDARD_KEYS)


async def read_all(station: Station) -> dict[str, Any]:
    """All keys in one request; kept in `station.configuration`."""
    return _take(station, await station.call("GetConfiguration", {}, Priority.LATER, checked=False))


async def read_keys(station: Station, keys: Sequence[str]) -> dict[str, Any]:
    """Some keys, in as many requests as the charger wants; the answers as one. A part that fails costs only itself.

    Raises:
        CallError, CallTimeout: no part was answered.
    """
    length = _chunk(station)
    entries: list[Any] = []
    unknown: list[Any] = []
    fault: CallError | CallTimeout | None = None
    answered = False
    for at in range(0, len(keys), length):
        body = {"key": list(keys[at : at + length])}
        try:
            answer = _take(
                station, await station.call("GetConfiguration", body, Priority.LATER, checked=False)
            )
        except (CallError, CallTimeout) as error:
            fault = error
            continue
        answered = True
        entries += answer.get("configurationKey", ())
        unknown += answer.get("unknownKey", ())
    if fault is not None and not answered:
        raise fault
    return {"configurationKey": entries, **({"unknownKey": unknown} if unknown else {})}


def same_value(one: str, other: str) -> bool:
    """Whether two values of a key mean the same: lists in any order, numbers and booleans however written."""
    if one == other:
        return True
    parts = [
        sorted(part.strip().casefold() for part in text.split(",") if part.strip()) for text in (one, other)
    ]
    if parts[0] == parts[1]:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def read_entries(answer: object) -> tuple[list[tuple[str, str, bool]], bool]:
    """(key, value, read-only) of an answer as it is, and whether something had to be understood that is not standard."""
    listed = answer.get("configurationKey") if isinstance(answer, dict) else None
    entries: list[tuple[str, str, bool]] = []
    odd = not isinstance(answer, dict)
    for entry in listed if isinstance(listed, list) else ():
        key = entry.get("key") if isinstance(entry, dict) else None
        if not isinstance(key, str) or not key:
            odd = True
            continue
        value, readonly = entry.get("value"), entry.get("readonly", False)
        odd = odd or not isinstance(readonly, bool) or not (value is None or isinstance(value, str))
        entries.append((key, _text(value), readonly in (True, 1, "1") or str(readonly).casefold() == "true"))
    return entries, odd


def texts_of(value: str) -> Iterable[str]:
    """The parts of a comma-separated value."""
    return [part.strip() for part in value.split(",") if part.strip()]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:2_000]


def _take(station: Station, answer: dict[str, Any]) -> dict[str, Any]:
    entries, odd = read_entries(answer)
    try:
        schemas.check_response("ocpp1.6", "GetConfiguration", answer)
    except CallError as fault:
        station.deviation(f"GetConfigurationResponse: {fault}")
    else:
        if odd:
            station.deviation("GetConfigurationResponse: values that are no texts")
    for key, value, readonly in entries:
        if key in station.configuration or len(station.configuration) < KEYS_MAX:
            station.configuration[key] = (value, readonly)
    unknown = answer.get("unknownKey")
    shaped: dict[str, Any] = {
        "configurationKey": [
            {"key": key, "readonly": readonly, "value": value} for key, value, readonly in entries
        ]
    }
    if isinstance(unknown, list) and unknown:
        shaped["unknownKey"] = [str(key) for key in unknown]
    return shaped


def _chunk(station: Station) -> int:
    value, _ = station.configuration.get("GetConfigurationMaxKeys", ("", False))
    return max(1, min(int(value), 100)) if value.isascii() and value.isdecimal() and len(value) < 6 else CHUNK
