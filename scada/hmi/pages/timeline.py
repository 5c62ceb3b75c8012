"""The time line of a charger: frames, states, sessions, alarms, commands and limits together, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup

from scada.core.access import Right
from scada.core.value import TimeUs
from scada.hmi import alarms, words
from scada.hmi.context import Crumb, Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.pages.charger import charger_crumbs
from scada.hmi.pages.session import line
from scada.runtime.timeline import KINDS, ChargerTimeline

ROWS = 100
EVERY_S = 1.0
BEFORE_MAX = 2**53
"""The address tells a moment in microseconds: what a browser's numbers hold."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A filter of the page: a click adds or takes it away."""

    key: str
    name: str
    on: bool
    url: str


async def build(visit: Visit) -> View:
    """The page. Query: `kinds` (comma-separated; empty: all), `before` (µs), `pause`."""
    charger = visit.plant.chargers_by_path.get(visit.path)
    site = visit.site(charger.site) if charger else None
    if charger is None or site is None:
        return errors.missing(visit, visit.tr("There is no charger {path}.").format(path=visit.path))
    may_trace = visit.actor.may(Right.MAINTAIN)
    offered = [kind for kind in KINDS if kind != "frame" or (may_trace and visit.services.console)]
    asked = [kind for kind in visit.query.get("kinds", "").split(",") if kind in offered]
    chosen = asked or offered
    before_us = _moment(visit.query.get("before", ""))
    source = ChargerTimeline(
        visit.services.host,
        visit.services.archive,
        visit.services.console if may_trace else None,
        visit.services.message_log if may_trace else None,
        visit.actor.scope,
        charger,
    )
    base = f"/timeline/{charger.path}"
    kept = {"kinds": ",".join(asked)} if asked else {}
    formats = visit.formats(site)

    async def table(live: Live) -> Markup:
        now_us = visit.services.host.clock.now_us()
        stretch = await source.before(before_us or now_us + 1, ROWS, chosen)
        older = f"{base}?{urlencode({**kept, 'before': stretch.older_us})}" if stretch.older_us else ""
        return visit.render(
            "timeline_table.html",
            live,
            lines=[
                (
                    line(visit, one, formats),
                    formats.time(one.time_us, milliseconds=True),
                    alarms.branch_name(visit.plant, _place(visit, one.path), visit.language) or one.path,
                )
                for one in stretch.entries
            ],
            older=older,
            complete=stretch.complete,
            newest=base + (f"?{urlencode(kept)}" if kept else "") if before_us else "",
        )

    live = visit.live()
    shown = await table(live)
    paused = bool(visit.query.get("pause"))
    kinds = [
        Kind(kind, visit.tr(words.TIMELINE[kind]), kind in chosen, _toggled(base, offered, chosen, kind))
        for kind in offered
    ]
    main = visit.render(
        "timeline.html",
        live,
        charger=charger,
        site=site,
        kinds=kinds,
        table=shown,
        live_now=not before_us and not paused,
        toggle=base + "?" + urlencode(kept if paused else {**kept, "pause": "1"}),
        paused=paused,
        base=base,
        older_page=bool(before_us),
    )
    return View(
        title=visit.tr("Time line of {name}").format(name=charger.name),
        main=main,
        live=live,
        sites=(site.path,),
        site=site,
        nav="overview",
        crumbs=(*charger_crumbs(visit, site, charger), Crumb(visit.tr("Time line"), base)),
        fragments=[]
        if before_us or paused
        else [Fragment(slot="timeline", render=table, every_s=EVERY_S, shown=str(shown))],
    )


def _place(visit: Visit, path: str) -> str:
    """The charger or connector that a row is about: its own, or that of its tag."""
    plant = visit.plant
    if path in plant.chargers_by_path or path in plant.connectors_by_path:
        return path
    return plant.place_of(path) or path


def _toggled(base: str, offered: list[str], chosen: list[str], kind: str) -> str:
    """The address with a kind more or less; all of them, or none, is all."""
    left = [one for one in offered if (one in chosen) != (one == kind)]
    return base if len(left) in (0, len(offered)) else f"{base}?{urlencode({'kinds': ','.join(left)})}"


def _moment(text: str) -> TimeUs | None:
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        return None
    return min(int(text), BEFORE_MAX) or None
