"""One session: what is known of it in words, its curves, quarter hours, cost, the meter beside it, and one time line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup

from scada.core import moment
from scada.core.errors import Unavailable
from scada.core.plant import Connector
from scada.core.ports import Point
from scada.core.records import SessionFigures, TransactionRecord, TransactionState
from scada.core.report_ports import Chart
from scada.hmi import alarms, words
from scada.hmi.charts import drawing as chart_drawing
from scada.hmi.context import Crumb, Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.sentences import sentence
from scada.hmi.trend import drawing
from scada.i18n import Formats
from scada.runtime.session_detail import SessionDetail, SessionDetails
from scada.runtime.timeline import Entry

REFRESH_S = 10.0
CURVE_PIXELS = 600
TRENDED_MAX = 8
TRENDED = ("ActivePower", "CurrentL1", "CurrentL2", "CurrentL3", "CurrentLimit", "Soc")
Facts = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened, as it is shown."""

    date: str
    time: str
    kind: str
    what: str
    url: str
    who: str
    text: str


async def build(visit: Visit) -> View:
    """The page of a session; a running one, and one whose figures are not there yet, keeps itself up."""
    services, text = visit.services, visit.path
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    details = SessionDetails(visit.plant, services.host, services.archive, services.sessions)
    try:
        detail = await details.of(number, CURVE_PIXELS) if number >= 0 else None
    except Unavailable as error:
        return errors.away(visit, error)
    if detail is None:
        return errors.missing(visit, visit.tr("There is no session {number}.").format(number=text))
    live = visit.live()
    shown = _body(visit, detail, live)

    async def body(into: Live) -> Markup:
        again = await details.of(number, CURVE_PIXELS)
        return shown if again is None else _body(visit, again, into)

    record = detail.row.record
    site = visit.site(record.site)
    settled = record.state is not TransactionState.OPEN and detail.row.figures is not None
    return View(
        title=visit.tr("Session {number}").format(number=number),
        main=visit.render("session.html", live, body=shown, number=number, site=site),
        live=live,
        sites=(record.site,) if site else (),
        site=site,
        nav="sessions",
        crumbs=(
            Crumb(visit.tr("Sessions"), "/sessions"),
            Crumb(visit.tr("Session {number}").format(number=number), f"/session/{number}"),
        ),
        fragments=[]
        if settled
        else [Fragment(slot="session", render=body, every_s=REFRESH_S, shown=str(shown))],
    )


def _body(visit: Visit, detail: SessionDetail, live: Live) -> Markup:
    record = detail.row.record
    charger = visit.plant.chargers_by_path.get(record.charger)
    connector = charger.connector(record.connector) if charger else None
    formats = visit.formats(visit.site(record.site))
    figures = detail.row.figures
    return visit.render(
        "session_body.html",
        live,
        record=record,
        connector=connector,
        running=record.state is TransactionState.OPEN,
        state=visit.tr(words.SESSION_STATES[record.state.value]),
        energy=formats.number(record.energy_wh / 1000, 2),
        flags=[visit.tr(words.FLAGS.get(flag, flag)) for flag in record.flags.split(",") if flag]
        + [
            visit.tr(words.FIGURE_FLAGS.get(one, one))
            for one in (figures.flags if figures else "").split(",")
            if one
        ],
        facts=_facts(visit, detail, formats),
        meter=_meter(visit, record, figures, formats),
        cost=_cost(visit, figures, formats),
        curves=_curves(visit, detail, connector, formats),
        quarters=_quarters(visit, detail, formats),
        trend_url=_trend_url(visit, detail, connector),
        lines=[line(visit, one, formats) for one in detail.timeline if _seen(visit, one)],
        cut=detail.cut,
    )


