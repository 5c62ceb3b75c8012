"""SendLocalList (OCPP 1.6 5.15), in as many messages as the charger takes: the first as asked, the others differential.

Each part has a version of its own, for a differential update needs a higher one than the charger has; the last part has
the version that was asked for (or the number of parts where that is higher: the answer says which).
"""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import wrong
from scada.drivers.ocpp.v16.local_list import entries_max, part_max, parts, tell


async def execute(station: Station, command: Command) -> CommandResult:
    """Send a list of tokens; done when the charger has taken its last part."""
    entries, update = command.arguments["entries"], command.arguments["update"]
    if not all(isinstance(entry, dict) and isinstance(entry.get("id_tag"), str) for entry in entries):
        return CommandResult(Outcome.REFUSED, "nothing was sent: each entry needs an 'id_tag'")
    most = entries_max(station)
    if update == "Full" and most is not None and len(entries) > most:
        return CommandResult(Outcome.REFUSED, f"the charger holds {most} tokens, the list has {len(entries)}")
    messages = parts(entries, part_max(station))
    version = max(command.arguments["version"], len(messages))
    bodies: list[dict[str, Any]] = [
        {
            "listVersion": version - len(messages) + 1 + number,
            "localAuthorizationList": part,
            "updateType": update if number == 0 else "Differential",
        }
        for number, part in enumerate(messages)
    ]
    for body in bodies:
        fault = wrong("SendLocalList", body)
        if fault is not None:
            return fault
    for number, body in enumerate(bodies):
        answer = await station.call("SendLocalList", body, Priority.LATER)
        if answer["status"] != "Accepted":
            where = f" to part {number + 1} of {len(bodies)}" if len(bodies) > 1 else ""
            return CommandResult(Outcome.REFUSED, f"the charger answered {answer['status']}{where}", answer)
    tell(station, version)
    text = f"the charger has version {version}" + (f" ({len(bodies)} parts)" if len(bodies) > 1 else "")
    return CommandResult(Outcome.DONE, text, {"status": "Accepted", "listVersion": version})
