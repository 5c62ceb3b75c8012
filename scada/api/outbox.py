"""The log of messages: who was told what, why, and what the servers answered.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from scada.api import csv_export, models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Actor, Right, Role
from scada.core.message_ports import OutboxRow
from scada.core.value import TimeUs


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    see = Depends(requires(services, Right.SEE))

    @router.get("/outbox", tags=["oncall"], dependencies=secured)
    async def list_outbox(
        actor: Annotated[Actor, see],
        limit: Annotated[int, Query(ge=1, le=1_000, description="items at most")] = 100,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the part before")] = None,
    ) -> models.Page[models.OutboxItem]:
        """Messages of the outbox and what became of them, newest first."""
        page = await services.archive.outbox(limit, cursor)
        return models.Page(items=[_item(row, actor.scope) for row in page.items], next=page.next)

    @router.get("/outbox.csv", tags=["oncall"], dependencies=secured, response_class=StreamingResponse)
    async def export_outbox(actor: Annotated[Actor, see]) -> StreamingResponse:
        """The newest messages as CSV (RFC 4180, UTF-8 with a mark, for spreadsheets), newest first."""

        def item(row: OutboxRow) -> models.OutboxItem:
            return _item(row, actor.scope)

        return csv_export.response("outbox", models.OutboxItem, services.archive.outbox, item)


def _item(row: OutboxRow, role: Role) -> models.OutboxItem:
    """A message as a role may read it: one message tells of several alarms, so who sees not all reads no subject."""
    record = row.record
    return models.OutboxItem(
        id=row.id,
        created=moment.text(record.created_us),
        contact=record.contact,
        channel=record.channel.value,
        recipient=record.recipient,
        template=record.template,
        profile=record.profile,
        cause=record.cause,
        level=record.level,
        urgent=record.urgent,
        subject=row.subject if role.sees_all else "",
        state=row.state,
        attempts=row.attempts,
        not_before=_time(record.not_before_us),
        next_try=_time(row.next_try_us) if row.state in ("waiting", "held") else None,
        last_answer=row.last_answer,
        sent=_time(row.sent_us),
        sent_with=row.sent_with if row.sent_with != row.id else 0,
    )


def _time(time_us: TimeUs) -> str | None:
    return moment.text(time_us) if time_us else None
