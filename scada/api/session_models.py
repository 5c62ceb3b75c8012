"""Shapes of a session's detail. Energies in Wh, power in kW, times RFC 3339 UTC, money as decimal text."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from scada.api import models
from scada.core import moment
from scada.core.records import SessionFigures, VisitRecord
from scada.core.value import TimeUs, quality_name
from scada.runtime.session_detail import SessionDetail


class FiguresItem(BaseModel):
    """What was worked out after the end. `meter_difference_wh`: the station's meter counted more by this."""

    computed: str
    charging_s: float
    power_mean_kw: float | None
    power_max_kw: float | None
    tariff: str
    currency: str
    cost: str | None
    cost_parts: list[dict[str, Any]]
    meter: str
    meter_start_wh: int | None
    meter_stop_wh: int | None
    meter_difference_wh: int | None
    flags: list[str]


class VisitPart(BaseModel):
    """The visit that a session lies in."""

    id: int
    began: str
    ended: str | None
    vehicle: str
    vehicle_id: str


class Quarter(BaseModel):
    """Energy within a quarter hour, by its begin."""

    begin: str
    energy_wh: int


class Curve(BaseModel):
    """A recorded value over the session."""

    name: str
    unit: str
    points: list[models.PointItem]


class TimelineItem(BaseModel):
    """Something that happened: `kind` is session, status, alarm, command, audit or limit."""

    time: str
    kind: str
    what: str
    path: str
    who: str
    text: str


class SessionDetailItem(models.SessionItem):
    """A session whole. `cut`: sources of the time line of which there was more than fits."""

    duration_s: float | None
    figures: FiguresItem | None
    visit_detail: VisitPart | None
    quarters: list[Quarter]
    curves: list[Curve]
    timeline: list[TimelineItem]
    cut: list[str]


def detail_item(detail: SessionDetail) -> SessionDetailItem:
    """A session whole."""
    record = detail.row.record
    stopped_us = record.stopped_us
    return SessionDetailItem(
        **models.session_item(record).model_dump(),
        duration_s=None if stopped_us is None else (stopped_us - record.started_us) / 1e6,
        figures=_figures(detail.row.figures),
        visit_detail=_visit(detail.row.visit),
        quarters=[Quarter(begin=moment.text(at), energy_wh=energy) for at, energy in detail.quarters],
        curves=[
            Curve(
                name=name,
                unit=detail.units.get(name, ""),
                points=[
                    models.PointItem(
                        time=moment.text(point.time_us),
                        value=point.value,
                        quality=quality_name(point.quality),
                    )
                    for point in points
                ],
            )
            for name, points in detail.curves.items()
        ],
        timeline=[
            TimelineItem(
                time=moment.text(one.time_us),
                kind=one.kind,
                what=one.what,
                path=one.path,
                who=one.who,
                text=one.text,
            )
            for one in detail.timeline
        ],
        cut=list(detail.cut),
    )


def _figures(figures: SessionFigures | None) -> FiguresItem | None:
    if figures is None:
        return None
    return FiguresItem(
        computed=moment.text(figures.computed_us),
        charging_s=figures.charging_us / 1e6,
        power_mean_kw=figures.power_mean_kw,
        power_max_kw=figures.power_max_kw,
        tariff=figures.tariff,
        currency=figures.currency,
        cost=figures.cost or None,
        cost_parts=json.loads(figures.cost_parts) if figures.cost_parts else [],
        meter=figures.meter,
        meter_start_wh=figures.meter_start_wh,
        meter_stop_wh=figures.meter_stop_wh,
        meter_difference_wh=figures.meter_difference_wh,
        flags=[flag for flag in figures.flags.split(",") if flag],
    )


def _visit(visit: VisitRecord | None) -> VisitPart | None:
    if visit is None:
        return None
    return VisitPart(
        id=visit.id,
        began=moment.text(visit.began_us),
        ended=_text(visit.ended_us),
        vehicle=visit.vehicle,
        vehicle_id=visit.vehicle_id,
    )


def _text(time_us: TimeUs | None) -> str | None:
    return None if time_us is None else moment.text(time_us)
