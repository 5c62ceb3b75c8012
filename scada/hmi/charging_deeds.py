"""What a user does about charging: tokens, chargers that wait for an answer, reservations, stop conditions, local lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from scada.core.access import Actor
from scada.core.errors import BadRequest
from scada.core.plant import NO_CONDITIONS, Site, StopConditions, Token
from scada.core.value import SECOND_US, TimeUs
from scada.hmi.context import Visit
from scada.hmi.given import Given, number, text, texts, whole
from scada.runtime import charging_requests as asked
from scada.runtime.requests import Request

REQUEST_TIMEOUT_S = 30.0
TAG_LENGTH = 20
NUMBER_MAX = 2**53


class ChargingDeeds:
    """The deeds of one page."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._host = visit.services.host
        self.deeds: Mapping[str, Callable[[Actor, Given], Awaitable[str]]] = {
            "admit_token": self._admit,
            "withdraw_token": self._withdraw,
            "forget_refused": self._forget,
            "answer_charger": self._answer,
            "reserve": self._reserve,
            "cancel_reservation": self._cancel,
            "stop_conditions": self._stop_conditions,
            "send_list": self._send_list,
        }

    async def _admit(self, actor: Actor, given: Given) -> str:
        token = Token(
            id_tag=text(given, "id_tag", TAG_LENGTH + 1),
            name=text(given, "token_name", 60),
            parent=text(given, "parent", TAG_LENGTH),
            expires_us=self._time(given, "expires"),
            sites=tuple(texts(given, "sites")),
            plan=text(given, "plan", 60),
        )
        await self._ask(asked.AdmitToken(token, actor))
        return self._visit.tr("the token may charge")

    async def _withdraw(self, actor: Actor, given: Given) -> str:
        await self._ask(asked.WithdrawToken(text(given, "id_tag", TAG_LENGTH), actor))
        return self._visit.tr("the token is taken back")

    async def _forget(self, actor: Actor, given: Given) -> str:
        await self._ask(asked.ForgetRefused(text(given, "id_tag", 255), actor))
        return self._visit.tr("taken off the list")

    async def _answer(self, actor: Actor, given: Given) -> str:
        accept = given.get("accept")
        if not isinstance(accept, bool):
            raise BadRequest("nothing is selected")
        await self._ask(asked.AnswerCharger(_number(given, "number"), accept, actor))
        return self._visit.tr("let in") if accept else self._visit.tr("refused")

    async def _reserve(self, actor: Actor, given: Given) -> str:
        target = text(given, "target", 256)
        until_us = self._time(given, "until", self._site_of(target))
        if until_us is None:
            raise BadRequest("give the time at which it ends")
        made = await self._ask(
            asked.MakeReservation(
                target=target,
                from_us=self._time(given, "from", self._site_of(target)) or self._host.clock.now_us(),
                until_us=until_us,
                actor=actor,
                id_tag=text(given, "id_tag", TAG_LENGTH),
                parent=text(given, "parent", TAG_LENGTH),
                stop=self._conditions(given, None),
                note=text(given, "note", 200),
            )
        )
        return self._visit.tr("reservation {number} is made").format(number=made.id)

    async def _cancel(self, actor: Actor, given: Given) -> str:
        await self._ask(asked.CancelReservation(_number(given, "number"), actor))
        return self._visit.tr("the reservation is cancelled")

    async def _stop_conditions(self, actor: Actor, given: Given) -> str:
        transaction = _number(given, "transaction")
        record = self._host.core.charging.sessions.get(transaction)
        site = self._visit.site(record.site) if record is not None else None
        wanted = NO_CONDITIONS if given.get("clear") is True else self._conditions(given, site)
        await self._ask(asked.SetStopConditions(transaction, wanted, actor))
        tr = self._visit.tr
        return tr("the session will stop by itself") if wanted else tr("the session does not stop by itself")

    async def _send_list(self, actor: Actor, given: Given) -> str:
        await self._ask(asked.SendList(text(given, "charger", 256), actor))
        return self._visit.tr("the list will be sent; its state is shown here")

    def _conditions(self, given: Given, site: Site | None) -> StopConditions:
        energy = number(given, "energy_kwh", 0.001, 10_000)
        duration = number(given, "duration_min", 1, 100_000)
        return StopConditions(
            energy_wh=None if energy is None else round(energy * 1000),
            duration_us=None if duration is None else int(duration * 60 * SECOND_US),
            until_us=self._time(given, "stop_until", site),
            soc=number(given, "soc", 0, 100),
            cost=number(given, "cost", 0.01, 1_000_000),
        )

    def _site_of(self, target: str) -> Site | None:
        found = self._visit.plant.connectors_by_path.get(target)
        return self._visit.site(found[0].site if found else target)

    def _time(self, given: Given, name: str, site: Site | None = None) -> TimeUs | None:
        """A moment on the clock of the site, else of the plant. Raises BadRequest."""
        typed = text(given, name, 40)
        if not typed:
            return None
        time_us = self._visit.formats(site).parse_local(typed)
        if time_us is None:
            raise BadRequest(f"'{name}' is no time")
        return time_us

    async def _ask(self, request: Request) -> Any:
        return await self._host.request(request, REQUEST_TIMEOUT_S)


def _number(given: Given, name: str) -> int:
    value = given.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = whole(given, name, 0, NUMBER_MAX)
    if found is None:
        raise BadRequest("nothing is selected")
    return found
