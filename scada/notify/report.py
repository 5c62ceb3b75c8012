"""The figures of a timed report: alarms, sessions, energy, chargers, and who is on call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog

from scada.core.path import leaf
from scada.core.plant import Plant, Site
from scada.core.ports import Archive
from scada.core.value import SECOND_US, TimeUs, is_good
from scada.i18n import DEFAULT_LANGUAGE, LANGUAGES, Formats
from scada.notify.facts import ReadTag
from scada.runtime.board import AlarmBoard

DAY_US = 86_400 * SECOND_US
NAMES_MAX = 20
PRIORITIES = ("critical", "high", "medium", "low", "journal")

Duties = Callable[[TimeUs], Mapping[str, Sequence[str]]]
"""Moment → rota → names of who is on duty."""

log = structlog.get_logger()


class ReportFigures:
    """Gathers the figures of reports.

    Args:
        duties: who is on call.
    """

    def __init__(
        self, plant: Plant, board: AlarmBoard, archive: Archive, read: ReadTag, duties: Duties
    ) -> None:
        self._plant = plant
        self._board = board
        self._archive = archive
        self._read = read
        self._duties = duties

    async def gather(self, site: str, language: str, now_us: TimeUs) -> dict[str, Any]:
        """The figures of a site (empty: of all), up to now."""
        chosen = [one for one in self._plant.sites if not site or one.path == site]
        sites = [await self._site(one, language, now_us) for one in chosen]
        return {
            "sites": sites,
            "on_call": {rota: list(names) for rota, names in self._duties(now_us).items()},
            **{
                name: sum(one[name] for one in sites)
                for name in ("active", "unacknowledged", "online", "offline")
            },
        }

    async def _site(self, site: Site, language: str, now_us: TimeUs) -> dict[str, Any]:
        views = [view for view in self._board.views(site.path) if view.state.active]
        counted = Counter(view.priority for view in views)
        offline = [charger.path for charger in site.chargers if not self._online(charger.path)]
        energy, sessions = await self._day(site.path, now_us)
        formats = Formats(language if language in LANGUAGES else DEFAULT_LANGUAGE, "UTC")
        return {
            "label": self._plant.text(site.label, language) or site.path,
            "path": site.path,
            "active": len(views),
            "unacknowledged": sum(view.state.unacknowledged for view in views),
            "priorities": {name: counted[name] for name in PRIORITIES if counted[name]},
            "online": len(site.chargers) - len(offline),
            "offline": len(offline),
            "offline_names": [leaf(path) for path in offline[:NAMES_MAX]],
            "sessions": sessions,
            "energy": "" if energy is None else f"{formats.number(energy / 1000, 1)} kWh",
            "energy_wh": energy,
        }

    def _online(self, charger: str) -> bool:
        tag = self._read(f"{charger}.Online")
        return tag is not None and tag.value is True and is_good(tag.quality)

    async def _day(self, site: str, now_us: TimeUs) -> tuple[int | None, int | None]:
        """(energy in Wh, sessions) of the last 24 hours; None where history does not answer."""
        try:
            return await self._archive.energy_wh(site, now_us - DAY_US, now_us)
        except Exception as error:  # the report goes out, and says what it does not know
            log.warning("report_without_history", site=site, error=str(error))
            return None, None


SAMPLE: Mapping[str, Any] = {
    "sites": [
        {
            "label": "Depot",
            "path": "Depot",
            "active": 3,
            "unacknowledged": 1,
            "priorities": {"high": 1, "low": 2},
            "online": 9,
            "offline": 1,
            "offline_names": ["CP07"],
            "sessions": 42,
            "energy": "613.5 kWh",
            "energy_wh": 613_500,
        }
    ],
    "on_call": {"Day and night": ["Duty engineer"]},
    "active": 3,
    "unacknowledged": 1,
    "online": 9,
    "offline": 1,
    "not_attached": [],
}
"""For previews and checks of templates."""
