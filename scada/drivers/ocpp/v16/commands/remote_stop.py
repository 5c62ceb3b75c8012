"""RemoteStopTransaction (OCPP 1.6 5.12): done when the charger has stopped the transaction."""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.core.records import TransactionRecord
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import connector_number, refused


async def execute(station: Station, command: Command) -> CommandResult:
    """Stop the transaction that runs on a connector."""
    number = connector_number(station, command)
    running = station.host.core.sessions.open_on(station.charger.path, number)
    if running is None:
        return CommandResult(Outcome.REFUSED, "no transaction runs on this connector")
    with station.host.events.expect(
        lambda e: e.kind == "transaction_stopped" and e.data["id"] == running.id
    ) as stopped:
        answer = await _ask(station, running)
        if answer["status"] != "Accepted":
            return refused(answer)
        event = await outcome_event(stopped, command.deadline_us, station.now_us())
    if event is None:
        return CommandResult(
            Outcome.TIMED_OUT, "accepted, but the end of the transaction has not been reported", answer
        )
    return CommandResult(Outcome.DONE, f"transaction {running.id} stopped ({event.data['reason']})", answer)


async def _ask(station: Station, running: TransactionRecord) -> dict[str, Any]:
    """By our id, and when the charger knows none such by that which it names itself."""
    answer = await station.call("RemoteStopTransaction", {"transactionId": running.id}, Priority.URGENT)
    own_id = station.host.core.sessions.known_as(running)
    if answer["status"] == "Accepted" or own_id is None:
        return answer
    station.deviation("takes only a transaction id of its own making", "RemoteStopTransaction")
    return await station.call("RemoteStopTransaction", {"transactionId": own_id}, Priority.URGENT)
