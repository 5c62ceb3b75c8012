"""Mails: what the built-in catcher received (model project), and the outbox with what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from scada.core.access import Right
from scada.core.errors import BadRequest
from scada.hmi import words
from scada.hmi.access import actor_of
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.mailbox import list_mails, read_mail
from scada.hmi.pages import errors
from scada.hmi.services import HmiServices

OUTBOX_ROWS = 100
REFRESH_S = 5.0
BODY_POLICY = (
    # A mail may look as it likes and do nothing: no script, no request, no form, no frame.
    "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


async def build(visit: Visit) -> View:
    """The catcher's mails; `?tab=outbox` or a project without catcher: the outbox."""
    folder = visit.services.mail_dir
    if folder is None or visit.query.get("tab") == "outbox":
        return await outbox(visit)
    mails = await asyncio.to_thread(list_mails, folder)
    chosen = visit.query.get("id") or (mails[0].key if mails else "")
    mail = await asyncio.to_thread(read_mail, folder, chosen) if chosen else None
    live = visit.live()

    async def listed(into: Live) -> Markup:
        caught = await asyncio.to_thread(list_mails, folder)
        return visit.render("mails_list.html", into, mails=caught, mail=mail, formats=visit.formats())

    shown = visit.render("mails_list.html", live, mails=mails, mail=mail, formats=visit.formats())
    main = visit.render(
        "mails.html",
        live,
        tab="caught",
        listed=shown,
        catcher=True,
        mails=mails,
        mail=mail,
        opened="id" in visit.query,
        formats=visit.formats(),
        body_url="/mails/body?" + urlencode({"id": chosen}),
    )
    # The slot is there only with the first mail; the empty page says how to get one.
    fragments = [Fragment(slot="mails", render=listed, every_s=REFRESH_S, shown=str(shown))] if mails else []
    return View(title=visit.tr("Mails"), main=main, live=live, nav="mails", fragments=fragments)


async def outbox(visit: Visit) -> View:
    """What was to be sent, and what became of it."""
    try:
        page = await visit.services.archive.outbox(OUTBOX_ROWS, visit.query.get("cursor"))
    except BadRequest as error:
        return errors.missing(visit, words.sentence(str(error), visit.tr))
    live = visit.live()
    main = visit.render(
        "outbox.html",
        live,
        tab="outbox",
        catcher=visit.services.mail_dir is not None,
        rows=page.items,
        next=page.next,
        first=not visit.query.get("cursor"),
        formats=visit.formats(),
    )
    return View(title=visit.tr("Outbox"), main=main, live=live, nav="mails")


def mail_body(services: HmiServices) -> Callable[[Request], Awaitable[Response]]:
    """The HTML part of a mail alone, for a frame that can do nothing."""

    async def respond(request: Request) -> Response:
        actor = actor_of(services, request)
        if actor is None or not actor.may(Right.SEE):
            return Response(status_code=403)
        folder = services.mail_dir
        mail = None
        if folder is not None:
            mail = await asyncio.to_thread(read_mail, folder, request.query_params.get("id", ""))
        if mail is None or not mail.html:
            return Response(status_code=404)
        return HTMLResponse(mail.html, headers={"Content-Security-Policy": BODY_POLICY})

    return respond
