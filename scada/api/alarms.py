"""Alarms: what stands, and what operators do to it. A caller knows of the alarms that the role sees, and of no others.

No postponed annotations here: FastAPI evaluates them.
"""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from scada.api import alarm_models as shapes
from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core.access import LEVEL_MAX, Actor, Right
from scada.core.errors import BadRequest, NotFound
from scada.core.records import AlarmState
from scada.core.value import TimeUs
from scada.runtime.board import AlarmView
from scada.runtime.requests import (
    Acknowledge,
    Comment,
    ResetLatch,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)
from scada.runtime.suppressions import Line, lines

LIMIT_MAX = 1_000
REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "not possible now; nothing was changed"},
    403: {"description": "the role does not grant it, or not at this level"},
    404: {"description": "there is no such alarm, or the role does not see it"},
    503: {"description": "not on disk in time; ask again with the same content"},
}

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="items at most")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the part before")]
Language = Annotated[str, Query(max_length=5, description="of the texts: en or fr")]
Level = Annotated[int, Query(ge=0, le=LEVEL_MAX)]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes. `/alarms/{path}` comes last: it would take `/alarms/journal` too."""
    _reading(router, services, secured)
    _many(router, services, secured)
    _one(router, services, secured)
    _suppressions(router, services, secured)


def _reading(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    board = services.host.board
    see = Depends(requires(services, Right.SEE))

    @router.get("/alarms", tags=["alarms"], dependencies=secured)
    async def list_alarms(
        actor: Annotated[Actor, see],
        site: Annotated[str, Query(max_length=256)] = "",
        state: Annotated[
            list[AlarmState] | None,
            Query(
                max_length=9, description="any of these; may be repeated. Without: all but suppressed ones"
            ),
        ] = None,
        branch: Annotated[str, Query(max_length=256, description="alarms at this path or below it")] = "",
        domain: Annotated[str, Query(max_length=100)] = "",
        level_min: Level = 0,
        level_max: Level = LEVEL_MAX,
        limit: Limit = 100,
        cursor: Cursor = None,
        language: Language = "en",
    ) -> models.Page[shapes.AlarmItem]:
        """Alarms that are not normal: unacknowledged first, then by level, then newest first."""
        views = board.views(site, actor.scope)
        if state is not None and any(one.suppressed for one in state):
            views += board.suppressed(site, actor.scope)
        found = [
            view
            for view in views
            if (state is None or view.state in state)
            and f"{view.path}.".startswith(f"{branch}." if branch else "")
            and domain in ("", view.domain)
            and level_min <= view.level <= level_max
        ]
        start = models.number_of(cursor)
        following = str(start + limit) if len(found) > start + limit else None
        return models.Page(
            items=[_item(services, view, language) for view in found[start : start + limit]], next=following
        )


def _many(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host = services.host
    may_acknowledge = Depends(requires(services, Right.ACKNOWLEDGE))
    may_mask = Depends(requires(services, Right.MASK))

    @router.post("/alarms/acknowledge", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def acknowledge_many(
        body: shapes.Acknowledgement, actor: Annotated[Actor, may_acknowledge]
    ) -> shapes.Acknowledged:
        """Acknowledge alarms; answered when it is in the journal."""
        done = await host.request(Acknowledge(tuple(body.paths), actor, body.comment))
        return shapes.Acknowledged(acknowledged=done)

    @router.post("/alarms/reset", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def reset_many(
        body: shapes.Acknowledgement, actor: Annotated[Actor, may_acknowledge]
    ) -> shapes.Done:
        """Let go of latches whose cause is gone."""
        return shapes.Done(paths=await host.request(ResetLatch(tuple(body.paths), actor, body.comment)))

    @router.post("/alarms/shelve", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def shelve_many(body: shapes.ShelvingMany, actor: Annotated[Actor, may_mask]) -> shapes.Done:
        """Shelve alarms for a time, with a reason."""
        until_us = _end(body, host.clock.now_us())
        return shapes.Done(
            paths=await host.request(Shelve(tuple(body.paths), until_us, actor, body.reason.strip()))
        )

    @router.post("/alarms/unshelve", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def unshelve_many(body: shapes.Acknowledgement, actor: Annotated[Actor, may_mask]) -> shapes.Done:
        """Take alarms off the shelf."""
        return shapes.Done(paths=await host.request(Unshelve(tuple(body.paths), actor, body.comment)))


def _one(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host = services.host
    see = Depends(requires(services, Right.SEE))
    may_acknowledge = Depends(requires(services, Right.ACKNOWLEDGE))
    may_mask = Depends(requires(services, Right.MASK))

    @router.post("/alarms/{path}/acknowledge", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def acknowledge_one(
        path: str, actor: Annotated[Actor, may_acknowledge], body: shapes.Comment | None = None
    ) -> shapes.Acknowledged:
        """Acknowledge one alarm."""
        done = await host.request(Acknowledge((path,), actor, body.comment if body else ""))
        return shapes.Acknowledged(acknowledged=done)

    @router.post("/alarms/{path}/comment", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def comment(
        path: str, body: shapes.Comment, actor: Annotated[Actor, may_acknowledge]
    ) -> shapes.AlarmItem:
        """Put a comment into the journal of an alarm."""
        await host.request(Comment(path, actor, body.comment))
        return _any(services, path, actor, "en")

    @router.post("/alarms/{path}/reset", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def reset_one(
        path: str, actor: Annotated[Actor, may_acknowledge], body: shapes.Comment | None = None
    ) -> shapes.Done:
        """Let go of a latch whose cause is gone."""
        return shapes.Done(paths=await host.request(ResetLatch((path,), actor, body.comment if body else "")))

    @router.post("/alarms/{path}/shelve", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def shelve_one(
        path: str, body: shapes.Shelving, actor: Annotated[Actor, may_mask]
    ) -> shapes.AlarmItem:
        """Shelve an alarm for a time, with a reason."""
        await host.request(Shelve((path,), _end(body, host.clock.now_us()), actor, body.reason.strip()))
        return _any(services, path, actor, "en")

    @router.post("/alarms/{path}/unshelve", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def unshelve_one(
        path: str, actor: Annotated[Actor, may_mask], body: shapes.Comment | None = None
    ) -> shapes.Done:
        """Take an alarm off the shelf."""
        return shapes.Done(paths=await host.request(Unshelve((path,), actor, body.comment if body else "")))

    @router.get("/alarms/{path}", tags=["alarms"], dependencies=secured, responses={404: REFUSED[404]})
    async def get_alarm(
        path: str, actor: Annotated[Actor, see], language: Language = "en"
    ) -> shapes.AlarmItem:
        """An alarm, whatever its state."""
        return _any(services, path, actor, language)


def _suppressions(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host = services.host
    see = Depends(requires(services, Right.SEE))
    may_mask = Depends(requires(services, Right.MASK))

    @router.get("/suppressions", tags=["alarms"], dependencies=secured)
    async def list_suppressions(
        actor: Annotated[Actor, see], language: Language = "en"
    ) -> models.Page[shapes.SuppressionItem]:
        """What is kept from operators now: shelved alarms, branches out of service, masks that hold, forced tags."""
        found = lines(host, actor.scope, language)
        return models.Page(items=[shapes.suppression_item(line, _value(line)) for line in found], next=None)

    @router.post("/out-of-service", tags=["alarms"], dependencies=secured, responses=REFUSED)
    async def take_out(body: shapes.Outage, actor: Annotated[Actor, may_mask]) -> shapes.SuppressionItem:
        """Take a tag, connector, charger, meter or site out of service: its alarms are kept back."""
        until_us = body.end_us(host.clock.now_us())
        await host.request(TakeOutOfService(body.branch, until_us, actor, body.reason.strip()))
        found = lines(host, actor.scope, "en")
        line = next((one for one in found if (one.kind, one.path) == ("out_of_service", body.branch)), None)
        if line is None:
            raise NotFound(f"{body.branch} is in service again")
        return shapes.suppression_item(line, None)

    @router.delete(
        "/out-of-service/{branch}", tags=["alarms"], dependencies=secured, responses=REFUSED, status_code=204
    )
    async def put_in(
        branch: str,
        actor: Annotated[Actor, may_mask],
        comment: Annotated[str, Query(max_length=shapes.COMMENT_MAX)] = "",
    ) -> Response:
        """Put a branch back into service."""
        await host.request(ReturnToService(branch, actor, comment))
        return Response(status_code=204)


def _any(services: ApiServices, path: str, actor: Actor, language: str) -> shapes.AlarmItem:
    """An alarm that the actor sees. Raises NotFound."""
    definition = services.plant.definitions.get(path)
    alarm = definition.alarm if definition is not None else None
    if (
        definition is None
        or alarm is None
        or not actor.scope.sees(alarm.level, definition.site, definition.domain)
    ):
        raise NotFound(f"there is no alarm {path}")
    view = services.host.board.get(path)
    if view is None:
        return shapes.normal_item(services.plant, definition, alarm, language)
    return _item(services, view, language)


def _item(services: ApiServices, view: AlarmView, language: str) -> shapes.AlarmItem:
    return shapes.alarm_item(services.plant, view, language, first=services.host.board.is_first_out(view))


def _end(body: shapes.Shelving, now_us: TimeUs) -> TimeUs:
    until_us = body.end_us(now_us)
    if until_us is None:
        raise BadRequest("give 'until' or 'for_s': shelving has an end")
    return until_us


def _value(line: Line) -> bool | float | str | None:
    """The value of a forced tag."""
    if not line.value:
        return None
    value: object = json.loads(line.value)
    return value if isinstance(value, (bool, int, float, str)) else None
