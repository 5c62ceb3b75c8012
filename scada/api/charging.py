"""Charging: tokens, refused ones, operators' answers, stop conditions, reservations, vehicles, visits, local lists.

No postponed annotations here: FastAPI evaluates them.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Response

from scada.api import charging_models as shapes
from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core.access import Actor, Right
from scada.core.errors import NotFound
from scada.core.ports import VisitFilter
from scada.runtime import charging_requests as asked

LIMIT_MAX = 1_000
T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="items at most")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the part before")]
Time = Annotated[str | None, Query(max_length=40, description="RFC 3339")]
_ABSENT: dict[int | str, dict[str, Any]] = {404: {"description": "there is none"}}


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    _tokens(router, services, secured)
    _answers(router, services, secured)
    _sessions(router, services, secured)
    _reservations(router, services, secured)
    _lists(router, services, secured)


def _tokens(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host, charging = services.host, services.host.core.charging
    see = Depends(requires(services, Right.SEE))
    operate = Depends(requires(services, Right.OPERATE))

    @router.get("/tokens", tags=["charging"], dependencies=[*secured, see])
    async def list_tokens(
        source: Annotated[str, Query(max_length=60)] = "", limit: Limit = 100, cursor: Cursor = None
    ) -> models.Page[shapes.TokenItem]:
        """Tokens as they count; `source` is `local`, `admitted`, or name of an import."""
        known = [one for one in charging.tokens.all() if source in ("", one.source)]
        part, following = _part(known, limit, cursor)
        return models.Page(items=[shapes.token_item(one) for one in part], next=following)

    @router.post("/tokens", tags=["charging"], dependencies=secured, status_code=201)
    async def admit(body: shapes.AdmitBody, actor: Annotated[Actor, operate]) -> shapes.TokenItem:
        """Make a token a good one, beside those of the project's files; it leaves the list of refused ones."""
        await host.request(asked.AdmitToken(body.token(), actor))
        known = charging.tokens.find(body.id_tag)
        if known is None:
            raise NotFound(f"the token {body.id_tag} was withdrawn at once")
        return shapes.token_item(known)

    @router.delete(
        "/tokens/{id_tag}", tags=["charging"], dependencies=secured, status_code=204, responses=_ABSENT
    )
    async def withdraw(id_tag: str, actor: Annotated[Actor, operate]) -> Response:
        """Take back a token that was admitted here; those of files and imports are changed there."""
        await host.request(asked.WithdrawToken(id_tag, actor))
        return Response(status_code=204)

    @router.get("/refused-tokens", tags=["charging"], dependencies=[*secured, see])
    async def list_refused(limit: Limit = 100, cursor: Cursor = None) -> models.Page[shapes.RefusedItem]:
        """Tokens that were refused, newest refusal first."""
        part, following = _part(charging.refused.all(), limit, cursor)
        return models.Page(items=[shapes.refused_item(one) for one in part], next=following)

    @router.delete(
        "/refused-tokens/{id_tag}",
        tags=["charging"],
        dependencies=secured,
        status_code=204,
        responses=_ABSENT,
    )
    async def forget(id_tag: str, actor: Annotated[Actor, operate]) -> Response:
        """Take a token off the list; it is as unknown as before."""
        await host.request(asked.ForgetRefused(id_tag, actor))
        return Response(status_code=204)

    @router.get("/vehicles", tags=["charging"], dependencies=[*secured, see])
    async def list_vehicles() -> models.Page[shapes.VehicleItem]:
        """The registry of vehicles."""
        return models.Page(items=[shapes.vehicle_item(one) for one in charging.vehicles.all()], next=None)


