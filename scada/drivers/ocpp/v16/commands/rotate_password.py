"""RotatePassword (OCPP 1.6 security whitepaper, use case A01): done when the charger has come in with the new one."""

from __future__ import annotations

import asyncio

from scada.core.command import Command, CommandResult, Outcome
from scada.core.errors import BadRequest
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.commands.common import refused

RECONNECT_WAIT_S = 10.0
"""How long the charger may take to connect anew by itself; then its connection is closed, so that it does."""


async def execute(station: Station, command: Command) -> CommandResult:
    """Give the charger a new password. Until it has used it, both are good: whatever fails, it can connect."""
    if ":" in station.charger.identity:
        return CommandResult(Outcome.REFUSED, "an identity with ':' cannot use a password")
    if station.link is not None and station.link.profile == 3:
        return CommandResult(Outcome.REFUSED, "the charger logs in with a certificate, not with a password")
    try:
        password, digest = await station.security.new_password()
    except BadRequest as bad:
        return CommandResult(Outcome.REFUSED, str(bad))
    answer = await station.call("ChangeConfiguration", {"key": "AuthorizationKey", "value": password})
    if answer["status"] not in ("Accepted", "RebootRequired"):
        await station.security.forget_password(digest)
        return refused(answer)
    if answer["status"] == "RebootRequired":
        await station.call("Reset", {"type": "Soft"})
    used_at_once = False
    wait_s = RECONNECT_WAIT_S if answer["status"] == "Accepted" else None
    try:
        async with asyncio.timeout(wait_s):
            used_at_once = await _used(station, digest, command)
    except TimeoutError:
        if station.peer is not None:
            await station.peer.close(1012, "connect with the new password")
    if used_at_once or await _used(station, digest, command):
        return CommandResult(Outcome.DONE, "the charger has connected with the new password", answer)
    text = "accepted, but the charger has not used the new password; the old one is good as well"
    return CommandResult(Outcome.TIMED_OUT, text, answer)


async def _used(station: Station, digest: str, command: Command) -> bool:
    """Whether the charger comes in with the new password before the command's deadline."""
    left_s = (command.deadline_us - station.now_us()) / 1_000_000 - 1.0
    return await station.security.wait_proved(digest, max(0.0, left_s))
