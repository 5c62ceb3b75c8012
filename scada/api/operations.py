"""Fault tickets, the shift log, and modes of sites.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.plant import Site
from scada.runtime.modes import Switched, site_of
from scada.runtime.tickets import TEXT_MAX, TITLE_MAX, WORD_MAX, Ticket

Number = Annotated[int, Field(ge=1, le=2**53)]
Words = Annotated[str, Field(max_length=WORD_MAX)]
Path_ = Annotated[str, Path(max_length=256)]
Told = Annotated[str, Field(max_length=TEXT_MAX)]


class TicketNoteItem(BaseModel):
    """A note."""

    time: str
    user: str
    text: str


class TicketItem(BaseModel):
    """A ticket; see `scada.runtime.tickets`. `closed`: null while it is open."""

    id: int
    title: str
    branch: str
    alarm: str
    assignee: str
    case_number: str
    opened: str
    opened_by: str
    closed: str | None
    closed_by: str
    notes: list[TicketNoteItem]


class TicketBody(models.Strict):
    """A new ticket: on an alarm, or on a branch."""

    title: Annotated[str, Field(min_length=1, max_length=TITLE_MAX)]
    branch: Annotated[str, Field(max_length=256)] = ""
    alarm: Annotated[str, Field(max_length=256)] = ""
    assignee: Words = ""
    case_number: Words = ""
    note: Told = ""


class TicketChange(models.Strict):
    """What changes; what is left out stays."""

    assignee: Words | None = None
    case_number: Words | None = None
    note: Told = ""
    closed: bool | None = None


class ShiftEntry(BaseModel):
    """An entry of the shift log. `site`: empty: all."""

    time: str
    user: str
    site: str
    text: str


class ShiftBody(models.Strict):
    """A new entry."""

    text: Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
    site: Annotated[str, Field(max_length=256)] = ""
    handover: bool = False


class ModeStepItem(BaseModel):
    """A step at one target. `outcome`: empty: not carried out yet."""

    target: str
    what: str
    outcome: str
    text: str


class ModeItem(BaseModel):
    """The mode of a site: `none` (never switched), `switching`, `on`, or `partly` where some step failed."""

    mode: str
    state: str
    user: str
    since: str | None
    modes: list[str]
    steps: list[ModeStepItem]


class ModeBody(models.Strict):
    """The mode that a site is to be switched to."""

    mode: Annotated[str, Field(min_length=1, max_length=256)]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """The routes."""
    see = Depends(requires(services, Right.SEE))
    acknowledge = Depends(requires(services, Right.ACKNOWLEDGE))

    @router.get("/tickets", tags=["operations"], dependencies=secured)
    async def list_tickets(
        actor: Annotated[Actor, see],
        branch: Annotated[str, Query(max_length=256)] = "",
        alarm: Annotated[str, Query(max_length=256)] = "",
        is_open: Annotated[
            bool | None, Query(alias="open", description="only open, or only closed ones")
        ] = None,
    ) -> models.Page[TicketItem]:
        """Fault tickets, newest first."""
        found = services.tickets.all(actor.scope, branch=branch, alarm=alarm, is_open=is_open)
        return models.Page(items=[_item(one) for one in found], next=None)

    @router.post("/tickets", tags=["operations"], dependencies=secured, status_code=201)
    async def open_ticket(body: TicketBody, actor: Annotated[Actor, acknowledge]) -> TicketItem:
        """Open a ticket."""
        given = body.model_dump(exclude={"title", "branch"})
        return _item(await services.tickets.open(body.title, body.branch, actor, **given))

    @router.get("/tickets/{number}", tags=["operations"], dependencies=secured)
    async def get_ticket(number: Number, actor: Annotated[Actor, see]) -> TicketItem:
        """One ticket."""
        return _item(services.tickets.get(number, actor.scope))

    @router.patch("/tickets/{number}", tags=["operations"], dependencies=secured)
    async def change_ticket(
        number: Number, body: TicketChange, actor: Annotated[Actor, acknowledge]
    ) -> TicketItem:
        """Change a ticket, write a note, close it or open it again."""
        return _item(await services.tickets.change(number, actor, **body.model_dump()))

    operate = Depends(requires(services, Right.OPERATE))

    @router.get("/sites/{site}/mode", tags=["operations"], dependencies=secured)
    async def get_mode(site: Path_, actor: Annotated[Actor, see]) -> ModeItem:
        """The mode of a site, what became of each step, and the modes that it has."""
        return _mode(services, site_of(services.plant, site, actor.scope), services.modes.of(site))

    @router.put("/sites/{site}/mode", tags=["operations"], dependencies=secured, status_code=202)
    async def switch_mode(site: Path_, body: ModeBody, actor: Annotated[Actor, operate]) -> ModeItem:
        """Switch a site to a mode; the answer comes once that is on disk, GET tells how it goes."""
        switched = await services.modes.switch(site, body.mode, actor)
        return _mode(services, site_of(services.plant, site, actor.scope), switched)

    @router.get("/shift-log", tags=["operations"], dependencies=secured)
    async def read_shift_log(
        actor: Annotated[Actor, see],
        handovers: bool = False,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> models.Page[ShiftEntry]:
        """Entries of the shift log, or hand-overs, newest first."""
        page = await services.shift_log.read(actor.scope, limit, cursor, handovers=handovers)
        items = [
            ShiftEntry(time=moment.text(one.time_us), user=one.user, site=one.object, text=one.new)
            for one in page.items
        ]
        return models.Page(items=items, next=page.next)

    @router.post("/shift-log", tags=["operations"], dependencies=secured, status_code=204)
    async def write_shift_log(body: ShiftBody, actor: Annotated[Actor, acknowledge]) -> None:
        """Write an entry, or hand over."""
        await services.shift_log.write(body.text, body.site, actor, handover=body.handover)


def _item(one: Ticket) -> TicketItem:
    return TicketItem(
        id=one.id,
        title=one.title,
        branch=one.branch,
        alarm=one.alarm,
        assignee=one.assignee,
        case_number=one.case_number,
        opened=moment.text(one.opened_us),
        opened_by=one.opened_by,
        closed=moment.text(one.closed_us) if one.closed_us else None,
        closed_by=one.closed_by,
        notes=[
            TicketNoteItem(time=moment.text(note.time_us), user=note.user, text=note.text)
            for note in one.notes
        ],
    )


def _mode(services: ApiServices, site: Site, switched: Switched | None) -> ModeItem:
    return ModeItem(
        mode=switched.mode if switched else "",
        state=switched.state if switched else "none",
        user=switched.user if switched else "",
        since=moment.text(switched.since_us) if switched else None,
        modes=[one.name for one in site.modes],
        steps=[
            ModeStepItem(target=one.target, what=one.what, outcome=one.outcome, text=one.text)
            for one in (switched.steps if switched else ())
        ],
    )
