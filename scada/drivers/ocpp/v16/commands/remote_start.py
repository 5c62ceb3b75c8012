"""RemoteStartTransaction (OCPP 1.6 5.11): done when a transaction runs."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.peer import Priority
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.v16.commands.common import connector_number, refused


async def execute(station: Station, command: Command) -> CommandResult:
    """Start charging with a token, as if it had been held to the charger."""
    number = connector_number(station, command)
    running = station.host.core.sessions.open_on(station.charger.path, number)
    if running is not None:
        return CommandResult(Outcome.REFUSED, f"transaction {running.id} runs on this connector")
    id_tag = command.arguments["id_tag"]
    with station.host.events.expect(
        lambda e: (
            e.kind == "transaction_started"
            and e.path == command.target
            and e.data["id_tag"].casefold() == id_tag.casefold()
        )  # not somebody else's card in the same moment
    ) as started:
        answer = await station.call(
            "RemoteStartTransaction",
            {"connectorId": number, "idTag": id_tag},
            Priority.NORMAL,
        )
        if answer["status"] != "Accepted":
            return refused(answer)
        event = await outcome_event(started, command.deadline_us, station.now_us())
    if event is None:
        return CommandResult(
            Outcome.TIMED_OUT, "accepted, but no transaction began (is a vehicle plugged in?)", answer
        )
    if not event.data["accepted"]:
        return CommandResult(Outcome.REFUSED, "the charger began, but the token is not good", answer)
    return CommandResult(Outcome.DONE, f"transaction {event.data['id']} runs", answer)
