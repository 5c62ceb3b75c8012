"""Test and maintenance of a charger: send any message, watch what passes, compose charging profiles."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from scada.core.access import Right
from scada.core.device_ports import DeviceConsole, FrameFilter, TracedFrame
from scada.core.errors import ScadaError
from scada.core.plant import Charger, Site
from scada.core.value import TimeUs
from scada.hmi.bench_deeds import PROFILE, profiles_schema
from scada.hmi.context import Crumb, Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.pages.charger import charger_crumbs
from scada.hmi.schema_form import form_of
from scada.i18n import marked

FRAMES = 100
TIME_MAX_US = 2**62
TRACE_EVERY_S = 0.5

_ = marked
TABS = (("", _("Message")), ("trace", _("Trace")), ("profile", _("Charging profiles")))


async def build(visit: Visit) -> View:
    """The page. Query: `tab`; `action`, `json` (message); `actions`, `sent`, `text`, `all`, `pause`, `from`, `to`, `cursor` (trace)."""
    charger = visit.plant.chargers_by_path.get(visit.path)
    site = visit.site(charger.site) if charger else None
    if charger is None or site is None:
        return errors.missing(visit, visit.tr("There is no charger {path}.").format(path=visit.path))
    console = visit.services.console
    if not visit.actor.may(Right.MAINTAIN):
        return errors.no_right(visit)
    if console is None:
        return errors.missing(visit, visit.tr("No driver of this system sends messages."))
    tab = visit.query.get("tab", "")
    live = visit.live()
    fragments: list[Fragment] = []
    if tab == "trace":
        inner = await _trace(visit, charger, site, console, live, fragments)
    elif tab == "profile":
        form = form_of(profiles_schema(console, charger.path))
        inner = visit.render("test_profile.html", live, charger=charger, form=form, action=PROFILE)
    else:
        tab, inner = "", _message(visit, charger, console, live)
    main = visit.render("test.html", live, site=site, charger=charger, tab=tab, tabs=TABS, inner=inner)
    return View(
        title=visit.tr("Test of {name}").format(name=charger.name),
        main=main,
        live=live,
        sites=(site.path,),
        site=site,
        nav="commissioning",
        crumbs=(*charger_crumbs(visit, site, charger), Crumb(visit.tr("Test"), f"/test/{charger.path}")),
        fragments=fragments,
    )


def _message(visit: Visit, charger: Charger, console: DeviceConsole, live: Live) -> Markup:
    actions = list(console.actions(charger.path))
    wanted = visit.query.get("action", "")
    action = wanted if wanted in actions else next(iter(actions), "")
    try:
        form = form_of(console.schema(charger.path, action)["request"])
    except ScadaError:
        form = None
    return visit.render(
        "test_message.html",
        live,
        charger=charger,
        actions=actions,
        action=action,
        form=form,
        as_json=bool(visit.query.get("json")),
    )


async def _trace(
    visit: Visit,
    charger: Charger,
    site: Site,
    console: DeviceConsole,
    live: Live,
    fragments: list[Fragment],
) -> Markup:
    query = visit.query
    where = FrameFilter(
        charger="" if query.get("all") else charger.path,
        actions=frozenset(one.strip() for one in query.get("actions", "").split(",") if one.strip()),
        sent={"us": True, "charger": False}.get(query.get("sent", "")),
        text=query.get("text", "")[:100],
    )
    formats = visit.formats(site)
    from_us, to_us = (formats.parse_local(query.get(name, "")) for name in ("from", "to"))
    if visit.services.message_log is not None and (from_us is not None or to_us is not None):
        return await _logged(visit, charger, site, where, (from_us or 0, to_us or TIME_MAX_US), live)

    async def render(into: Live) -> Markup:
        frames = [
            (one, formats.time(one.time_us, milliseconds=True))
            for one in reversed(console.frames(where, FRAMES))
        ]
        return visit.render("trace_table.html", into, frames=frames, logged=False, older="", away="")

    table = await render(live)
    paused = bool(query.get("pause"))
    if not paused:
        fragments.append(Fragment(slot="trace", render=render, every_s=TRACE_EVERY_S, shown=str(table)))
    kept: dict[str, Any] = {name: value for name, value in query.items() if name != "pause"}
    toggle = f"/test/{charger.path}?" + urlencode(kept if paused else {**kept, "pause": "1"})
    return visit.render("test_trace.html", live, charger=charger, table=table, paused=paused, toggle=toggle)


async def _logged(
    visit: Visit, charger: Charger, site: Site, where: FrameFilter, span: tuple[TimeUs, TimeUs], live: Live
) -> Markup:
    """Frames of the message log, newest first, by parts."""
    log, formats = visit.services.message_log, visit.formats(site)
    assert log is not None
    away, older = "", ""
    frames: list[tuple[TracedFrame, str]] = []
    try:
        page = await log.frames(where, *span, FRAMES, visit.query.get("cursor"))
    except ScadaError as error:
        away = str(error)
    else:
        frames = [
            (one, f"{formats.date(one.time_us)} {formats.time(one.time_us, milliseconds=True)}")
            for one in page.items
        ]
        if page.next:
            older = f"/test/{charger.path}?" + urlencode({**visit.query, "cursor": page.next})
    table = visit.render("trace_table.html", live, frames=frames, logged=True, older=older, away=away)
    return visit.render("test_trace.html", live, charger=charger, table=table, paused=False, toggle="")
