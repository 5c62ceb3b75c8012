"""GetDiagnostics (OCPP 1.6 5.9) and GetLog (security whitepaper N01): done when the file is here and the charger says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from scada.core import moment
from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import ScadaError
from scada.core.value import SECOND_US
from scada.drivers.ocpp.peer import CallTimeout
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority
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

SCHEMES = ("ftp", "http", "https")
OTHER_WAIT_US = 30 * SECOND_US
"""The file is here but the charger does not say so, or the other way round: how long the other is waited for."""
UNPROMISED_WAIT_US = 60 * SECOND_US
"""A charger that names no file has none (6.28), but some send one all the same: how long it is waited for."""
FAILURES = frozenset(
    ("UploadFailed", "UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")
)


@dataclass
class Asked:
    """What the charger answered.

    Attributes:
        promised: it will send a file.
        refusal: it will not.
    """

    answer: dict[str, Any]
    promised: bool = True
    refusal: CommandResult | None = None


Ask = Callable[[str, int], Awaitable[Asked]]


async def execute(station: Station, command: Command) -> CommandResult:
    """GetDiagnostics: have the charger upload its diagnostics."""

    async def ask(url: str, _request_id: int) -> Asked:
        body = {"location": url, **_span(command, "startTime", "stopTime")}
        answer = await station.call("GetDiagnostics", body, Priority.LATER)
        return Asked(answer, promised=bool(answer.get("fileName")))

    return await _fetch(station, command, "diagnostics", ask, numbered=False)


async def execute_log(station: Station, command: Command) -> CommandResult:
    """GetLog: have the charger upload a log."""

    async def ask(url: str, request_id: int) -> Asked:
        parameters = {"remoteLocation": url, **_span(command, "oldestTimestamp", "latestTimestamp")}
        body = {"logType": command.arguments["type"], "requestId": request_id, "log": parameters}
        answer = await station.call("GetLog", body, Priority.LATER)
        refusal = common.refused(answer) if answer["status"] == "Rejected" else None
        return Asked(answer, refusal=refusal)

    return await _fetch(station, command, "log", ask, numbered=True)


async def _fetch(
    station: Station, command: Command, purpose: str, ask: Ask, *, numbered: bool
) -> CommandResult:
    try:
        with alone(station, "diagnostics"):
            result = refused("")
            for scheme in ways(station, SCHEMES):
                result = await _try(station, command, purpose, scheme, ask, numbered=numbered)
                if result.outcome is not Outcome.FAILED or station.now_us() >= command.deadline_us:
                    break
            return result
    except (Impossible, ScadaError) as error:
        return refused(error)


async def _try(
    station: Station, command: Command, purpose: str, scheme: str, ask: Ask, *, numbered: bool
) -> CommandResult:
    files = station.files
    assert files is not None
    request_id = new_request_id()
    slot = await files.receive(station.charger.path, purpose, scheme, command.deadline_us)
    try:
        with Heard(station, ("diagnostics_status", "file_received")) as heard:
            try:
                asked = await ask(slot.url, request_id)
            except CallTimeout:
                if not heard.count:
                    raise
                asked = Asked({})  # it is at work already, without having answered
            if asked.refusal is not None:
                return asked.refusal
            return await _outcome(station, command, slot.id, heard, asked, request_id if numbered else None)
    finally:
        await files.close_slot(slot.id)


async def _outcome(
    station: Station, command: Command, slot_id: str, heard: Heard, asked: Asked, request_id: int | None
) -> CommandResult:
    until_us = command.deadline_us - MARGIN_US
    if not asked.promised:
        until_us = min(until_us, station.now_us() + UNPROMISED_WAIT_US)
    arrived: dict[str, Any] | None = None
    said = False
    while not (arrived and said):
        event = await heard.next(until_us)
        if event is None:
            break
        if event.kind == "file_received":
            if event.data["slot"] != slot_id:
                continue
            arrived = event.data
        else:
            status, number = event.data["status"], event.data["request_id"]
            if None not in (request_id, number) and number != request_id:
                continue  # of an earlier one
            if status in FAILURES and not arrived:
                return CommandResult(Outcome.FAILED, f"the charger says {status}", asked.answer)
            said = said or status == "Uploaded"
            if not said:
                if status == "Uploading":
                    until_us = command.deadline_us - MARGIN_US
                continue
        until_us = min(until_us, station.now_us() + OTHER_WAIT_US)
    return _verdict(asked, arrived, said=said)


def _verdict(asked: Asked, arrived: dict[str, Any] | None, *, said: bool) -> CommandResult:
    """The file, the word of the charger, or neither."""
    if arrived:
        answer = {
            **asked.answer,
            "file": arrived["slot"],
            "name": arrived["name"],
            "size_bytes": arrived["size_bytes"],
        }
        text = f"{arrived['name']}, {arrived['size_bytes']:,} bytes"
        return CommandResult(
            Outcome.DONE, text if said else f"{text}; the charger has not said that it is done", answer
        )
    if said:
        return CommandResult(Outcome.FAILED, "the charger says Uploaded, but no file has come", asked.answer)
    if not asked.promised:
        return CommandResult(Outcome.REFUSED, "the charger has no diagnostics to send", asked.answer)
    return CommandResult(Outcome.TIMED_OUT, "accepted, but no file has come", asked.answer)


def _span(command: Command, first: str, last: str) -> dict[str, str]:
    """The span that is asked for. Raises Impossible: it cannot be read."""
    span = {}
    for name, field in (("from", first), ("to", last)):
        text = command.arguments.get(name)
        if text:
            time_us = moment.parse(text)
            if time_us is None:
                raise Impossible(f"'{name}' is no time: 2026-11-24T08:00:00Z")
            span[field] = moment.text(time_us)
    return span
