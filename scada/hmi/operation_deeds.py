"""What operators write down: shift log and fault tickets; and the modes that they switch sites to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from markupsafe import Markup

from scada.core.access import Actor
from scada.core.errors import BadRequest, NotFound
from scada.hmi.context import Visit
from scada.hmi.given import Given, Shown, text
from scada.runtime import shift_log, tickets


class OperationDeeds:
    """The deeds of one page."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.deeds: Mapping[str, Callable[[Actor, Given], Awaitable[str | Shown]]] = {
            "shift_note": self._note,
            "hand_over": self._hand_over,
            "switch_mode": self._switch_mode,
            "open_ticket": self._open,
            "change_ticket": self._change,
        }

    async def _note(self, actor: Actor, given: Given) -> str:
        await self._log.write(text(given, "text", shift_log.TEXT_MAX + 1), text(given, "site", 256), actor)
        return self._visit.tr("written into the log")

    async def _hand_over(self, actor: Actor, given: Given) -> str:
        await self._log.write(
            text(given, "text", shift_log.TEXT_MAX + 1), text(given, "site", 256), actor, handover=True
        )
        return self._visit.tr("handed over; it stands in the log")

    async def _switch_mode(self, actor: Actor, given: Given) -> str:
        modes = self._visit.services.modes
        if modes is None:
            raise NotFound("this system has no modes")
        await modes.switch(text(given, "site", 256), text(given, "mode", 256), actor)
        return self._visit.tr("being switched; the page tells how each step ends")

    async def _open(self, actor: Actor, given: Given) -> Shown:
        ticket = await self._tickets.open(
            text(given, "title", tickets.TITLE_MAX + 1),
            text(given, "branch", 256),
            actor,
            alarm=text(given, "alarm", 256),
            assignee=text(given, "assignee", tickets.WORD_MAX + 1),
            case_number=text(given, "case_number", tickets.WORD_MAX + 1),
            note=text(given, "note", tickets.TEXT_MAX + 1),
        )
        said = self._visit.tr("ticket {number} is open").format(number=ticket.id)
        html = Markup('<p class="why"><a href="/tickets/{}">{} →</a></p>').format(ticket.id, said)
        return Shown(said, "opened", html)

    async def _change(self, actor: Actor, given: Given) -> str:
        number = given.get("ticket")
        if not isinstance(number, int) or isinstance(number, bool):
            raise BadRequest("nothing is selected")
        closed = given.get("closed")
        await self._tickets.change(
            number,
            actor,
            assignee=text(given, "assignee", tickets.WORD_MAX + 1) if "assignee" in given else None,
            case_number=text(given, "case_number", tickets.WORD_MAX + 1) if "case_number" in given else None,
            note=text(given, "note", tickets.TEXT_MAX + 1),
            closed=closed if isinstance(closed, bool) else None,
        )
        return self._visit.tr("the ticket is changed")

    @property
    def _log(self) -> shift_log.ShiftLog:
        if self._visit.services.shift_log is None:
            raise NotFound("this system keeps no shift log")
        return self._visit.services.shift_log

    @property
    def _tickets(self) -> tickets.Tickets:
        if self._visit.services.tickets is None:
            raise NotFound("this system keeps no tickets")
        return self._visit.services.tickets
