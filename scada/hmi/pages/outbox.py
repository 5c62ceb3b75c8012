"""The outbox: each message, why it was sent, what became of it, and its text. The newest page keeps itself up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from markupsafe import Markup

from scada.core.access import Role
from scada.core.errors import BadRequest
from scada.core.message_ports import OutboxRow
from scada.hmi import words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.sentences import sentence

ROWS = 100
EVERY_S = 5.0
WAITING = ("waiting", "held")


async def build(visit: Visit) -> View:
    """A page of the outbox."""
    cursor = visit.query.get("cursor")

    async def table(live: Live) -> Markup:
        page = await visit.services.archive.outbox(ROWS, cursor)
        rows = [_row(visit, row) for row in page.items]
        return visit.render("outbox_table.html", live, rows=rows, next=page.next, first=not cursor)

    live = visit.live()
    try:
        shown = await table(live)
    except BadRequest as error:
        return errors.missing(visit, sentence(str(error), visit.tr))
    catcher = visit.services.mail_dir is not None and visit.actor.scope.sees_all
    main = visit.render("outbox.html", live, tab="outbox", catcher=catcher, table=shown)
    return View(
        title=visit.tr("Outbox"),
        main=main,
        live=live,
        nav="mails",
        fragments=[]
        if cursor
        else [Fragment(slot="outbox", render=table, every_s=EVERY_S, shown=str(shown))],
    )


def _row(visit: Visit, row: OutboxRow) -> dict[str, Any]:
    formats, tr, record = visit.formats(), visit.tr, row.record
    carried = bool(row.sent_with) and row.sent_with != row.id
    return {
        "row": readable(row, visit.actor.scope),
        "record": record,
        "created": formats.date_time(record.created_us),
        "channel": tr(words.CHANNELS[record.channel]),
        "state": tr(words.MAIL_STATES.get(row.state, row.state)),
        "sent": formats.date_time(row.sent_us) if row.sent_us else "",
        "carried": carried,
        "why": _why(visit, row) if row.state in WAITING and not carried else "",
        "next_try": formats.date_time(row.next_try_us) if row.state in WAITING and row.next_try_us else "",
    }


def readable(row: OutboxRow, role: Role) -> OutboxRow:
    """A message as a role may read it: one message tells of several alarms, so who sees not all reads no texts."""
    return row if role.sees_all else replace(row, subject="", text="")


def _why(visit: Visit, row: OutboxRow) -> str:
    """Why a message has not gone out yet."""
    tr, record = visit.tr, row.record
    if row.state == "held":
        return tr("kept back: its contact has had the messages of this hour")
    if row.attempts:
        return tr("tried {count} times without success").format(count=row.attempts)
    now_us = visit.services.host.clock.now_us()
    if record.not_before_us > now_us:
        contact = next((one for one in visit.plant.contacts if one.name == record.contact), None)
        quiet = contact is not None and contact.quiet is not None
        if quiet and record.not_before_us - record.created_us > visit.plant.oncall.restart_window_us * 2:
            return tr("kept back until the contact's quiet hours end")
        return tr("waits a moment for others to the same recipient")
    return tr("is being sent")
