"""Meters: link, power, currents, register, energy of the day, and the curve of the last hours."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from markupsafe import Markup

from scada.core.plant import Meter
from scada.core.ports import Point
from scada.core.value import SECOND_US, is_good
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.trend import drawing

EVERY_S = 30.0
CURVE_US = 4 * 3600 * SECOND_US
PIXELS = 600
CURVES_MAX = 24
"""Meters that are drawn; of more the curve is a click away."""
TRENDED = ("ActivePower", "CurrentL1", "CurrentL2", "CurrentL3")


async def build(visit: Visit) -> View:
    """The page. Query: `site`."""
    wanted = visit.query.get("site", "")
    meters = [one for one in visit.plant.meters() if wanted in ("", one.site)]
    live = visit.live()

    async def today(into: Live) -> Markup:
        return await _today(visit, meters, into)

    async def curves(_live: Live) -> Markup:
        return await _curves(visit, meters[:CURVES_MAX])

    table, drawn = await today(live), await curves(live)
    main = visit.render("meters.html", live, table=table, curves=drawn, meters=meters, wanted=wanted)
    return View(
        title=visit.tr("Meters"),
        main=main,
        live=live,
        sites=tuple(site.path for site in visit.plant.sites),
        nav="meters",
        fragments=[
            Fragment(slot="meters", render=today, every_s=EVERY_S, shown=str(table)),
            Fragment(slot="curves", render=curves, every_s=EVERY_S, shown=str(drawn)),
        ],
    )


async def _today(visit: Visit, meters: list[Meter], live: Live) -> Markup:
    host, archive = visit.services.host, visit.services.archive
    now_us = host.clock.now_us()
    energies: dict[str, str] = {}
    for site in visit.plant.sites:
        registers = [f"{one.path}.EnergyImport" for one in meters if one.site == site.path]
        if registers:
            formats = visit.formats(site)
            at_midnight = await archive.values_at(registers, formats.midnight_us(now_us))
            for path in registers:
                energy = _since(visit, path, at_midnight)
                energies[path] = "–" if energy is None else formats.number(energy, 1)
    return visit.render(
        "meters_table.html",
        live,
        meters=meters,
        energies=energies,
        trend_url=lambda one: _trend_url(visit, one),
    )


def _since(visit: Visit, path: str, at_midnight: Mapping[str, Point]) -> float | None:
    """What a register has counted since; None: one of the two readings is not there, or it was changed."""
    tag, before = visit.services.host.tags.get(path), at_midnight.get(path)
    if tag is None or before is None or not isinstance(tag.value, (int, float)):
        return None
    if not isinstance(before.value, (int, float)) or not is_good(before.quality):
        return None
    counted = tag.value - before.value
    return counted if counted >= 0 else None


def _trend_url(visit: Visit, meter: Meter) -> str:
    paths = [f"{meter.path}.{name}" for name in TRENDED]
    known = [path for path in paths if visit.services.host.tags.get(path) is not None]
    return "/trends?" + urlencode({"tags": ",".join(known)})


async def _curves(visit: Visit, meters: list[Meter]) -> Markup:
    now_us = visit.services.host.clock.now_us()
    drawn = []
    for one in meters:
        path = f"{one.path}.ActivePower"
        points = await visit.services.archive.curve(path, now_us - CURVE_US, now_us, PIXELS)
        formats = visit.formats(visit.site(one.site))
        empty = visit.tr("No power has been recorded in the last hours.")
        drawn.append((one, drawing(points, now_us - CURVE_US, now_us, formats, "kW", 1, empty)))
    return visit.render("meters_curves.html", visit.live(), drawn=drawn)
