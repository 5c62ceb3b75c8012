"""Sharing of power: what each circuit has, what each connector gets and why, and the recalculations of late.

Modes, limits from outside, operators' limits, weights and tiers are tags, written like every other.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from scada.allocation import Decision
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Right
from scada.core.errors import NotFound
from scada.runtime.allocation import Entry, SiteManagement


class ShareItem(BaseModel):
    """A connector. Currents in A a phase; `hold_a`: what it counts as; `bound_by`: what keeps it from more."""

    connector: str
    state: str
    target_a: float
    ordered_a: float
    confirmed_a: float
    hold_a: float
    drawn_a: float
    phases: list[str]
    bound_by: str
    circuit: Annotated[str, Field(description="that binds it, or empty")]


class CircuitItem(BaseModel):
    """A circuit's phase (A) or power (kW, kVA). `room`: for all that charge; `source`: what it rests on."""

    circuit: str
    kind: str
    limit: float
    room: float
    other: float
    hold: float
    source: str


class OrderItem(BaseModel):
    """A limit that was ordered. `answer`: empty while it is under way."""

    connector: str
    kind: str
    limit_a: float
    lease_s: float | None
    fallback_a: float
    reason: str
    answer: str
    text: str


class NoteItem(BaseModel):
    """Something that happened."""

    what: str
    subject: str
    detail: str


class SharingState(BaseModel):
    """The last recalculation of a site."""

    site: str
    policy: str
    mode: str
    overload: list[str]
    connectors: list[ShareItem]
    circuits: list[CircuitItem]


class LogEntry(BaseModel):
    """A recalculation: when, why, inputs and results, what was sent, what came back."""

    time: str
    why: str
    mode: str
    overload: list[str]
    orders: list[OrderItem]
    notes: list[NoteItem]
    connectors: list[ShareItem]
    circuits: list[CircuitItem]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    see = Depends(requires(services, Right.SEE))

    def site_of(site: str) -> SiteManagement:
        found = services.sharing.sites.get(site)
        if found is None:
            raise NotFound(f"site {site[:100]} does not share its power, or is not there")
        return found

    @router.get("/allocation/{site}", tags=["allocation"], dependencies=[*secured, see])
    async def sharing(site: str) -> SharingState:
        """What each circuit of a site has, and what each connector gets and why: the last recalculation."""
        found = site_of(site)
        decision = found.last
        return SharingState(
            site=site,
            policy=found.rules.policy,
            mode=decision.mode.value if decision else "normal",
            overload=list(decision.overload) if decision else [],
            connectors=_shares(decision) if decision else [],
            circuits=_circuits(decision) if decision else [],
        )

    @router.get("/allocation/{site}/log", tags=["allocation"], dependencies=[*secured, see])
    async def sharing_log(site: str, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[LogEntry]:
        """Recalculations that ordered or noted something, newest first; of the last 2,000."""
        kept = site_of(site).log
        return [_entry(kept[-n]) for n in range(1, min(limit, len(kept)) + 1)]


def _entry(entry: Entry) -> LogEntry:
    decision = entry.decision
    return LogEntry(
        time=moment.text(entry.time_us),
        why=entry.why,
        mode=decision.mode.value,
        overload=list(decision.overload),
        orders=[
            OrderItem(
                connector=one.order.connector,
                kind=one.order.kind.value,
                limit_a=one.order.limit_a,
                lease_s=one.order.lease_s,
                fallback_a=one.order.fallback_a,
                reason=one.order.reason,
                answer=one.answer,
                text=one.text,
            )
            for one in entry.sent.values()
        ],
        notes=[NoteItem(what=one.what, subject=one.subject, detail=one.detail) for one in decision.notes],
        connectors=_shares(decision),
        circuits=_circuits(decision),
    )


def _shares(decision: Decision) -> list[ShareItem]:
    return [
        ShareItem(
            connector=one.connector,
            state=one.state.value,
            target_a=one.target_a,
            ordered_a=one.ordered_a,
            confirmed_a=one.confirmed_a,
            hold_a=one.hold_a,
            drawn_a=one.drawn_a,
            phases=[f"L{phase + 1}" for phase in one.phases],
            bound_by=one.bound_by,
            circuit=one.node,
        )
        for one in decision.shares
    ]


def _circuits(decision: Decision) -> list[CircuitItem]:
    return [
        CircuitItem(
            circuit=one.node,
            kind=one.kind,
            limit=one.limit,
            room=round(one.room, 3),
            other=round(one.other, 3),
            hold=round(one.hold, 3),
            source=one.source.value,
        )
        for one in decision.nodes
    ]
