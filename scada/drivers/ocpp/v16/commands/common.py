"""What several commands share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station


def connector_number(station: Station, command: Command) -> int:
    """The connectorId of the command's target, which the router has checked."""
    return station.host.plant.connectors_by_path[command.target][1].number


def refused(answer: Mapping[str, Any]) -> CommandResult:
    """The charger said no."""
    return CommandResult(Outcome.REFUSED, f"the charger answered {answer['status']}", answer)


def accepted(answer: Mapping[str, Any]) -> CommandResult:
    """For commands whose "Accepted" is the outcome."""
    if answer["status"] == "Accepted":
        return CommandResult(Outcome.DONE, "the charger accepted", answer)
    return refused(answer)
