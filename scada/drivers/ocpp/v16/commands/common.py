"""What several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.station import Station

PASSWORD_KEY = "authorizationkey"  # noqa: S105 (the name of a key)
"""The configuration key, in lower case, that a command of its own changes (RotatePassword)."""


def connector_number(station: Station, command: Command) -> int:
    """The connectorId of the command's target, which the router has checked; 0: the charger as a whole."""
    known = station.host.plant.connectors_by_path.get(command.target)
    return known[1].number if known else 0


def refused(answer: Mapping[str, Any]) -> CommandResult:
    """The charger said no."""
    return CommandResult(Outcome.REFUSED, f"the charger answered {answer['status']}", answer)


def accepted(answer: Mapping[str, Any]) -> CommandResult:
    """For commands whose "Accepted" is the outcome."""
    if answer["status"] == "Accepted":
        return CommandResult(Outcome.DONE, "the charger accepted", answer)
    return refused(answer)


def password_key(key: str) -> CommandResult | None:
    """The refusal to write a charger's password by the key that holds it; None: it is another key."""
    if key.casefold() != PASSWORD_KEY:
        return None
    return CommandResult(Outcome.REFUSED, "a password is changed by RotatePassword: here it could be read")


def wrong(action: str, body: Mapping[str, Any]) -> CommandResult | None:
    """The refusal of a payload that the schema does not have, with the place of the fault; None: it is right."""
    fault = schemas.fault("ocpp1.6", action, body)
    return CommandResult(Outcome.REFUSED, f"nothing was sent: {fault}") if fault else None
