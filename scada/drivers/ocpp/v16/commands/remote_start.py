"""RemoteStartTransaction (OCPP 1.6 5.11): done when a transaction runs."""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station, outcome_event
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import connector_number, refused
from scada.drivers.ocpp.v16.commands.set_limit import NEED, set_limit
from scada.drivers.ocpp.v16.limits import charging_profile, wanted_a


async def execute(station: Station, command: Command) -> CommandResult:
    """Start charging with a token, as if it had been held to the charger."""
    number = connector_number(station, command)
    running = station.host.core.sessions.open_on(station.charger.path, number)
    if running is not None:
        return CommandResult(Outcome.REFUSED, f"transaction {running.id} runs on this connector")
    id_tag = command.arguments["id_tag"]
    length_max = station.profile.tokens.length_max
    if len(id_tag) > length_max:
        return CommandResult(
            Outcome.REFUSED, f"chargers of this make take tokens of {length_max} characters at most"
        )
    body: dict[str, Any] = {"connectorId": number, "idTag": id_tag}
    if "limit_a" in command.arguments:
        fault = await _add_limit(station, number, command.arguments["limit_a"], body)
        if fault is not None:
            return fault
    with station.host.events.expect(
        lambda e: (
            e.kind == "transaction_started"
            and e.path == command.target
            and e.data["id_tag"].casefold() == id_tag.casefold()
        )  # not somebody else's card in the same moment
    ) as started:
        answer = await station.call(
            "RemoteStartTransaction",
            body,
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


async def _add_limit(
    station: Station, number: int, limit_a: float, body: dict[str, Any]
) -> CommandResult | None:
    """The limit goes with the start (chargingProfile), or before it where the make has a key for it. Returns a refusal."""
    limit_a, why = wanted_a(station.profile, limit_a)
    if not why and station.profile.limit.method != "profile":
        result = await set_limit(station, number, limit_a, None)
        return None if result.outcome.ok else result
    why = why or station.why_not("SetLimit", NEED)
    if why:
        return CommandResult(Outcome.REFUSED, why)
    body["chargingProfile"] = charging_profile(
        station.charger, number, limit_a, station.profile, station.now_us(), at_start=True
    )
    return None
