"""Certificates on the charger (OCPP 1.6 security whitepaper, use cases A02, M03, M04, M05)."""

from __future__ import annotations

import asyncio
from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.v16.actions.sign_certificate import SIGNED
from scada.drivers.ocpp.v16.commands.common import accepted, refused

_HASH_KEYS = frozenset({"hashAlgorithm", "issuerNameHash", "issuerKeyHash", "serialNumber"})


async def renew(station: Station, command: Command) -> CommandResult:
    """Have the charger ask for a new certificate of its own: done when it has taken it."""
    if station.link is not None and station.link.profile < 2:
        return CommandResult(Outcome.REFUSED, "the charger must be connected by TLS to get a certificate")
    with station.host.events.expect(lambda e: e.kind == SIGNED and e.path == station.charger.path) as signed:
        answer = await station.call(
            "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}
        )
        if answer["status"] != "Accepted":
            return refused(answer)
        event = await outcome_event(signed, command.deadline_us, station.now_us())
    if event is None:
        return CommandResult(
            Outcome.TIMED_OUT, "accepted, but the charger has not asked for a certificate", answer
        )
    data: dict[str, Any] = event.data
    if data["status"] == "Accepted":
        return CommandResult(Outcome.DONE, "the charger has taken the new certificate", data)
    outcome = Outcome.REFUSED if data["status"] == "Rejected" else Outcome.FAILED
    return CommandResult(outcome, data["text"], data)


async def install(station: Station, command: Command) -> CommandResult:
    """InstallCertificate: the given one, or the root of the project's own CA."""
    certificate = command.arguments.get("certificate") or await asyncio.to_thread(station.security.root_pem)
    body = {"certificateType": command.arguments["type"], "certificate": certificate}
    return accepted(await station.call("InstallCertificate", body))


async def delete(station: Station, command: Command) -> CommandResult:
    """DeleteCertificate: by what GetInstalledCertificateIds has answered."""
    given = command.arguments["hash"]
    if set(given) != _HASH_KEYS or not all(isinstance(value, str) for value in given.values()):
        return CommandResult(
            Outcome.REFUSED, f"'hash' has the keys {', '.join(sorted(_HASH_KEYS))}, each a text"
        )
    answer = await station.call("DeleteCertificate", {"certificateHashData": given})
    return accepted(answer)


async def installed_ids(station: Station, command: Command) -> CommandResult:
    """GetInstalledCertificateIds; none at all is an answer too."""
    answer = await station.call("GetInstalledCertificateIds", {"certificateType": command.arguments["type"]})
    count = len(answer.get("certificateHashData", ()))
    return CommandResult(Outcome.DONE, f"{count} certificate{'' if count == 1 else 's'}", answer)
