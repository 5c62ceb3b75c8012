"""ChangeAvailability (OCPP 1.6 5.2): done when the connector's own status says so."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.core.effects import Event
from scada.drivers.ocpp.peer import Priority
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.v16.commands.common import connector_number, refused


async def execute(station: Station, command: Command) -> CommandResult:
    """Open or close a connector."""
    number = connector_number(station, command)
    kind = command.arguments["type"]

    def fits(status: object) -> bool:
        return (status == "Unavailable") is (kind == "Inoperative")

    with station.host.events.expect(
        lambda e: e.kind == "status" and e.path == command.target and fits(e.data["status"])
    ) as seen:
        answer = await station.call(
            "ChangeAvailability", {"connectorId": number, "type": kind}, Priority.URGENT
        )
        if answer["status"] == "Scheduled":
            return CommandResult(
                Outcome.SCHEDULED, "the charger will do it after the running transaction", answer
            )
        if answer["status"] != "Accepted":
            return refused(answer)
        tag = station.tag(f"C{number}.Status")
        if tag is not None and tag.quality == 0 and tag.value and fits(tag.value):
            return CommandResult(Outcome.DONE, f"the connector is {tag.value}", answer)
        event: Event | None = await outcome_event(seen, command.deadline_us, station.now_us())
    if event is None:
        return CommandResult(Outcome.TIMED_OUT, "accepted, but the connector does not report it", answer)
    return CommandResult(Outcome.DONE, f"the connector is {event.data['status']}", answer)
