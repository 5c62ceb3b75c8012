"""What an engineer does on a charger's test page: send a message as it is, compose charging profiles and send them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from markupsafe import Markup

from scada.charging.profile_text import parse
from scada.charging.profiles import COMPOSITE_S_MAX, PROFILES_MAX, Composite, ProfileStack, Situation, Unit
from scada.charging.supply import supply_of
from scada.core.access import Actor, Right
from scada.core.command import CommandResult, Outcome
from scada.core.device_ports import DeviceConsole
from scada.core.errors import BadRequest, NotFound, ScadaError
from scada.core.ports import Point
from scada.core.value import GOOD, SECOND_US
from scada.hmi import words
from scada.hmi.context import Visit
from scada.hmi.given import Given, Shown, text, whole
from scada.hmi.schema_form import form_of, message_of
from scada.hmi.sentences import sentence
from scada.hmi.trend import drawing

JSON_MAX = 100_000
"""Characters of a message that is typed as JSON."""
PROFILE = "SetChargingProfile"


def profiles_schema(console: DeviceConsole, charger: str) -> Mapping[str, Any]:
    """Several SetChargingProfile messages, as one schema."""
    one = console.schema(charger, PROFILE)["request"]
    return {
        "type": "object",
        "required": ["profiles"],
        "properties": {"profiles": {"type": "array", "items": one}},
        "definitions": one.get("definitions", {}),
    }


class BenchDeeds:
    """The deeds of one page."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.deeds: Mapping[str, Callable[[Actor, Given], Awaitable[Shown]]] = {
            "send_message": self._send,
            "compose": self._compose,
            "send_profiles": self._send_profiles,
        }

    async def _send(self, actor: Actor, given: Given) -> Shown:
        charger, action = text(given, "charger", 256), text(given, "action", 50)
        console = self._console(actor)
        payload: Any = None
        try:
            payload = _typed(given) if "json" in given else None
            if payload is None:
                payload = message_of(form_of(console.schema(charger, action)["request"]), given)
            console.check(charger, action, payload)
        except ScadaError as error:
            return self._shown("answer", [(action, payload, _refused(str(error)))])
        return self._shown("answer", [(action, payload, await self._give(actor, charger, action, payload))])

    async def _send_profiles(self, actor: Actor, given: Given) -> Shown:
        charger, console = text(given, "charger", 256), self._console(actor)
        try:
            profiles = self._profiles(charger, console, given)
            for one in profiles:
                console.check(charger, PROFILE, one)
        except ScadaError as error:
            return self._shown("answer", [(PROFILE, None, _refused(str(error)))])
        done: list[tuple[str, Any, CommandResult]] = []
        for one in profiles:
            done.append((PROFILE, one, await self._give(actor, charger, PROFILE, one)))
            if not done[-1][2].outcome.ok:
                break  # those that follow were meant to stand on it
        return self._shown("answer", done)

    async def _compose(self, actor: Actor, given: Given) -> Shown:
        charger, console = text(given, "charger", 256), self._console(actor)
        tr = self._visit.tr
        try:
            profiles = self._profiles(charger, console, given)
            composite = self._composite(given, profiles)
        except ScadaError as error:
            html = Markup('<p class="refusal">{}</p>').format(sentence(str(error), tr))
            return Shown(tr("nothing was drawn"), "curve", html, "failed")
        return Shown(tr("drawn"), "curve", self._drawn(composite))

    def _composite(self, given: Given, profiles: list[dict[str, Any]]) -> Composite:
        connector, supply = supply_of(self._visit.plant, text(given, "target", 256))
        hours = whole(given, "hours", 1, COMPOSITE_S_MAX // 3_600) or 24
        now_us = self._visit.services.host.clock.now_us()
        stack = ProfileStack()
        for number, one in enumerate(profiles):
            profile = parse(one.get("csChargingProfiles"), f"$.profiles[{number}].csChargingProfiles")
            stack.install(int(one.get("connectorId", 0)), profile, charging=True)
        situation = Situation(supply=supply, since_us=now_us, transaction_id=None)
        unit = Unit.W if text(given, "unit", 1) == "W" else Unit.A
        return stack.composite(connector, now_us, hours * 3_600, unit, situation)

    def _drawn(self, composite: Composite) -> Markup:
        visit, begin_us = self._visit, composite.start_us
        end_us = begin_us + composite.duration_s * SECOND_US
        formats, unit = visit.formats(), composite.unit.value
        decimals = 0 if composite.unit is Unit.W else 1
        points = [Point(begin_us + one.start_s * SECOND_US, one.limit, GOOD) for one in composite.periods]
        curve = drawing(points, begin_us, end_us, formats, unit, decimals, visit.tr("There is no limit."))
        rows = [
            (
                formats.date_time(begin_us + one.start_s * SECOND_US),
                formats.number(one.limit, decimals),
                one.phases,
                one.profile_id,
            )
            for one in composite.periods
        ]
        return visit.render("composed.html", visit.live(), curve=curve, rows=rows, unit=unit)

    def _profiles(self, charger: str, console: DeviceConsole, given: Given) -> list[dict[str, Any]]:
        typed = _typed(given) if "json" in given else None
        if typed is None:
            typed = message_of(form_of(profiles_schema(console, charger)), given)
        profiles = typed.get("profiles")
        if not isinstance(profiles, list) or not 0 < len(profiles) <= PROFILES_MAX:
            raise BadRequest(f"$.profiles: 1 to {PROFILES_MAX} profiles")
        for number, one in enumerate(profiles):
            if not isinstance(one, dict) or not isinstance(one.get("connectorId", 0), int):
                raise BadRequest(f"$.profiles[{number}].connectorId: a whole number")
        return profiles

    async def _give(self, actor: Actor, charger: str, action: str, payload: Any) -> CommandResult:
        arguments = {"action": action, "payload": payload}
        return await self._visit.services.router.execute("Send", charger, arguments, actor)

    def _console(self, actor: Actor) -> DeviceConsole:
        actor.require(Right.MAINTAIN)
        console = self._visit.services.console
        if console is None:
            raise NotFound("no driver of this system sends messages")
        return console

    def _shown(self, slot: str, done: list[tuple[str, Any, CommandResult]]) -> Shown:
        tr = self._visit.tr
        rows = [
            {
                "action": action,
                "sent": _pretty(payload),
                "ok": result.outcome.ok,
                "outcome": tr(words.OUTCOMES[result.outcome]),
                "text": sentence(result.text, tr),
                "answer": _pretty(result.answer) if result.answer else "",
            }
            for action, payload, result in done
        ]
        now = self._visit.formats().date_time(self._visit.services.host.clock.now_us())
        html = self._visit.render("answer.html", self._visit.live(), rows=rows, now=now)
        last = rows[-1]
        return Shown(str(last["outcome"]), slot, html, "done" if last["ok"] else "failed")


def _typed(given: Given) -> Any:
    """A message as JSON. Raises BadRequest with the place of the mistake."""
    typed = given.get("json")
    if not isinstance(typed, str) or len(typed) > JSON_MAX:
        raise BadRequest(f"a message has at most {JSON_MAX} characters")
    try:
        found = json.loads(typed or "{}")
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "$"
        )
        raise BadRequest(f"{where}: this is no JSON") from None
    if not isinstance(found, dict):
        raise BadRequest("$: a message is an object")
    return found


def _refused(why: str) -> CommandResult:
    return CommandResult(Outcome.REFUSED, why)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value is not None else ""