def _facts(visit: Visit, detail: SessionDetail, formats: Formats) -> Facts:
    """The record in words; what is not known is left out."""
    tr, record, figures = visit.tr, detail.row.record, detail.row.figures
    stay = detail.row.visit
    owner = next((t.name for t in visit.plant.tokens if t.id_tag.casefold() == record.id_tag.casefold()), "")
    stopped_us = record.stopped_us
    plate = next((one.plate for one in visit.plant.charging.vehicles if one.name == record.vehicle), "")
    return _known(
        (tr("Token"), " · ".join(one for one in (record.id_tag, owner) if one)),
        (tr("Authorized by"), tr(words.AUTHORIZED.get(record.authorized_by, record.authorized_by))),
        (tr("Vehicle"), " · ".join(one for one in (record.vehicle, plate) if one)),
        (tr("Group"), record.parent),
        (tr("Plan"), record.plan),
        (tr("Reservation"), str(record.reservation or "")),
        (tr("Plugged in"), formats.date_time(stay.began_us) if stay else ""),
        (tr("Start"), formats.date_time(record.started_us)),
        (tr("Started by"), record.ordered_by),
        (tr("End"), formats.date_time(stopped_us) if stopped_us else ""),
        (tr("Ended by"), _ending(visit, record)),
        (tr("Unplugged"), formats.date_time(stay.ended_us) if stay and stay.ended_us else ""),
        (tr("Duration"), formats.duration(stopped_us - record.started_us) if stopped_us else ""),
        (tr("Charging time"), formats.duration(figures.charging_us) if figures else ""),
        (tr("Mean power"), _amount(formats, figures.power_mean_kw if figures else None, "kW", 1)),
        (tr("Greatest power"), _amount(formats, figures.power_max_kw if figures else None, "kW", 1)),
        (tr("State of charge"), _charge(formats, record)),
        (tr("Charger's own number"), record.charger_id),
    )


def _ending(visit: Visit, record: TransactionRecord) -> str:
    parts = (
        visit.tr(words.REASONS.get(record.reason, record.reason)) if record.reason else "",
        visit.tr(words.STOP_CONDITIONS.get(record.stop_condition, record.stop_condition))
        if record.stop_condition
        else "",
        record.stopped_by,
    )
    return " · ".join(one for one in parts if one)


def _charge(formats: Formats, record: TransactionRecord) -> str:
    ends = [_amount(formats, one, "%", 0) for one in (record.soc_start, record.soc_end)]
    return " → ".join(one or "–" for one in ends) if any(ends) else ""


def _meter(
    visit: Visit, record: TransactionRecord, figures: SessionFigures | None, formats: Formats
) -> Facts:
    """The charger's register, and the station's meter beside it."""
    tr = visit.tr

    def energy(value: int | None) -> str:
        return "" if value is None else _amount(formats, value / 1000, "kWh", 3)

    facts = [
        (tr("Charger, register at start"), energy(record.meter_start_wh)),
        (tr("Charger, register at end"), energy(record.meter_stop_wh)),
        (tr("Corrected by"), energy(record.correction_wh) if record.correction_wh else ""),
        (tr("Energy of the session"), energy(record.energy_wh)),
    ]
    if figures is not None and figures.meter:
        facts += [
            (tr("Station's meter"), figures.meter),
            (tr("Meter, register at start"), energy(figures.meter_start_wh)),
            (tr("Meter, register at end"), energy(figures.meter_stop_wh)),
            (tr("Meter counted more by"), energy(figures.meter_difference_wh)),
        ]
    return _known(*facts)


def _cost(visit: Visit, figures: SessionFigures | None, formats: Formats) -> dict[str, object] | None:
    """What it cost and how that came about; None: no tariff holds."""
    if figures is None or not figures.cost:
        return None
    parts = json.loads(figures.cost_parts) if figures.cost_parts else []
    return {
        "total": f"{formats.number(float(figures.cost), 2)} {figures.currency}",
        "tariff": figures.tariff,
        "parts": [
            (
                _hour(formats, one["from"]),
                _hour(formats, one["to"]),
                str(one.get("band") or ""),
                formats.number(float(one["energy_wh"]) / 1000, 3),
                formats.number(float(one["cost"]), 4),
            )
            for one in parts
        ],
    }


def _hour(formats: Formats, text: str) -> str:
    time_us = moment.parse(text)
    return formats.hour(time_us) if time_us is not None else text


