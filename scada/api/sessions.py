"""Sessions: the search, and one with everything that is known of it.

No postponed annotations here: FastAPI evaluates them.
"""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from scada.api import models, session_models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core.access import Right
from scada.core.errors import BadRequest, NotFound
from scada.core.ports import SessionFilter
from scada.core.records import TransactionState
from scada.core.value import SECOND_US
from scada.runtime.session_detail import PIXELS, SessionDetails

LIMIT_MAX = 1_000
VEHICLES_MAX = 200
"""Vehicles that the part of a plate may stand for."""
Word = Annotated[str, Query(max_length=100)]
Time = Annotated[str | None, Query(max_length=40, description="RFC 3339")]
From = Annotated[str | None, Query(alias="from", max_length=40, description="RFC 3339; of the start")]
Amount = Annotated[float | None, Query(ge=0, le=1e9)]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    see = Depends(requires(services, Right.SEE))
    details = SessionDetails(services.plant, services.host, services.archive, services.sessions)
    filtered = session_filter(services)

    @router.get("/sessions", tags=["sessions"], dependencies=[*secured, see])
    async def list_sessions(
        where: Annotated[SessionFilter, Depends(filtered)],
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="items at most")] = 100,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the part before")] = None,
    ) -> models.Page[models.SessionItem]:
        """Transactions, newest first; open ones carry live energy.

        A part may hold less than `limit` and still have a `next`: a search that finds little among much comes in parts.
        """
        page = await services.archive.sessions(where, limit, cursor)
        live = {record.id: record for record in services.host.core.sessions.open_transactions()}
        return models.Page(
            items=[
                models.session_item(
                    live.get(record.id, record) if record.state is TransactionState.OPEN else record
                )
                for record in page.items
            ],
            next=page.next,
            complete=page.complete,
        )

    @router.get(
        "/sessions/{number}",
        tags=["sessions"],
        dependencies=[*secured, see],
        responses={404: {"description": "there is none"}},
    )
    async def session(
        number: Annotated[int, Path(ge=0, le=2**63 - 1)],
        pixels: Annotated[int, Query(ge=10, le=10_000, description="width of the curves")] = PIXELS,
    ) -> session_models.SessionDetailItem:
        """A session with its figures, curves, quarter hours and its time line."""
        detail = await details.of(number, pixels)
        if detail is None:
            raise NotFound(f"there is no session {number}")
        return session_models.detail_item(detail)


def session_filter(services: ApiServices) -> Any:
    """A dependency: the filter of a query."""

    async def filtered(
        site: Word = "",
        charger: Annotated[str, Query(max_length=256)] = "",
        connector: Annotated[int | None, Query(ge=0, le=2**31)] = None,
        id_tag: Word = "",
        parent: Word = "",
        plan: Word = "",
        vehicle: Word = "",
        plate: Annotated[str, Query(max_length=20, description="or a part of it")] = "",
        visit: Annotated[int, Query(ge=0, le=2**62)] = 0,
        state: Word = "",
        authorized_by: Word = "",
        flag: Annotated[
            list[str] | None, Query(max_length=10, description="all of these; `any`: some")
        ] = None,
        late: bool | None = None,
        energy_min_kwh: Amount = None,
        energy_max_kwh: Amount = None,
        duration_min_s: Amount = None,
        duration_max_s: Amount = None,
        text: Annotated[str, Query(max_length=100, description="in token, vehicle, charger, reason")] = "",
        from_: From = None,
        to: Time = None,
    ) -> SessionFilter:
        try:
            wanted = TransactionState(state) if state else None
        except ValueError:
            known = ", ".join(s.value for s in TransactionState)
            raise BadRequest(f"'state' is one of {known}") from None
        where = SessionFilter(
            site=site,
            charger=charger,
            connector=connector,
            id_tag=id_tag,
            parent=parent,
            plan=plan,
            vehicle=vehicle,
            visit=visit,
            state=wanted,
            authorized_by=authorized_by,
            flags=tuple(flag or ()),
            late=late,
            energy_min_wh=_whole(energy_min_kwh, 1000),
            energy_max_wh=_whole(energy_max_kwh, 1000),
            duration_min_us=_whole(duration_min_s, SECOND_US),
            duration_max_us=_whole(duration_max_s, SECOND_US),
            text=text,
            from_us=models.parse_time(from_, "from"),
            to_us=models.parse_time(to, "to"),
        )
        return replace(where, vehicles=_vehicles(services, plate)) if plate else where

    return filtered


def _vehicles(services: ApiServices, plate: str) -> tuple[str, ...]:
    """The vehicles whose plate holds this, without regard to case, blanks and dashes."""
    wanted = _letters(plate)
    found = [
        one.name
        for one in services.plant.charging.vehicles
        if one.plate and wanted and wanted in _letters(one.plate)
    ]
    if not found:
        raise NotFound(f"no vehicle has a plate with '{plate}'")
    return tuple(found[:VEHICLES_MAX])


def _letters(plate: str) -> str:
    return "".join(letter for letter in plate.casefold() if letter.isalnum())


def _whole(value: float | None, factor: int) -> int | None:
    return None if value is None else round(value * factor)
