"""On-call: who is on duty, from when to when, as a calendar, and a test message.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Response

from scada.api import alarm_models as shapes
from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest, NotFound
from scada.core.value import SECOND_US
from scada.runtime.requests import SendTest

DAY_US = 86_400 * SECOND_US
AHEAD_US = 14 * DAY_US
SPAN_US_MAX = 400 * DAY_US
FEED_BEHIND_US = 14 * DAY_US
FEED_AHEAD_US = 180 * DAY_US
"""What a feed holds, before and after now."""

Time = Annotated[str | None, Query(max_length=40, description="RFC 3339")]
From = Annotated[str | None, Query(alias="from", max_length=40, description="RFC 3339; default: now")]
_ABSENT: dict[int | str, dict[str, Any]] = {404: {"description": "there is no such rota"}}


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    host = services.host
    see = Depends(requires(services, Right.SEE))
    maintain = Depends(requires(services, Right.MAINTAIN))

    @router.get("/oncall", tags=["oncall"], dependencies=[*secured, see])
    async def list_rotas() -> models.Page[shapes.RotaItem]:
        """The rotas and who is on duty now."""
        now = host.core.oncall.duties(host.clock.now_us())
        items = [
            shapes.RotaItem(
                name=rota.name,
                timezone=rota.timezone,
                now=list(now.get(rota.name, ())),
                feed=f"/api/v1/oncall/{quote(rota.name)}.ics",
            )
            for rota in services.plant.rotas
        ]
        return models.Page(items=items, next=None)

    @router.get("/oncall/contacts", tags=["oncall"], dependencies=[*secured, see])
    async def list_contacts() -> models.Page[shapes.ContactItem]:
        """Who can be told something."""
        return models.Page(items=[shapes.contact_item(one) for one in services.plant.contacts], next=None)

    @router.post(
        "/oncall/test",
        tags=["oncall"],
        dependencies=secured,
        responses={400: {"description": "there is no such contact, or it has no address"}},
    )
    async def send_test(body: shapes.TestBody, actor: Annotated[Actor, maintain]) -> shapes.TestSent:
        """Send somebody a test message, past quiet hours and limits; what becomes of it is in the outbox."""
        known = {*(one.name for one in services.plant.contacts), *(one.name for one in services.plant.teams)}
        if body.contact not in known | {one.name for one in services.plant.rotas}:
            raise BadRequest(f"there is no contact {body.contact}")
        messages = await host.request(SendTest(body.contact, actor, body.template))
        if not messages:
            raise BadRequest("this contact has no address")
        return shapes.TestSent(messages=messages)

    @router.get(
        "/oncall/{rota}.ics",
        tags=["oncall"],
        dependencies=[*secured, see],
        responses={**_ABSENT, 200: {"content": {"text/calendar": {}}}},
        response_class=Response,
    )
    async def feed(rota: str) -> Response:
        """Who is on duty as a calendar (RFC 5545): two weeks back, half a year ahead."""
        if services.write_calendar is None:
            raise NotFound("there are no calendars")
        now_us = host.clock.now_us()
        # Begins at a day's begin, so that the entries keep their identity from one reading to the next.
        begin_us = now_us - FEED_BEHIND_US - now_us % DAY_US
        spans = host.core.oncall.duty_spans(rota, begin_us, begin_us + FEED_BEHIND_US + FEED_AHEAD_US)
        label = f"{services.plant.text(services.plant.label, services.plant.languages[0])} · {rota}"
        return Response(
            services.write_calendar(rota, spans, label),
            media_type="text/calendar; charset=utf-8",
            headers={"Content-Disposition": f"inline; filename*=UTF-8''{quote(rota)}.ics"},
        )

    @router.get("/oncall/{rota}", tags=["oncall"], dependencies=[*secured, see], responses=_ABSENT)
    async def duties(rota: str, from_: From = None, to: Time = None) -> models.Page[shapes.DutyItem]:
        """Who is on duty from when to when; default: the next 14 days."""
        from_us = models.parse_time(from_, "from")
        from_us = host.clock.now_us() if from_us is None else from_us
        to_us = models.parse_time(to, "to")
        to_us = from_us + AHEAD_US if to_us is None else to_us
        if not from_us < to_us <= from_us + SPAN_US_MAX:
            raise BadRequest(f"'to' lies at most {SPAN_US_MAX // DAY_US} days after 'from'")
        spans = host.core.oncall.duty_spans(rota, from_us, to_us)
        return models.Page(items=[shapes.duty_item(span) for span in spans], next=None)