def _answers(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host, charging = services.host, services.host.core.charging
    see = Depends(requires(services, Right.SEE))
    operate = Depends(requires(services, Right.OPERATE))

    @router.get("/authorizations", tags=["charging"], dependencies=[*secured, see])
    async def list_questions() -> models.Page[shapes.QuestionItem]:
        """Chargers that wait for an operator to let a token in (authorization mode `manual`)."""
        items = [shapes.question_item(one) for one in charging.manual.pending()]
        return models.Page(items=items, next=None)

    @router.post("/authorizations/{number}", tags=["charging"], dependencies=secured, responses=_ABSENT)
    async def answer(
        number: int, body: shapes.AnswerBody, actor: Annotated[Actor, operate]
    ) -> shapes.QuestionItem:
        """Let a token in, or not."""
        question = await host.request(asked.AnswerCharger(number, body.accept, actor))
        return shapes.question_item(question)


def _sessions(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host, charging = services.host, services.host.core.charging
    see = Depends(requires(services, Right.SEE))
    operate = Depends(requires(services, Right.OPERATE))

    @router.get("/visits", tags=["charging"], dependencies=[*secured, see])
    async def list_visits(
        site: str = "",
        charger: str = "",
        connector: Annotated[int | None, Query(ge=0, le=2**31)] = None,
        vehicle: str = "",
        plugged_in: bool | None = None,
        from_: Annotated[str | None, Query(alias="from", max_length=40)] = None,
        to: Time = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> models.Page[shapes.VisitItem]:
        """From plug-in to unplug, newest first; `/sessions?visit=` has the transactions within one."""
        where = VisitFilter(
            site=site,
            charger=charger,
            connector=connector,
            vehicle=vehicle,
            open=plugged_in,
            from_us=models.parse_time(from_, "from"),
            to_us=models.parse_time(to, "to"),
        )
        page = await services.archive.visits(where, limit, cursor)
        items = [shapes.visit_item(one) for one in page.items]
        return models.Page(items=items, next=page.next, complete=page.complete)

    @router.get("/sessions/{number}/stop", tags=["charging"], dependencies=[*secured, see], responses=_ABSENT)
    async def stop_conditions(number: int) -> shapes.StopItem:
        """When a running session ends by itself."""
        watched = charging.stops.get(number)
        if watched is None:
            raise NotFound(f"session {number} has no stop conditions")
        return shapes.stop_item(watched)

    @router.put("/sessions/{number}/stop", tags=["charging"], dependencies=secured, responses=_ABSENT)
    async def set_stop_conditions(
        number: int, body: shapes.StopBody, actor: Annotated[Actor, operate]
    ) -> shapes.StopItem | None:
        """Say when a running session is to end, in place of what was said before; an empty body: not by itself."""
        watched = await host.request(asked.SetStopConditions(number, body.conditions(), actor))
        return shapes.stop_item(watched) if watched is not None else None


def _reservations(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host, charging = services.host, services.host.core.charging
    see = Depends(requires(services, Right.SEE))
    operate = Depends(requires(services, Right.OPERATE))

    @router.get("/reservations", tags=["charging"], dependencies=[*secured, see])
    async def list_reservations(
        site: str = "", state: str = "", limit: Limit = 100, cursor: Cursor = None
    ) -> models.Page[shapes.ReservationItem]:
        """Reservations, newest first; those that have ended are listed for a while."""
        chosen = [
            one for one in charging.reservations.all() if site in ("", one.site) and state in ("", one.state)
        ]
        part, following = _part(chosen, limit, cursor)
        return models.Page(items=[shapes.reservation_item(one) for one in part], next=following)

    @router.post("/reservations", tags=["charging"], dependencies=secured, status_code=201)
    async def reserve(
        body: shapes.ReservationBody, actor: Annotated[Actor, operate]
    ) -> shapes.ReservationItem:
        """Reserve a connector, or any of a site, for a token or a group."""
        from_us = models.parse_time(body.from_, "from")
        made = await host.request(
            asked.MakeReservation(
                target=body.target,
                from_us=host.clock.now_us() if from_us is None else from_us,
                until_us=shapes.required_time(body.until, "until"),
                actor=actor,
                id_tag=body.id_tag,
                parent=body.parent,
                stop=body.stop.conditions(),
                note=body.note,
            )
        )
        return shapes.reservation_item(made)

    @router.delete("/reservations/{number}", tags=["charging"], dependencies=secured, responses=_ABSENT)
    async def cancel(number: int, actor: Annotated[Actor, operate]) -> shapes.ReservationItem:
        """End a reservation before its time."""
        return shapes.reservation_item(await host.request(asked.CancelReservation(number, actor)))


def _lists(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    host, charging = services.host, services.host.core.charging
    see = Depends(requires(services, Right.SEE))
    maintain = Depends(requires(services, Right.MAINTAIN))

    def item(charger: str) -> shapes.ListItem:
        one = next((one for one in charging.lists.all() if one.charger == charger), None)
        if one is None:
            raise NotFound(f"{charger} is of no site with local lists")
        known = services.plant.chargers_by_path[charger]
        return shapes.list_item(one, charging.lists.of_site(known.site))

    @router.get("/local-lists", tags=["charging"], dependencies=[*secured, see])
    async def list_lists(limit: Limit = 100, cursor: Cursor = None) -> models.Page[shapes.ListItem]:
        """The local authorization list of each charger of the sites that have them."""
        part, following = _part([one.charger for one in charging.lists.all()], limit, cursor)
        return models.Page(items=[item(charger) for charger in part], next=following)

    @router.post("/local-lists/{charger}", tags=["charging"], dependencies=secured, responses=_ABSENT)
    async def send(charger: str, actor: Annotated[Actor, maintain]) -> shapes.ListItem:
        """Send a charger the whole list now; what becomes of it is seen in the list's state."""
        await host.request(asked.SendList(charger, actor))
        return item(charger)


def _part(items: Sequence[T], limit: int, cursor: str | None) -> tuple[Sequence[T], str | None]:
    start = models.number_of(cursor)
    following = str(start + limit) if len(items) > start + limit else None
    return items[start : start + limit], following
