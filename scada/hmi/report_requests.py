"""What the address of a page asks of the reports: of the list of sessions as it is filtered, or of the page of reports."""

from __future__ import annotations

from dataclasses import replace

from scada.core.access import Actor, Right
from scada.core.errors import BadRequest
from scada.core.ports import SessionFilter
from scada.core.records import TransactionState
from scada.core.report_ports import DIMENSIONS, PERIODS, REPORTS, STEPS, ReportRequest
from scada.core.value import SECOND_US, TimeUs
from scada.hmi import words
from scada.hmi.context import Visit
from scada.i18n import Formats

LONGEST_US = 3 * 365 * 86_400 * SECOND_US
"""Where the filter of sessions has no begin, a file begins so long before its end."""
VEHICLES_MAX = 200
"""Vehicles that the part of a plate may stand for."""
FLAGS_ANY = "any"
DEFAULT_PERIOD = "last_week"


def session_filter(visit: Visit, formats: Formats) -> SessionFilter:
    """The filter of sessions that the address asks for; what it cannot be is left out."""
    query = visit.query
    state, flag = query.get("state", ""), query.get("flag", "")
    connector = query.get("connector", "")
    to = query.get("to", "")
    day_end_us = formats.day_end_us(to)  # a last day is meant with all its hours
    return SessionFilter(
        site=query.get("site", "")[:256],
        charger=query.get("charger", "")[:256],
        connector=int(connector)
        if connector.isascii() and connector.isdigit() and len(connector) < 4
        else None,
        id_tag=query.get("token", "").strip()[:100],
        plan=query.get("plan", "").strip()[:100],
        vehicles=_vehicles(visit, query.get("vehicle", "").strip()[:100]),
        state=TransactionState(state) if state in words.SESSION_STATES else None,
        authorized_by=query.get("authorized_by", "")[:100],
        flags=(flag[:100],) if flag else (),
        energy_min_wh=_amount(query.get("energy_min", ""), 1000),
        energy_max_wh=_amount(query.get("energy_max", ""), 1000),
        duration_min_us=_amount(query.get("minutes_min", ""), 60 * SECOND_US),
        duration_max_us=_amount(query.get("minutes_max", ""), 60 * SECOND_US),
        text=query.get("text", "").strip()[:100],
        from_us=formats.parse_local(query.get("from", "")),
        to_us=formats.parse_local(to) if day_end_us is None else day_end_us,
    )


def wanted(visit: Visit, actor: Actor, report: str) -> ReportRequest:
    """A report with the filter of sessions (`session_list`), or one of `REPORTS` with the fields of its page.

    Raises:
        BadRequest: there is no such report, or the span ends before it begins.
        Denied: the audit is for who manages users.
    """
    if report == "session_list":
        return _session_list(visit, actor)
    if report not in REPORTS:
        raise BadRequest(f"there is no report '{report}': {', '.join(REPORTS)}")
    if report == "audit":
        actor.require(Right.MANAGE_USERS)
    query = visit.query
    from_us, to_us = span(visit)
    by, step = query.get("by", "charger"), query.get("step", "day")
    return ReportRequest(
        report=report,
        from_us=from_us,
        to_us=to_us,
        site=query.get("site", "")[:256],
        by=by if by in DIMENSIONS else "charger",
        step=step if step in STEPS else "day",
        language=visit.language,
        scope=actor.scope,
    )


def period(visit: Visit) -> str:
    """The period of the address; `free`: by its days."""
    given = visit.query.get("period", "")
    if given in PERIODS:
        return given
    return "free" if visit.query.get("from") and visit.query.get("to") else DEFAULT_PERIOD


def span(visit: Visit) -> tuple[TimeUs, TimeUs]:
    """The span of a report. Raises BadRequest for days that are none."""
    site = visit.site(visit.query.get("site", ""))
    formats = visit.formats(site)
    chosen = period(visit)
    services = visit.services
    if chosen != "free":
        zone = site.timezone if site else visit.plant.timezone
        return services.reports.span(chosen, services.host.clock.now_us(), zone)
    from_us = formats.parse_local(visit.query.get("from", ""))
    to_us = formats.day_end_us(visit.query.get("to", ""))
    if from_us is None or to_us is None or from_us >= to_us:
        raise BadRequest("the span must end after it begins")
    return from_us, to_us


def _session_list(visit: Visit, actor: Actor) -> ReportRequest:
    where = session_filter(visit, visit.formats())
    to_us = where.to_us if where.to_us is not None else visit.services.host.clock.now_us() + 1
    from_us = where.from_us if where.from_us is not None else max(0, to_us - LONGEST_US)
    return ReportRequest(
        report="sessions",
        from_us=from_us,
        to_us=to_us,
        site=where.site,
        language=visit.language,
        where=replace(where, site="", from_us=None, to_us=None),
        scope=actor.scope,
    )


def _vehicles(visit: Visit, text: str) -> tuple[str, ...]:
    """The vehicles whose name or plate holds a text; where there is none, one of that name in old sessions."""
    wanted_letters = _letters(text)
    if not wanted_letters:
        return ()
    found = [
        one.name
        for one in visit.plant.charging.vehicles
        if wanted_letters in _letters(one.plate) or wanted_letters in _letters(one.name)
    ]
    return tuple(found[:VEHICLES_MAX]) or (text,)


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _amount(text: str, factor: int) -> int | None:
    """A number as people type it: `7.5` or `7,5`; None for anything else."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return round(value * factor) if 0 <= value <= 1e9 else None