def _curves(
    visit: Visit, detail: SessionDetail, connector: Connector | None, formats: Formats
) -> list[tuple[str, Markup]]:
    record = detail.row.record
    to_us = record.stopped_us or visit.services.host.clock.now_us()
    drawn = []
    for name, points in detail.curves.items():
        tag = visit.services.host.tags.get(f"{connector.path}.{name}") if connector else None
        if tag is None or not _tells(points) or to_us <= record.started_us:
            continue
        definition = tag.definition
        picture = drawing(points, record.started_us, to_us, formats, definition.unit, definition.decimals, "")
        drawn.append((visit.label(definition), picture))
    return drawn


def _tells(points: Sequence[Point]) -> bool:
    return any(isinstance(one.value, (int, float)) and one.value for one in points)


def _quarters(visit: Visit, detail: SessionDetail, formats: Formats) -> Markup:
    if not detail.quarters:
        return Markup()
    chart = Chart(
        title=visit.tr("Energy of each quarter hour"),
        labels=[formats.hour(begin) for begin, _ in detail.quarters],
        series={"": [energy / 1000 for _, energy in detail.quarters]},
        unit="kWh",
    )
    return chart_drawing(chart, formats, visit.tr("No energy was taken."))


def _trend_url(visit: Visit, detail: SessionDetail, connector: Connector | None) -> str:
    """The curves on one axis, to look closer."""
    record = detail.row.record
    if connector is None:
        return ""
    tags = [f"{connector.path}.{name}" for name in TRENDED if name in detail.curves][:TRENDED_MAX]
    to_us = record.stopped_us or visit.services.host.clock.now_us()
    if not tags:
        return ""
    span = {"tags": ",".join(tags), "from": record.started_us // 1000, "to": to_us // 1000 + 1}
    return "/trends?" + urlencode(span)


def _seen(visit: Visit, entry: Entry) -> bool:
    """An alarm is seen by its level."""
    if entry.kind != "alarm":
        return True
    definition = visit.plant.definitions.get(entry.path)
    alarm = definition.alarm if definition else None
    if definition is None or alarm is None:
        return visit.actor.scope.sees_all
    return visit.actor.scope.sees(alarm.level, definition.site, definition.domain)


def line(visit: Visit, entry: Entry, formats: Formats) -> Line:
    """An entry of a time line in the reader's language."""
    tr, language = visit.tr, visit.language
    what, url, text = entry.what, "", entry.text
    if entry.kind == "session":
        what = tr(words.SESSION_EVENTS.get(entry.what, entry.what))
        known = words.AUTHORIZED | words.REASONS | words.STOP_CONDITIONS | words.FIGURE_FLAGS
        text = ", ".join(tr(known.get(one, one)) for one in entry.text.replace(", ", ",").split(",") if one)
    elif entry.kind == "status":
        what = tr(words.STATUS.get(entry.what, entry.what))
    elif entry.kind == "alarm":
        event = tr(words.ALARM_EVENTS[entry.what])
        definition = visit.plant.definitions.get(entry.path)
        if definition is None or definition.alarm is None:  # a branch out of service, or in again
            what, url = event, alarms.url_of(visit.plant, entry.path)
        else:
            what = f"{alarms.alarm_text(visit.plant, entry.path, language)}: {event}"
            url = alarms.alarm_url(entry.path)
    elif entry.kind == "command":
        outcome, _, rest = entry.text.partition(" ")
        known_outcome = {one.value: said for one, said in words.OUTCOMES.items()}
        said = tr(known_outcome[outcome]) if outcome in known_outcome else outcome
        text = " · ".join(one for one in (said, sentence(rest, tr)) if one)
    who = (
        {"us": tr("this system"), "charger": tr("charger")}.get(entry.who, entry.who)
        if entry.kind == "frame"
        else entry.who
    )
    return Line(
        date=formats.date(entry.time_us),
        time=formats.time(entry.time_us),
        kind=tr(words.TIMELINE.get(entry.kind, entry.kind)),
        what=what,
        url=url,
        who=who,
        text=text,
    )


def _amount(formats: Formats, value: float | None, unit: str, decimals: int) -> str:
    return "" if value is None else f"{formats.number(value, decimals)} {unit}"


def _known(*facts: tuple[str, str]) -> Facts:
    return [fact for fact in facts if fact[1]]
