"""The faceplate of a connector: what it does and why, its values and curve, its alarms, who holds it, and what may be done.

The same panel stands beside the site overview and every view; `?connector=` opens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from scada.charging.reservations import LIVE
from scada.core.access import Right
from scada.core.plant import Charger, Connector, Current, Site
from scada.core.value import SECOND_US
from scada.hmi import alarms, words
from scada.hmi.context import Fragment, Selection, Visit
from scada.hmi.live import Live
from scada.hmi.stop_conditions import stop_conditions
from scada.hmi.trend import sparkline
from scada.hmi.why import USED, why
from scada.runtime.board import AlarmView

TREND_EVERY_S = 10.0
TREND_SPAN_US = 3600 * SECOND_US
TREND_PIXELS = 260
HOLDERS_EVERY_S = 5.0
ALARMS_MAX = 6
"""So many are listed, the worst first; the list of alarms has the rest."""
RESERVATIONS_MAX = 3
PAUSE_S = 0.5


def title_of(charger: Charger, connector: Connector) -> str:
    """What operators call a connector. A charger with one connector goes by its own name."""
    return charger.name if len(charger.connectors) == 1 else f"{charger.name} · C{connector.number}"


def kind_of(visit: Visit, connector: Connector) -> str:
    """Current and power, as on the card's corner: `AC 22`."""
    return f"{connector.current.value} {visit.quantity(connector.power_max_kw)}"


def why_line(visit: Visit, site: Site, charger: Charger, connector: Connector) -> Markup:
    """The one sentence, as HTML."""
    said = why(visit.services.host.tags, charger, connector, visit.tr, visit.formats(site))
    return Markup("<b>{}</b> {}").format(said.headline, said.detail)


async def faceplate(visit: Visit, path: str, live: Live, sites: Sequence[str]) -> Selection:
    """The panel of a connector of one of these sites; the legend when it is none."""
    found = visit.plant.connectors_by_path.get(path)
    site = visit.site(found[0].site) if found else None
    if found is None or site is None or site.path not in sites:
        return Selection(main=visit.render("legend.html", live), fragments=[])
    return await _Faceplate(visit, site, *found).build(live)


@dataclass(frozen=True, slots=True)
class _Faceplate:
    visit: Visit
    site: Site
    charger: Charger
    connector: Connector

    async def build(self, live: Live) -> Selection:
        visit, charger, connector = self.visit, self.charger, self.connector
        watching = visit.live()
        watching.attributes("", f"{charger.path}.Online", *(f"{connector.path}.{name}" for name in USED))
        stop = stop_conditions(visit, self.site, connector)
        fragments = [
            Fragment(slot="panel-why", render=self._why, tags=frozenset(watching.used)),
            Fragment(slot="panel-alarms", render=self._alarms, alarms=True, pause_s=PAUSE_S),
            Fragment(slot="panel-trend", render=self._trend, every_s=TREND_EVERY_S),
            Fragment(slot="panel-holders", render=self._holders, every_s=HOLDERS_EVERY_S),
            stop,
        ]
        parts = {}
        for fragment in fragments:
            html = await fragment.render(live)
            fragment.shown = str(html)
            parts[fragment.slot] = html
        main = visit.render(
            "panel.html",
            live,
            site=self.site,
            charger=charger,
            connector=connector,
            title=title_of(charger, connector),
            parts=parts,
            stop=parts[stop.slot],
            direct=connector.current is Current.DC,
            phases=[f"L{n}" for n in (1, 2, 3)][: connector.phases],
        )
        return Selection(main=main, fragments=fragments)

    async def _why(self, _live: Live) -> Markup:
        return why_line(self.visit, self.site, self.charger, self.connector)

    async def _alarms(self, live: Live) -> Markup:
        visit, board = self.visit, self.visit.services.host.board
        here = (self.charger.path, self.connector.path)
        found = [view for view in board.views(role=visit.actor.scope) if view.device in here]
        found.sort(key=lambda view: (-view.level, not view.state.unacknowledged, -view.raised_us))
        return visit.render(
            "panel_alarms.html",
            live,
            rows=[self._alarm(view) for view in found[:ALARMS_MAX]],
            more=max(0, len(found) - ALARMS_MAX),
            connector=self.connector,
        )

    def _alarm(self, view: AlarmView) -> dict[str, object]:
        visit = self.visit
        row = alarms.row(visit.plant, view, visit.language)
        may = alarms.may(visit.actor, Right.ACKNOWLEDGE, view.definition, view.site, view.domain)
        return {
            **row,
            "may_ack": may and view.state.unacknowledged,
            "state_text": visit.tr(words.ALARM_STATES[row["state"]]),
            "since": visit.formats(self.site).date_hour(view.raised_us),
            "page": alarms.alarm_url(view.path),
        }

    async def _trend(self, _live: Live) -> Markup:
        visit = self.visit
        path = f"{self.connector.path}.ActivePower"
        now_us = visit.services.host.clock.now_us()
        points = await visit.services.archive.curve(path, now_us - TREND_SPAN_US, now_us, TREND_PIXELS)
        return sparkline(
            points,
            now_us - TREND_SPAN_US,
            now_us,
            visit.formats(self.site),
            "kW",
            visit.tr("No power has been recorded in the last hour."),
        )

    async def _holders(self, live: Live) -> Markup:
        """Who has the connector, or will have it."""
        everything = self.visit.services.host.core.charging.reservations.all()
        mine = [
            one
            for one in everything
            if one.state in LIVE
            and (
                one.connector == self.connector.path
                or (one.any and not one.connector and one.site == self.site.path)
            )
        ]
        mine.sort(key=lambda one: one.from_us)
        return self.visit.render(
            "panel_holders.html",
            live,
            rows=mine[:RESERVATIONS_MAX],
            more=max(0, len(mine) - RESERVATIONS_MAX),
            formats=self.visit.formats(self.site),
            connector=self.connector,
        )
