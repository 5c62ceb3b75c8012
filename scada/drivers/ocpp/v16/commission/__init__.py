"""Getting to know a 1.6 charger: what it is, what it can, what the project wants of it, how its connectors are.

After each boot; after a mere reconnect only the states are asked for, as long as what is known is recent. A bounded number of
chargers is learned at the same time (`Knowledge.turns`). What came of it is the *commissioning report*, on disk.
"""

from __future__ import annotations

import asyncio

from scada.core.commissioning import CommissioningReport
from scada.core.secrecy import HIDDEN, is_secret
from scada.core.value import SECOND_US
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout, PeerClosed
from scada.drivers.ocpp.station import Station, log
from scada.drivers.ocpp.turns import PeerBusy, Priority
from scada.drivers.ocpp.v16.commission.keys import learn_all, texts_of
from scada.drivers.ocpp.v16.commission.setting import set_keys
from scada.drivers.ocpp.v16.commission.wanted import wanted_keys
from scada.drivers.ocpp.v16.composite import implausible
from scada.drivers.ocpp.v16.local_list import read_version, tell

COMMISSION_TIMEOUT_S = 240.0
"""Bound of getting to know one charger; what is known then is kept."""
RECENT_US = 7 * 86_400 * SECOND_US
"""So long a report holds for a charger that merely reconnects."""
AGAIN_US = 60 * SECOND_US
"""A charger that repeats its BootNotification within this is not learned again (some do so every ten seconds)."""
PLATE_WAIT_S = 5.0
SCHEDULE_S = 3_600
KEPT_VALUE_LENGTH_MAX = 500


async def learn(station: Station, booted: bool) -> None:
    """After a connection (False) or a boot (True)."""
    report = station.knowledge.report(station.charger.path)
    async with station.knowledge.turns:
        if not booted and report is None and await _ask_for_boot(station):
            return  # it is learned after the boot that it has told
        if report is not None and _holds(station, report, booted):
            station.put({"Commissioned": _text(report), "CommissionedAt": report.ended_us / SECOND_US})
            await ask_for_states(station)
            return
    await commission(station)


async def commission(station: Station) -> CommissioningReport:
    """Learn the charger from the beginning; never raises for what it does."""
    path, plate = station.charger.path, station.plate
    before = station.knowledge.report(path)
    if before is not None and before.firmware != plate.get("firmware", before.firmware):
        station.capabilities.unsupported.clear()  # another firmware may know more
    report = CommissioningReport(
        "running",
        station.now_us(),
        vendor=plate.get("vendor", before.vendor if before else ""),
        model=plate.get("model", before.model if before else ""),
        serial=plate.get("serial", before.serial if before else ""),
        firmware=plate.get("firmware", before.firmware if before else ""),
        meter=plate.get("meter", before.meter if before else ""),
        profile=station.profile_name,
    )
    station.put({"Commissioned": "running"})
    async with station.knowledge.turns:
        try:
            async with asyncio.timeout(COMMISSION_TIMEOUT_S):
                await _steps(station, report)
        except (CallError, CallTimeout, PeerClosed, PeerBusy) as fault:
            report.state, report.reason = "failed", str(fault)[:200]
        except TimeoutError:
            report.state, report.reason = "failed", f"not done within {COMMISSION_TIMEOUT_S:g} s"
    report.ended_us = station.now_us()
    report.unsupported = dict(station.capabilities.unsupported)
    await station.knowledge.keep_report(path, report)
    station.put({"Commissioned": _text(report), "CommissionedAt": report.ended_us / SECOND_US})
    log.info("ocpp_commissioned", charger=path, state=report.state, reason=report.reason)
    if report.reboot_required and not (before is not None and before.reboot_required):
        await _reboot(station)
    return report


async def ask_for_states(station: Station) -> None:
    """TriggerMessage for the state of the charger and of each connector (OCPP 1.6 5.17)."""
    for number in (0, *(connector.number for connector in station.charger.connectors)):
        body: dict[str, object] = {"requestedMessage": "StatusNotification"}
        if number:
            body["connectorId"] = number
        try:
            await station.call("TriggerMessage", body, Priority.LATER)
        except (CallError, CallTimeout) as fault:
            log.info("ocpp_no_trigger", charger=station.charger.path, reason=str(fault))
            return


