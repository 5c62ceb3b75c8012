"""What is known of chargers: commissioning reports, and what they do otherwise than the standard says.

To commission a charger again is the command `Commission`. No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from scada.api import models
from scada.api.access import requires
from scada.api.console import find_charger
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Right
from scada.core.commissioning import CommissioningReport, Deviation
from scada.core.value import TimeUs


class KeyOutcome(BaseModel):
    """A configuration key that the project wants at a value, and what the charger made of it."""

    key: str
    wanted: str
    status: str
    before: str | None
    after: str | None
    reason: str


class ReportSummary(BaseModel):
    """How getting to know a charger ended. `state`: none, running, done, refused (some keys) or failed."""

    charger: str
    state: str
    started: str | None
    ended: str | None
    reason: str
    vendor: str
    model: str
    firmware: str
    profile: str
    refused: list[str]
    reboot_required: bool
    mismatches: list[str]


class Report(ReportSummary):
    """The whole report. `features`: null where the charger does not say what it supports."""

    serial: str
    meter: str
    keys: list[KeyOutcome]
    features: list[str] | None
    unsupported: dict[str, str]
    connectors: int | None
    local_list_version: int | None
    limits: dict[str, str]


class DeviationItem(BaseModel):
    """One way in which a charger does not keep to the standard."""

    charger: str
    action: str
    what: str
    count: int
    first: str
    last: str


class ChargerDeviations(BaseModel):
    """All of a charger. `count` counts those too that are not kept by name."""

    charger: str
    count: int
    items: list[DeviationItem]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    see = Depends(requires(services, Right.SEE))
    knowledge = services.knowledge

    @router.get("/commissioning", tags=["chargers"], dependencies=[*secured, see])
    async def reports(
        site: Annotated[str, Query(max_length=100)] = "",
        state: Annotated[str, Query(max_length=20, description="none, running, done, refused, failed")] = "",
    ) -> models.Page[ReportSummary]:
        """The commissioning of all chargers, in short, in order of the project."""
        chosen = [one.path for one in services.plant.ocpp_chargers() if not site or one.site == site]
        items = [_summary(path, knowledge.report(path)) for path in chosen]
        return models.Page(items=[one for one in items if state in ("", one.state)], next=None)

    @router.get("/chargers/{charger}/commissioning", tags=["chargers"], dependencies=[*secured, see])
    async def report(charger: str) -> Report:
        """How the last commissioning of a charger ended: what was asked, accepted, refused, found."""
        path = find_charger(services, charger).path
        found = knowledge.report(path)
        known = found or CommissioningReport(state="none", started_us=0)
        return Report(
            **_summary(path, found).model_dump(),
            serial=known.serial,
            meter=known.meter,
            keys=[
                KeyOutcome(
                    key=one.key,
                    wanted=one.wanted,
                    status=one.status,
                    before=one.before,
                    after=one.after,
                    reason=one.reason,
                )
                for one in known.keys
            ],
            features=known.features,
            unsupported=known.unsupported,
            connectors=known.connectors,
            local_list_version=known.local_list_version,
            limits=known.limits,
        )

    @router.get("/deviations", tags=["chargers"], dependencies=[*secured, see])
    async def all_deviations(
        site: Annotated[str, Query(max_length=100)] = "",
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> models.Page[DeviationItem]:
        """What chargers do otherwise than the standard says, the most frequent first."""
        found = [
            (one.path, entry)
            for one in services.plant.ocpp_chargers()
            if not site or one.site == site
            for entry in knowledge.deviations(one.path).entries
        ]
        found.sort(key=lambda pair: -pair[1].count)
        return models.Page(items=[_deviation(*pair) for pair in found[:limit]], next=None)

    @router.get("/chargers/{charger}/deviations", tags=["chargers"], dependencies=[*secured, see])
    async def deviations(charger: str) -> ChargerDeviations:
        """What a charger does otherwise than the standard says."""
        path = find_charger(services, charger).path
        found = knowledge.deviations(path)
        items = [_deviation(path, one) for one in sorted(found.entries, key=lambda one: -one.count)]
        return ChargerDeviations(charger=path, count=found.count, items=items)


def _summary(path: str, found: CommissioningReport | None) -> ReportSummary:
    known = found or CommissioningReport(state="none", started_us=0)
    refused = [
        one.key for one in known.keys if one.status not in ("unchanged", "accepted", "reboot_required")
    ]
    return ReportSummary(
        charger=path,
        state=known.state,
        started=_time(known.started_us),
        ended=_time(known.ended_us),
        reason=known.reason,
        vendor=known.vendor,
        model=known.model,
        firmware=known.firmware,
        profile=known.profile,
        refused=refused,
        reboot_required=known.reboot_required,
        mismatches=known.mismatches,
    )


def _deviation(path: str, one: Deviation) -> DeviationItem:
    return DeviationItem(
        charger=path,
        action=one.action,
        what=one.what,
        count=one.count,
        first=moment.text(one.first_us),
        last=moment.text(one.last_us),
    )


def _time(time_us: TimeUs) -> str | None:
    return moment.text(time_us) if time_us else None
