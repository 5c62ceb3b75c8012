"""How well the alarm system does (ISA-18.2 clause 16.5, EEMUA 191): each figure beside the recommended one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scada.core.errors import Unavailable
from scada.core.ports import AlarmFigures, JournalFilter
from scada.core.value import SECOND_US
from scada.hmi import alarms, words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.sentences import sentence
from scada.i18n import marked

DAY_US = 86_400 * SECOND_US
SPANS = {"24h": (1, marked("24 hours")), "7d": (7, marked("7 days")), "30d": (30, marked("30 days"))}
EVERY_S = 60.0
LIST_MAX = 20
FEW = 50
SHARES = ((("critical", "high"), 5.0), (("medium",), 15.0), (("low",), 80.0))
"""Priority classes and the recommended share of alarms in percent (ISA-18.2 table 8)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, the recommended one in words, and how it stands: `well`, `above` or `` (nothing is recommended)."""

    name: str
    value: str
    target: str
    state: str


async def build(visit: Visit) -> View:
    """The figures of a span, of all sites or one."""
    span = visit.query.get("span", "")
    span = span if span in SPANS else "24h"
    site = visit.query.get("site", "")[:256]

    async def body(live: Live) -> Markup:
        to_us = visit.services.host.clock.now_us()
        where = JournalFilter(site=site, role=visit.actor.scope)
        try:
            found = await visit.services.archive.alarm_figures(where, to_us - SPANS[span][0] * DAY_US, to_us)
        except Unavailable as error:
            return Markup('<p class="refusal">{}</p>').format(sentence(str(error), visit.tr))
        return render(visit, found, live)

    live = visit.live()
    shown = await body(live)
    main = visit.render(
        "figures.html", live, tab="figures", body=shown, spans=SPANS, span=span, filters={"site": site}
    )
    return View(
        title=visit.tr("Alarm figures"),
        main=main,
        live=live,
        nav="alarms",
        fragments=[Fragment(slot="figures", render=body, every_s=EVERY_S, shown=str(shown))],
    )


def render(visit: Visit, found: AlarmFigures, live: Live) -> Markup:
    """Tables and bars."""

    def named(path: str) -> tuple[str, str, str]:
        return (
            alarms.alarm_url(path),
            alarms.device_name(visit.plant, path, visit.language),
            alarms.alarm_text(visit.plant, path, visit.language),
        )

    formats = visit.formats()
    most = found.most_frequent[0][1] if found.most_frequent else 1
    return visit.render(
        "figures_body.html",
        live,
        from_text=formats.date_time(found.from_us),
        to_text=formats.date_time(found.to_us),
        figures=figures(visit, found),
        shares=shares(visit, found),
        most_frequent=[
            (*named(path), times, 100 * times / most, _share(times, found.raised))
            for path, times in found.most_frequent
        ],
        lists=[
            (
                visit.tr("Chattering (3 times or more in a minute)"),
                visit.tr("none"),
                [(*named(path), "") for path in found.chattering[:LIST_MAX]],
                len(found.chattering),
            ),
            (
                visit.tr("Fleeting (gone within 10 s by itself)"),
                visit.tr("none"),
                [(*named(path), f"{times} ×") for path, times in found.fleeting[:LIST_MAX]],
                len(found.fleeting),
            ),
            (
                visit.tr("Stale (active for more than 24 hours)"),
                visit.tr("fewer than 5"),
                [(*named(path), "") for path in found.stale[:LIST_MAX]],
                len(found.stale),
            ),
        ],
        raised=found.raised,
    )


def figures(visit: Visit, found: AlarmFigures) -> list[Figure]:
    """The rates and times, each with what is recommended."""
    tr, number = visit.tr, visit.formats().number
    days = max(1e-9, (found.to_us - found.from_us) / DAY_US)
    top = sum(times for _, times in found.most_frequent)
    top_share = _share(top, found.raised)

    def one(name: str, value: str, target: str, well: bool) -> Figure:
        return Figure(name, value, target, "well" if well else "above")

    def time(seconds: float | None) -> str:
        return visit.formats().duration(int(seconds * SECOND_US)) if seconds is not None else "–"

    return [
        one(
            tr("Alarms a day"),
            number(found.raised / days, 0),
            tr("150, at most 300"),
            found.raised / days <= 300,
        ),
        one(
            tr("Alarms in 10 minutes, mean"),
            number(found.per_10_min_mean, 2),
            tr("1, at most 2"),
            found.per_10_min_mean <= 2,
        ),
        one(
            tr("Alarms in 10 minutes, peak"),
            number(found.per_10_min_peak, 0),
            tr("at most 10"),
            found.per_10_min_peak <= 10,
        ),
        one(
            tr("Time in flood (over 10 in 10 minutes)"),
            f"{number(found.flood_percent, 1)} %",
            tr("less than 1 %"),
            found.flood_percent < 1,
        ),
        Figure(
            tr("Share of the ten most frequent"),
            f"{number(top_share, 0)} %",
            tr("1 to 5 %"),
            # Of few alarms the ten most frequent are always most: that says nothing.
            "" if found.raised < FEW else "well" if top_share <= 5 else "above",
        ),
        one(
            tr("Chattering alarms"),
            number(len(found.chattering)),
            tr("none"),
            not found.chattering,
        ),
        one(tr("Fleeting alarms"), number(len(found.fleeting)), tr("none"), not found.fleeting),
        one(tr("Stale alarms"), number(len(found.stale)), tr("fewer than 5"), len(found.stale) < 5),
        Figure(tr("Time to acknowledge, median"), time(found.acknowledge_s_median), "–", ""),
        Figure(tr("Time to acknowledge, nine of ten within"), time(found.acknowledge_s_p90), "–", ""),
    ]


def shares(visit: Visit, found: AlarmFigures) -> Sequence[tuple[str, int, float, float, str]]:
    """(classes, priority number, share in percent, recommended share, share as text); journal-only alarms apart."""
    number = visit.formats().number
    rows = []
    for names, target in SHARES:
        share = sum(found.by_priority.get(name, 0.0) for name in names)
        text = ", ".join(visit.tr(words.PRIORITY_NAMES[name]) for name in names)
        rows.append((text, alarms.priority_number(names[0]), share, target, f"{number(share, 0)} %"))
    return rows


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