async def _steps(station: Station, report: CommissioningReport) -> None:
    profile = station.profile
    # What operators look at comes first: a configuration may take minutes.
    await ask_for_states(station)
    try:
        await learn_all(station)
    except (CallError, CallTimeout) as fault:
        report.mismatches.append(f"the charger tells no configuration: {fault}"[:200])
    _features(station, report)
    report.keys = await set_keys(station, wanted_keys(station.settings, profile, station.configuration))
    for one in report.keys:
        if is_secret(one.key):
            one.wanted, one.before, one.after, one.reason = HIDDEN, None, None, ""
    report.configuration = {
        key: value[:KEPT_VALUE_LENGTH_MAX]
        for key, (value, _) in station.configuration.items()
        if not is_secret(key)
    }
    report.read_only = [key for key, (_, read_only) in station.configuration.items() if read_only]
    report.reboot_required = any(one.status == "reboot_required" for one in report.keys)
    await _local_list(station, report)
    await _schedule(station, report)
    if not profile.meter.sends:
        report.mismatches.append("chargers of this make send no meter values")
    well = all(one.status in ("accepted", "unchanged", "reboot_required") for one in report.keys)
    report.state = "done" if well else "refused"


def _features(station: Station, report: CommissioningReport) -> None:
    told, _ = station.configuration.get("SupportedFeatureProfiles", ("", False))
    if told:
        report.features = list(texts_of(told))
        station.capabilities.features = frozenset(report.features)
    number, _ = station.configuration.get("NumberOfConnectors", ("", False))
    if number.isascii() and number.isdecimal() and len(number) < 6:
        report.connectors = int(number)
        planned = len(station.charger.connectors)
        if report.connectors != planned:
            report.mismatches.append(f"the charger has {number} connectors, the project {planned}")


async def _local_list(station: Station, report: CommissioningReport) -> None:
    if not station.capabilities.has("LocalAuthListManagement", station.profile):
        tell(station, -1)
        return
    try:
        report.local_list_version = await read_version(station)
    except CallError:
        tell(station, -1)
    except CallTimeout:
        report.mismatches.append("the charger does not tell the version of its local list")


async def _schedule(station: Station, report: CommissioningReport) -> None:
    """What the charger itself takes for its limit now, where it says that it does smart charging."""
    features = report.features or ()
    if "SmartCharging" not in features or not station.capabilities.has("SmartCharging", station.profile):
        return
    for connector in station.charger.connectors:
        body = {"connectorId": connector.number, "duration": SCHEDULE_S}
        try:
            answer = await station.call("GetCompositeSchedule", body, Priority.LATER)
        except (CallError, CallTimeout):
            return
        answer, faults = implausible(answer, SCHEDULE_S)
        for fault in faults:
            station.deviation(fault, "GetCompositeScheduleResponse")
        schedule = answer.get("chargingSchedule") or {}
        periods = schedule.get("chargingSchedulePeriod")
        if periods:
            report.limits[f"C{connector.number}"] = f"{periods[0]['limit']:g} {schedule['chargingRateUnit']}"


async def _ask_for_boot(station: Station) -> bool:
    """A charger of which nothing is known and that has not booted is asked for its plate. Returns whether it told it."""
    try:
        answer = await station.call(
            "TriggerMessage", {"requestedMessage": "BootNotification"}, Priority.LATER
        )
    except (CallError, CallTimeout):
        return False
    return answer["status"] == "Accepted" and await station.wait_for_boot(PLATE_WAIT_S)


def _holds(station: Station, report: CommissioningReport, booted: bool) -> bool:
    """Whether what is known of a charger need not be learned again."""
    age_us = station.now_us() - report.ended_us
    same = report.firmware == station.plate.get("firmware", report.firmware)
    known = report.state in ("done", "refused") and report.profile == station.profile_name
    return same and known and 0 <= age_us < (AGAIN_US if booted else RECENT_US)


def _text(report: CommissioningReport) -> str:
    """For the tag `Commissioned`."""
    if report.state != "refused":
        return report.state
    return f"refused {sum(one.status not in ('accepted', 'unchanged', 'reboot_required') for one in report.keys)}"


async def _reboot(station: Station) -> None:
    """A key wants a reboot: once, where the project allows it and nobody charges."""
    sessions = station.host.core.sessions
    busy = any(sessions.open_on(station.charger.path, one.number) for one in station.charger.connectors)
    if not station.settings.reboot_when_needed or busy:
        return
    try:
        answer = await station.call("Reset", {"type": "Soft"}, Priority.LATER)
        log.info("ocpp_rebooted_for_keys", charger=station.charger.path, status=answer["status"])
    except (CallError, CallTimeout, PeerClosed, PeerBusy) as fault:
        log.info("ocpp_not_rebooted", charger=station.charger.path, reason=str(fault))
