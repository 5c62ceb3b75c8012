"""Getting to know a 1.6 charger: its configuration, what the project wants of it, the state of its connectors."""

from __future__ import annotations

from typing import Any

from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout, Priority
from scada.drivers.ocpp.station import Station, log


async def learn(station: Station) -> None:
    """Read the configuration, set what differs from the project, ask for every connector's state."""
    await read_configuration(station)
    for key, wanted in _wanted(station).items():
        value, readonly = station.configuration.get(key, ("", False))
        if value != wanted and not readonly:
            await _set(station, key, wanted)
    await ask_for_states(station)


async def read_configuration(station: Station, key: str = "") -> dict[str, Any]:
    """GetConfiguration (OCPP 1.6 5.8); the answer is kept in `station.configuration`."""
    answer = await station.call("GetConfiguration", {"key": [key]} if key else {}, Priority.LATER)
    for entry in answer.get("configurationKey", ()):
        station.configuration[entry["key"]] = (str(entry.get("value", "")), bool(entry["readonly"]))
    return answer


async def ask_for_states(station: Station) -> None:
    """TriggerMessage for the state of the charger and of each connector (OCPP 1.6 5.17)."""
    for number in (0, *(connector.number for connector in station.charger.connectors)):
        body = {"requestedMessage": "StatusNotification", "connectorId": number}
        try:
            await station.call("TriggerMessage", body, Priority.LATER)
        except (CallError, CallTimeout) as fault:
            log.info("ocpp_no_trigger", charger=station.charger.path, reason=str(fault))
            return


def _wanted(station: Station) -> dict[str, str]:
    settings = station.settings
    wanted = {
        "HeartbeatInterval": str(settings.heartbeat_s),
        "MeterValueSampleInterval": str(settings.meter_sample_s),
    }
    if settings.measurands:
        wanted["MeterValuesSampledData"] = ",".join(settings.measurands)
    return wanted


async def _set(station: Station, key: str, value: str) -> None:
    try:
        answer = await station.call("ChangeConfiguration", {"key": key, "value": value}, Priority.LATER)
    except (CallError, CallTimeout) as fault:
        log.info("ocpp_key_not_set", charger=station.charger.path, key=key, reason=str(fault))
        return
    status = answer["status"]
    if status in ("Accepted", "RebootRequired"):
        station.configuration[key] = (value, False)
    else:
        log.info("ocpp_key_not_set", charger=station.charger.path, key=key, reason=status)
