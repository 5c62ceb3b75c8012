"""Setting configuration keys (OCPP 1.6 5.3), and reading them again."""

from __future__ import annotations

from collections.abc import Mapping

from scada.core.commissioning import KeyResult
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commission.keys import read_keys, same_value, texts_of

LISTS = frozenset(("MeterValuesSampledData", "MeterValuesAlignedData"))
"""Keys of measurands: a charger that refuses the list may take parts of it."""
_STATUS = {
    "Accepted": "accepted",
    "Rejected": "refused",
    "NotSupported": "unknown",
    "RebootRequired": "reboot_required",
}


async def set_keys(station: Station, wanted: Mapping[str, str]) -> list[KeyResult]:
    """Set what differs, and read it back. A key that fails costs only itself."""
    results = [await _set(station, key, value) for key, value in wanted.items()]
    asked = [one.key for one in results if one.status == "accepted"]
    if not asked:
        return results
    for key in asked:
        station.configuration.pop(key, None)
    try:
        await read_keys(station, asked)
    except (CallError, CallTimeout) as fault:
        for one in results:
            if one.status == "accepted":
                one.reason = f"not read back: {fault}"[:200]
        return results
    for one in results:
        if one.status == "accepted":
            _compare(station, one)
    return results


def _compare(station: Station, result: KeyResult) -> None:
    read = station.configuration.get(result.key)
    result.after = read[0] if read else None
    if read is None:
        result.reason = "the charger does not tell this key"
        station.configuration[result.key] = (result.wanted, False)
    elif not same_value(read[0], result.wanted):
        result.status, result.reason = "not_kept", f"accepted, but reads '{read[0][:100]}'"


async def _set(station: Station, key: str, wanted: str) -> KeyResult:
    known = station.configuration.get(key)
    result = KeyResult(key, wanted, "unchanged", before=known[0] if known else None)
    if known is not None and same_value(known[0], wanted):
        result.after = known[0]
        return result
    if known is not None and known[1]:
        result.status = "read_only"
        return result
    await _change(station, result)
    if result.status == "refused" and _standard(station, key) in LISTS:
        await _in_parts(station, result)
    return result


async def _change(station: Station, result: KeyResult) -> None:
    try:
        answer = await station.call(
            "ChangeConfiguration", {"key": result.key, "value": result.wanted}, Priority.LATER
        )
    except (CallError, CallTimeout) as fault:
        result.status, result.reason = "failed", str(fault)[:200]
        return
    result.status = _STATUS[answer["status"]]


async def _in_parts(station: Station, result: KeyResult) -> None:
    """Find the measurands that the charger takes, one more at a time."""
    wanted = list(texts_of(result.wanted))
    taken: list[str] = []
    for measurand in wanted:
        trial = KeyResult(result.key, ",".join([*taken, measurand]), "")
        await _change(station, trial)
        if trial.status in ("accepted", "reboot_required"):
            taken.append(measurand)
            result.status = trial.status
    if taken:
        left = [one for one in wanted if one not in taken]
        result.wanted, result.reason = ",".join(taken), f"the charger does not take {', '.join(left)}"


def _standard(station: Station, key: str) -> str:
    """The standard's name of a key of this make."""
    return next((name for name, own in station.profile.names.items() if own == key), key)
