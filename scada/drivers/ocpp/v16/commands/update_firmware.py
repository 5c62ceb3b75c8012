"""UpdateFirmware (OCPP 1.6 5.19), SignedUpdateFirmware (security whitepaper L01): done when the charger runs another firmware.

A charger says Installed, and boots with another version; which comes first, and whether both come, differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scada.core import moment
from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import ScadaError
from scada.core.file_ports import FileSlot, FirmwareFile
from scada.core.value import SECOND_US, TimeUs
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout, PeerClosed
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import PeerBusy, Priority
from scada.drivers.ocpp.v16.commands import common
from scada.drivers.ocpp.v16.commands.transfers import (
    MARGIN_US,
    Heard,
    Impossible,
    alone,
    new_request_id,
    refused,
    ways,
)

SCHEMES = ("https", "http", "ftp")
DAY_US = 86_400 * SECOND_US
BOOT_AFTER_US = 300 * SECOND_US
"""How long after Installed the boot is waited for before the charger is asked for its version."""
TRIGGERED_US = 30 * SECOND_US
FAILURES = frozenset(
    (
        "DownloadFailed",
        "InstallationFailed",
        "InstallVerificationFailed",
        "InvalidSignature",
        "InvalidCertificate",
        "RevokedCertificate",
    )
)


async def execute(station: Station, command: Command) -> CommandResult:
    """Have the charger fetch and install a file of the firmware folder."""
    try:
        with alone(station, "firmware"):
            return await _update(station, command)
    except (Impossible, ScadaError) as error:
        return refused(error)


async def _update(station: Station, command: Command) -> CommandResult:
    schemes = ways(station, SCHEMES)
    files = station.files
    assert files is not None
    now_us = station.now_us()
    retrieve_us = now_us
    if command.arguments.get("retrieve"):
        parsed = moment.parse(command.arguments["retrieve"])
        if parsed is None:
            raise Impossible("'retrieve' is no time: 2026-11-24T02:00:00Z")
        retrieve_us = max(parsed, now_us)
    file = await files.firmware_file(command.arguments["file"])
    result = refused("")
    for scheme in schemes:
        expires_us = max(command.deadline_us, retrieve_us + DAY_US)
        slot = await files.offer(file.name, station.charger.path, scheme, expires_us)
        try:
            result = await _try(station, command, file, slot, retrieve_us)
        except BaseException:
            await files.close_slot(slot.id)
            raise
        if result.outcome not in (Outcome.SCHEDULED, Outcome.TIMED_OUT):
            # Else the charger may fetch it yet: the slot ends by its own time.
            await files.close_slot(slot.id)
        if result.answer.get("status") != "DownloadFailed":
            break
    return result


async def _try(
    station: Station, command: Command, file: FirmwareFile, slot: FileSlot, retrieve_us: TimeUs
) -> CommandResult:
    with Heard(station, ("firmware_status", "boot")) as heard:
        try:
            asked = await _ask(station, file, slot, retrieve_us)
        except CallTimeout:
            if not heard.count:
                raise
            asked = _Asked()  # it is at work already, without having answered
        if asked.refusal is not None:
            return asked.refusal
        if retrieve_us > command.deadline_us - 2 * BOOT_AFTER_US:
            when = moment.text(retrieve_us)
            return CommandResult(
                Outcome.SCHEDULED, f"the charger will fetch {file.name} at {when}{asked.note}"
            )
        return await _Progress(station, command, heard, asked).outcome()


@dataclass
class _Asked:
    """What the charger answered.

    Attributes:
        request_id: None: it was asked without one (plain 1.6).
        note: what is to be said besides the outcome.
    """

    request_id: int | None = None
    note: str = ""
    refusal: CommandResult | None = None


async def _ask(station: Station, file: FirmwareFile, slot: FileSlot, retrieve_us: TimeUs) -> _Asked:
    """Signed where there is a signature and the charger knows how; else as 1.6 has always done it."""
    note = ""
    if file.signature and file.certificate:
        request_id = new_request_id()
        firmware = {
            "location": slot.url,
            "retrieveDateTime": moment.text(retrieve_us),
            "signingCertificate": file.certificate,
            "signature": file.signature,
        }
        try:
            answer = await station.call(
                "SignedUpdateFirmware", {"requestId": request_id, "firmware": firmware}, Priority.LATER
            )
        except CallError as fault:
            if fault.code not in ("NotImplemented", "NotSupported"):
                raise
            note = " (without its signature: the charger knows no signed firmware)"
        else:
            accepted = answer["status"] in ("Accepted", "AcceptedCanceled")
            return _Asked(request_id, refusal=None if accepted else common.refused(answer))
    body = {"location": slot.url, "retrieveDate": moment.text(retrieve_us)}
    await station.call("UpdateFirmware", body, Priority.LATER)
    return _Asked(note=note)


class _Progress:
    """What is heard of an update until its end."""

    def __init__(self, station: Station, command: Command, heard: Heard, asked: _Asked) -> None:
        self._station = station
        self._heard = heard
        self._asked = asked
        self._until_us = command.deadline_us - MARGIN_US
        self._before = self._version()
        self._status = ""
        self._installed = False

    async def outcome(self) -> CommandResult:
        """The outcome of the command."""
        while (event := await self._heard.next(self._until_us)) is not None:
            result = self._booted() if event.kind == "boot" else self._told(event.data)
            if result is not None:
                return result
        if not self._installed:
            last = (
                f"the last that the charger said is {self._status}"
                if self._status
                else "the charger says nothing"
            )
            return self._end(Outcome.TIMED_OUT, f"accepted, but not installed in time; {last}")
        return await self._look()

    def _told(self, data: dict[str, Any]) -> CommandResult | None:
        number = data["request_id"]
        if None not in (number, self._asked.request_id) and number != self._asked.request_id:
            return None  # of an earlier one
        if data["status"] != "Idle":
            self._status = data["status"]
        if self._status in FAILURES:
            return self._end(Outcome.FAILED, f"the charger says {self._status}")
        if self._status == "Installed" and not self._installed:
            self._installed = True
            if self._changed():
                return self._done()
            self._until_us = min(self._until_us, self._station.now_us() + BOOT_AFTER_US)
        return None

    def _booted(self) -> CommandResult | None:
        if self._changed():
            return self._done()
        if self._installed:
            return self._end(
                Outcome.FAILED,
                f"the charger says Installed, but booted with the same firmware {self._before}",
            )
        return None  # some boot, for another reason or on the way

    async def _look(self) -> CommandResult:
        """It says Installed and has not booted: ask it for its version."""
        try:
            await self._station.call(
                "TriggerMessage", {"requestedMessage": "BootNotification"}, Priority.LATER
            )
        except (CallError, CallTimeout, PeerBusy, PeerClosed):
            pass
        else:
            limit_us = self._station.now_us() + TRIGGERED_US
            while (event := await self._heard.next(limit_us)) is not None:
                result = self._booted() if event.kind == "boot" else None
                if result is not None:
                    return result
        return self._end(Outcome.DONE, "the charger says Installed; it has not told another version since")

    def _version(self) -> str:
        tag = self._station.tag("Firmware")
        return str(tag.value) if tag is not None and tag.value else ""

    def _changed(self) -> bool:
        version = self._version()
        return bool(version) and version != self._before and (bool(self._before) or bool(self._status))

    def _done(self) -> CommandResult:
        return self._end(Outcome.DONE, f"firmware {self._before or 'unknown'} → {self._version()}")

    def _end(self, outcome: Outcome, text: str) -> CommandResult:
        return CommandResult(
            outcome, text + self._asked.note, {"status": self._status, "firmware": self._version()}
        )
