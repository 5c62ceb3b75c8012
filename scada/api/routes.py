"""The routes of `/api/v1`. Each is thin: check, ask the plant, shape the answer.

No postponed annotations here: FastAPI evaluates them, and they name local dependencies.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from scada.api import (
    alarms,
    allocation,
    campaigns,
    charging,
    configuration,
    console,
    files,
    force,
    journal,
    knowledge,
    models,
    oncall,
    operations,
    outbox,
    pending,
    profiles,
    reports,
    sessions,
)
from scada.api.access import actor_of, basic_scheme, bearer_scheme, origin_of, requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.catalogue import CATALOGUE
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.ports import Point
from scada.core.tag import Tag
from scada.core.value import Kind, quality_name

LIMIT_MAX = 1_000
CURVES_MAX = 16
"""Tags of one question for curves."""

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="items at most")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the part before")]
Language = Annotated[str, Query(max_length=5, description="of the texts: en or fr")]
Time = Annotated[str | None, Query(max_length=40, description="RFC 3339")]


def build(services: ApiServices) -> APIRouter:
    """All routes."""
    router = APIRouter(responses={401: {"description": "not logged in"}})
    secured = [Depends(bearer_scheme), Depends(basic_scheme)]
    _system(router, services)
    _tags(router, services, secured)
    sessions.build(router, services, secured)
    reports.build(router, services, secured)
    _chargers(router, services, secured)
    _commands(router, services, secured)
    force.build(router, services, secured)
    journal.build(router, services, secured)
    alarms.build(router, services, secured)
    charging.build(router, services, secured)
    oncall.build(router, services, secured)
    outbox.build(router, services, secured)
    pending.build(router, services, secured)
    console.build(router, services, secured)
    profiles.build(router, services, secured)
    knowledge.build(router, services, secured)
    allocation.build(router, services, secured)
    campaigns.build(router, services, secured)
    operations.build(router, services, secured)
    configuration.build(router, services, secured)
    files.build(router, services, secured)
    return router


def _system(router: APIRouter, services: ApiServices) -> None:
    @router.get("/health", tags=["system"])
    async def health() -> dict[str, Any]:
        """Whether the system runs: version, ports, services. Open to everybody."""
        return {"version": services.version, **services.status()}

    @router.post("/token", tags=["access"])
    async def log_in(
        request: Request,
        username: Annotated[str | None, Form(max_length=100)] = None,
        password: Annotated[str | None, Form(max_length=256)] = None,
    ) -> models.Token:
        """A bearer token for user and password, as a form (OAuth 2 password grant) or as JSON."""
        if username is None or password is None:
            try:
                body = models.Login.model_validate_json(await request.body())
            except ValueError:
                raise BadRequest("give username and password, as a form or as JSON") from None
            username, password = body.username, body.password
        token = await services.accounts.log_in(username, password, origin_of(request))
        actor = services.accounts.actor(token, origin_of(request))
        if actor is None:
            raise Denied("the account was disabled")
        return models.Token(
            access_token=token,
            user=actor.name,
            role=actor.role,
            rights=sorted(right.value for right in actor.rights),
        )

    @router.delete("/token", tags=["access"], status_code=204)
    async def log_out(request: Request) -> Response:
        """End the session of the bearer token."""
        await actor_of(services, request)
        services.accounts.log_out(request.headers["Authorization"].partition(" ")[2].strip())
        return Response(status_code=204)


def _tags(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    see = Depends(requires(services, Right.SEE))
    tags = services.host.tags

    def find(path: str) -> Tag:
        tag = tags.get(path)
        if tag is None:
            raise NotFound(f"there is no tag {path}")
        return tag

    @router.get("/tags", tags=["tags"], dependencies=[*secured, see])
    async def list_tags(
        path: Annotated[
            str,
            Query(max_length=256, description="`*` within a segment, `**` across; a last `*`: the branch"),
        ] = "**",
        kind: Kind | None = None,
        quality: Annotated[
            str, Query(max_length=60, description="for example GoodLocalOverride: the forced ones")
        ] = "",
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> models.Page[models.TagItem]:
        """Tags by pattern, in order of definition."""
        try:
            selected = tags.select(path)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        if kind is not None:
            selected = [tag for tag in selected if tag.definition.kind is kind]
        if quality:
            selected = [tag for tag in selected if quality_name(tag.quality) == quality]
        start = models.number_of(cursor)
        part = [tag for tag in selected if tag.index >= start][: limit + 1]
        following = str(part[limit].index) if len(part) > limit else None
        return models.Page(items=[models.tag_item(tag) for tag in part[:limit]], next=following)

    @router.get("/tags/{path}", tags=["tags"], dependencies=[*secured, see])
    async def get_tag(path: str) -> models.TagDetail:
        """A tag with its configuration."""
        return models.tag_detail(find(path))

    @router.put("/tags/{path}", tags=["tags"], dependencies=secured)
    async def write_tag(
        path: str, body: models.WriteValue, actor: Annotated[Actor, see]
    ) -> models.TagWritten:
        """Write a tag that has a write rule, by whoever has the rule's right; audited.

        A tag that a command writes is answered with the command's real outcome, which may take until its time-out.
        """
        tag = find(path)
        result = await services.router.write(path, body.value, actor)
        outcome = models.command_outcome(result) if result is not None else None
        return models.TagWritten(**models.tag_detail(tag).model_dump(), outcome=outcome)

    @router.get("/tags/{path}/history", tags=["tags"], dependencies=[*secured, see])
    async def history(
        path: str,
        from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
        to: Time = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        pixels: Annotated[int | None, Query(ge=1, le=10_000)] = None,
        aggregate: models.AggregateName | None = None,
        step: Annotated[float | None, Query(ge=0.001, le=366 * 86_400)] = None,
    ) -> models.Page[models.PointItem]:
        """Samples of a span (default: the last hour), oldest first: the newest `limit` of them.

        With `pixels`: a curve for so many pixels, extremes and gaps kept, begun with the sample that held before.
        With `aggregate` and `step` (seconds): one value a step. Its quality is Good where the value is known for the
        whole step, UncertainSubNormal where for a part of it, BadNoData where not at all.
        """
        find(path)
        now_us = services.host.clock.now_us()
        to_us = models.parse_time(to, "to") or now_us
        from_us = models.parse_time(from_, "from") or to_us - 3600 * 1_000_000
        archive = services.archive
        if (aggregate is None) != (step is None) or (aggregate and pixels):
            raise BadRequest("aggregate and step go together, and without pixels")
        if aggregate is not None and step is not None:
            step_us = round(step * 1_000_000)
            found = await archive.aggregates(
                path, from_us, to_us, step_us, interpolated=aggregate is models.AggregateName.INTERPOLATED
            )
            return models.Page(
                items=[models.aggregate_item(one, aggregate, step_us) for one in found], next=None
            )
        if pixels is not None:
            points = await archive.curve(path, from_us, to_us, pixels)
        else:
            points = await archive.points(path, from_us, to_us, limit)
        return models.Page(items=_points(points), next=None)

    @router.get("/curves", tags=["tags"], dependencies=[*secured, see])
    async def curves(
        path: Annotated[
            list[str], Query(min_length=1, max_length=CURVES_MAX, description="repeated, one a tag")
        ],
        from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
        to: Time = None,
        pixels: Annotated[int, Query(ge=1, le=2_000)] = 1_000,
    ) -> models.Page[models.CurveItem]:
        """Curves of several tags over one span (default: the last hour), in the order asked; thinned as a single one is."""
        tags = [find(one) for one in dict.fromkeys(path)]
        to_us = models.parse_time(to, "to") or services.host.clock.now_us()
        from_us = models.parse_time(from_, "from") or to_us - 3600 * 1_000_000
        found = [
            models.CurveItem(
                path=tag.path, points=_points(await services.archive.curve(tag.path, from_us, to_us, pixels))
            )
            for tag in tags
        ]
        return models.Page(items=found, next=None)


def _points(points: Sequence[Point]) -> list[models.PointItem]:
    return [
        models.PointItem(time=moment.text(p.time_us), value=p.value, quality=quality_name(p.quality))
        for p in points
    ]


def _chargers(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    see = Depends(requires(services, Right.SEE))

    @router.get("/chargers", tags=["chargers"], dependencies=[*secured, see])
    async def list_chargers(
        site: str = "", limit: Limit = 100, cursor: Cursor = None, language: Language = "en"
    ) -> models.Page[models.ChargerItem]:
        """Chargers with their connectors, in order of the project."""
        chargers = [c for c in services.plant.chargers() if not site or c.site == site]
        start = models.number_of(cursor)
        part = chargers[start : start + limit]
        following = str(start + limit) if len(chargers) > start + limit else None
        return models.Page(items=[_charger(services, c.path, language) for c in part], next=following)

    @router.get("/chargers/{path}", tags=["chargers"], dependencies=[*secured, see])
    async def get_charger(path: str, language: Language = "en") -> models.ChargerItem:
        """A charger."""
        return _charger(services, path, language)


def _commands(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    see = Depends(requires(services, Right.SEE))

    @router.get("/commands", tags=["commands"], dependencies=[*secured, see])
    async def list_commands() -> models.Page[models.CommandItem]:
        """The commands that there are, with their arguments."""
        items = [
            models.CommandItem(
                name=spec.name,
                target=spec.target.value,
                right=spec.right.value,
                timeout_s=spec.timeout_s,
                confirm=spec.confirm,
                arguments=[
                    {
                        "name": a.name,
                        "type": a.type.__name__,
                        "required": a.required,
                        "choices": list(a.choices),
                    }
                    for a in spec.arguments
                ],
            )
            for spec in CATALOGUE.values()
        ]
        return models.Page(items=items, next=None)

    @router.post("/commands", tags=["commands"], dependencies=secured)
    async def execute(
        body: models.CommandBody, actor: Annotated[Actor, Depends(requires(services, Right.SEE))]
    ) -> models.CommandOutcome:
        """Carry out a command; answered with its real outcome, which may take until its time-out."""
        result = await services.router.execute(body.command, body.target, body.arguments, actor)
        return models.command_outcome(result)


def _charger(services: ApiServices, path: str, language: str) -> models.ChargerItem:
    charger = services.plant.chargers_by_path.get(path)
    if charger is None:
        raise NotFound(f"there is no charger {path}")
    tags = {tag.path: tag for tag in services.host.tags.select(f"{path}.*")}
    return models.charger_item(charger, services.plant, tags, language)
