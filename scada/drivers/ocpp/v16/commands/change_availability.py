"""ChangeAvailability (OCPP 1.6 5.2): done when the connector's own status says so; of a charger, all of them."""

from __future__ import annotations

from scada.core.command import Command, CommandResult, Outcome
from scada.core.effects import Event
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import connector_number, refused


async def execute(station: Station, command: Command) -> CommandResult:
    """Open or close a connector, or the charger."""
    number = connector_number(station, command)
    kind = command.arguments["type"]
    numbers = [number] if number else [connector.number for connector in station.charger.connectors]
    what = "the connector" if number else "the charger"

    def fits() -> bool:
        return all(_fits(station, one, kind) for one in numbers)

    def told(event: Event) -> bool:
        return event.kind == "status" and event.path.startswith(station.charger.path) and fits()

    with station.host.events.expect(told) as seen:
        answer = await station.call(
            "ChangeAvailability", {"connectorId": number, "type": kind}, Priority.URGENT
        )
        if answer["status"] == "Scheduled":
            return CommandResult(
                Outcome.SCHEDULED, "the charger will do it after the running transaction", answer
            )
        if answer["status"] != "Accepted":
            return refused(answer)
        if not fits():
            event = await outcome_event(seen, command.deadline_us, station.now_us())
            if event is None:
                return CommandResult(Outcome.TIMED_OUT, f"accepted, but {what} does not report it", answer)
    states = {station.read_tag(f"C{one}.Status") for one in numbers}
    return CommandResult(Outcome.DONE, f"{what} is {', '.join(map(str, sorted(states, key=str)))}", answer)


def _fits(station: Station, number: int, kind: str) -> bool:
    status = station.read_tag(f"C{number}.Status")
    return bool(status) and (status == "Unavailable") is (kind == "Inoperative")
