"""Fault tickets: the list, and one with its notes."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.access import Right
from scada.core.errors import NotFound
from scada.hmi import alarms
from scada.hmi.context import Crumb, Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors

EVERY_S = 3.0
ROWS_MAX = 300


async def build(visit: Visit) -> View:
    """The list. Query: `state` (open, closed, all), `branch`, `q`; `alarm`: a form for a ticket on it."""
    tickets = visit.services.tickets
    if tickets is None:
        return errors.missing(visit, visit.tr("This system keeps no tickets."))
    query = visit.query
    state, wanted = query.get("state", "open"), query.get("q", "").casefold()
    branch, alarm = query.get("branch", ""), query.get("alarm", "")

    async def table(live: Live) -> Markup:
        found = tickets.all(
            visit.actor.scope, branch=branch, is_open={"open": True, "closed": False}.get(state)
        )
        found = [
            one
            for one in found
            if any(
                wanted in text.casefold() for text in (one.title, one.branch, one.assignee, one.case_number)
            )
        ]
        return visit.render(
            "tickets_table.html",
            live,
            rows=[
                (one, alarms.branch_name(visit.plant, one.branch, visit.language) or one.branch)
                for one in found[:ROWS_MAX]
            ],
            more=max(0, len(found) - ROWS_MAX),
            time=visit.formats().date_time,
        )

    live = visit.live()
    shown = await table(live)
    known = alarm and visit.services.host.core.alarms.get(alarm) is not None
    main = visit.render(
        "tickets.html",
        live,
        table=shown,
        state=state,
        branch=branch or (visit.plant.place_of(alarm) if known else ""),
        alarm=alarm if known else "",
        title=alarms.alarm_text(visit.plant, alarm, visit.language) if known else "",
        may=visit.actor.may(Right.ACKNOWLEDGE),
    )
    return View(
        title=visit.tr("Fault tickets"),
        main=main,
        live=live,
        nav="tickets",
        fragments=[Fragment(slot="tickets", render=table, every_s=EVERY_S, shown=str(shown))],
    )


async def one(visit: Visit) -> View:
    """One ticket."""
    tickets = visit.services.tickets
    number = int(visit.path) if visit.path.isascii() and visit.path.isdigit() and len(visit.path) < 15 else 0

    async def body(live: Live) -> Markup:
        if tickets is None:
            raise NotFound("this system keeps no tickets")
        ticket = tickets.get(number, visit.actor.scope)
        return visit.render(
            "ticket_body.html",
            live,
            ticket=ticket,
            place=alarms.branch_name(visit.plant, ticket.branch, visit.language) or ticket.branch,
            url=alarms.url_of(visit.plant, ticket.branch),
            alarm_url=alarms.alarm_url(ticket.alarm) if ticket.alarm else "",
            alarm_text=alarms.alarm_text(visit.plant, ticket.alarm, visit.language) if ticket.alarm else "",
            time=visit.formats().date_time,
            may=visit.actor.may(Right.ACKNOWLEDGE),
        )

    live = visit.live()
    try:
        shown = await body(live)
    except NotFound:
        return errors.missing(visit, visit.tr("There is no ticket {number}.").format(number=visit.path[:20]))
    name = visit.tr("Ticket {number}").format(number=number)
    return View(
        title=name,
        main=visit.render("ticket.html", live, body=shown),
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="tickets",
        crumbs=(Crumb(visit.tr("Fault tickets"), "/tickets"), Crumb(name, f"/tickets/{number}")),
        fragments=[Fragment(slot="ticket", render=body, every_s=EVERY_S, shown=str(shown))],
    )
