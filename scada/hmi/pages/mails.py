"""Mails: what the built-in catcher received (model project)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from markupsafe import Markup

from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.mailbox import list_mails, read_mail
from scada.hmi.pages import outbox

REFRESH_S = 5.0


async def build(visit: Visit) -> View:
    """The catcher's mails; `?tab=outbox`, a project without catcher, a role that sees not all alarms: the outbox."""
    folder = visit.services.mail_dir
    if folder is None or visit.query.get("tab") == "outbox" or not visit.actor.scope.sees_all:
        return await outbox.build(visit)
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
