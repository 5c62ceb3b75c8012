"""SetLimit: a current per phase, by SetChargingProfile (OCPP 1.6 5.16) or by the vendor's key, as the make wants it.

With `duration_s` it ends by itself; with `then_a` as well another limit follows it: a lease with its fallback. `phases`
are those that the vehicle uses, for makes that take watts.
"""

from __future__ import annotations

from typing import Any

from scada.core.command import Command, CommandResult, Outcome
from scada.drivers.ocpp.dialect import Need
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.turns import Priority
from scada.drivers.ocpp.v16.commands.common import connector_number, refused
from scada.drivers.ocpp.v16.limits import charging_profile, key_value, purpose, wanted_a

NEED = Need(("SetChargingProfile",), "SmartCharging")


async def execute(station: Station, command: Command) -> CommandResult:
    """Hold a connector, or the charger, to a current."""
    number = connector_number(station, command)
    limit_a, why = wanted_a(station.profile, command.arguments["limit_a"])
    if why:
        return CommandResult(Outcome.REFUSED, why)
    duration_s, then_a = command.arguments.get("duration_s"), command.arguments.get("then_a")
    if then_a is not None and duration_s is None:
        return CommandResult(Outcome.REFUSED, "a limit that follows needs a duration of the first")
    phases = command.arguments.get("phases")
    result = await set_limit(station, number, limit_a, duration_s, then_a=then_a, phases=phases)
    if result.outcome.ok:
        station.limit_set(number, limit_a, duration_s)
    return result


async def set_limit(
    station: Station,
    number: int,
    limit_a: float,
    duration_s: int | None,
    *,
    then_a: float | None = None,
    phases: int | None = None,
) -> CommandResult:
    """Send a limit that the make can take."""
    profile = station.profile
    if profile.limit.method == "none":
        return CommandResult(Outcome.REFUSED, f"chargers of this make ({profile.label}) take no limit")
    if profile.limit.method == "key":
        if duration_s is not None:
            return CommandResult(
                Outcome.REFUSED, "chargers of this make take no limit that ends by itself: give ClearLimit"
            )
        return await _by_key(station, limit_a)
    why = station.why_not("SetLimit", NEED)
    if why:
        return CommandResult(Outcome.REFUSED, why)
    transaction, own_id = None, None
    if purpose(profile, number) == "TxProfile":
        running = station.host.core.sessions.open_on(station.charger.path, number)
        if running is None:
            return CommandResult(
                Outcome.REFUSED, "this make takes a limit only within a transaction, and none runs"
            )
        transaction, own_id = running.id, station.host.core.sessions.known_as(running)
    sent = charging_profile(
        station.charger,
        number,
        limit_a,
        profile,
        station.now_us(),
        transaction=transaction,
        duration_s=duration_s,
        then_a=then_a,
        phases_used=phases,
    )
    body: dict[str, Any] = {"connectorId": number, "csChargingProfiles": sent}
    answer = await station.call("SetChargingProfile", body, Priority.URGENT)
    if answer["status"] != "Accepted" and own_id is not None:
        station.deviation("takes only a transaction id of its own making", "SetChargingProfile")
        sent["transactionId"] = own_id
        answer = await station.call("SetChargingProfile", body, Priority.URGENT)
    if answer["status"] != "Accepted":
        return refused(answer)
    return CommandResult(Outcome.DONE, f"the charger accepted {limit_a:g} A", answer)


async def _by_key(station: Station, limit_a: float) -> CommandResult:
    key, value = station.profile.limit.key, key_value(station.profile, limit_a)
    answer = await station.call("ChangeConfiguration", {"key": key, "value": value}, Priority.URGENT)
    status = answer["status"]
    if status == "RebootRequired":
        return CommandResult(Outcome.SCHEDULED, f"{key} = {value} holds after a reboot", answer)
    if status != "Accepted":
        return refused(answer)
    station.configuration[key] = (value, False)
    return CommandResult(Outcome.DONE, f"the charger accepted {key} = {value}", answer)
