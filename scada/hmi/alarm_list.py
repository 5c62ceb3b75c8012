"""The alarm list of one page: which alarms fit its filter, their first rows, and groups when they are many.

Rows are bounded, counts are not: a flood of 10,000 is a table of kinds with the newest rows below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scada.core.access import Actor, Right
from scada.core.plant import Plant
from scada.core.value import TimeUs
from scada.hmi import alarms
from scada.runtime.board import AlarmView
from scada.runtime.host import PlantHost

ROWS_MAX = 200
"""Rows sent to a browser; the counts tell the whole number."""
GROUPS_MAX = 50
GROUP_ABOVE = 100
"""With more alarms than this the list groups them by itself, newest first."""
TEXTS_MAX = 100_000
"""Texts of alarms kept for searching: as many as there are alarms, and no more than this."""

GROUPINGS = ("", "none", "kind", "place")
ORDERS = ("", "pressing", "newest")
STATES: Mapping[str, Callable[[AlarmView], bool]] = {
    "unack": lambda view: view.state.unacknowledged,
    "active": lambda view: view.state.active,
    "ack": lambda view: view.state.active and not view.state.unacknowledged,
    "returned": lambda view: not view.state.active,
    "latched": lambda view: view.state.latched,
}
"""Choices of the filter by state."""

Json = dict[str, Any]

_texts: dict[tuple[str, str], str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFilter:
    """Which alarms a page lists, and how; empty means any.

    Attributes:
        prio: priority number as text.
        branch: alarms at this path or below it.
        kind: name of the catalogue, or path where an alarm has none.
        text: words, all of which are found in place, text or path.
        group: `none`, `kind`, `place`; empty: by kind when they are many.
        order: `pressing` (unacknowledged, level, newest), `newest`; empty: pressing, of many the newest.
    """

    site: str = ""
    prio: str = ""
    state: str = ""
    domain: str = ""
    branch: str = ""
    kind: str = ""
    text: str = ""
    group: str = ""
    order: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> AlarmFilter:
        """The filter of an address; what it cannot be is left out."""
        state, group, order = (query.get(name, "") for name in ("state", "group", "order"))
        return cls(
            site=query.get("site", "")[:256],
            prio=query.get("prio", "")[:1],
            state=state if state in STATES else "",
            domain=query.get("domain", "")[:100],
            branch=query.get("branch", "")[:256],
            kind=query.get("kind", "")[:256],
            text=query.get("text", "")[:100],
            group=group if group in GROUPINGS else "",
            order=order if order in ORDERS else "",
        )

    @property
    def narrows(self) -> bool:
        """Whether it leaves something out."""
        return any((self.site, self.prio, self.state, self.domain, self.branch, self.kind, self.text))

    def choose(self, views: Iterable[AlarmView], plant: Plant, language: str) -> list[AlarmView]:
        """The alarms that fit, in the same order."""
        below = self.branch + "."
        state = STATES.get(self.state)
        wanted = self.text.casefold().split()
        return [
            view
            for view in views
            if (not self.site or view.site == self.site)
            and (not self.prio or str(alarms.priority_number(view.priority)) == self.prio)
            and (state is None or state(view))
            and (not self.domain or view.domain == self.domain)
            and (not self.branch or view.path == self.branch or view.path.startswith(below))
            and (not self.kind or kind_of(view) == self.kind)
            and (not wanted or all(word in _text(plant, view.path, language) for word in wanted))
        ]


def kind_of(view: AlarmView) -> str:
    """What makes alarms of one kind: the entry of the catalogue."""
    return view.definition.name or view.path


def listed(host: PlantHost, language: str, actor: Actor, where: AlarmFilter) -> Json:
    """What the page shows: `rows`, `groups`, and how many there are, fit and may be acknowledged."""
    plant, board = host.plant, host.board
    views = board.views(role=actor.scope)
    fitting = where.choose(views, plant, language)
    many = len(fitting) > GROUP_ABOVE
    shown = fitting
    if where.order == "newest" or (many and not where.order):
        shown = sorted(fitting, key=lambda view: -view.raised_us)
    rows = []
    for view in shown[:ROWS_MAX]:
        one = alarms.row(plant, view, language, first=board.is_first_out(view))
        one["may_ack"] = view.state.unacknowledged and _may_acknowledge(actor, view)
        one["may_mask"] = alarms.may(actor, Right.MASK, view.definition, view.site, view.domain)
        rows.append(one)
    grouping = where.group or ("kind" if many else "none")
    return {
        "rows": rows,
        "groups": _groups(plant, fitting, grouping, language, actor) if grouping != "none" else [],
        "total": len(views),
        "fits": len(fitting),
        "waiting": sum(view.state.unacknowledged and _may_acknowledge(actor, view) for view in fitting),
        "now": host.clock.now_us() // 1000,
    }


def waiting(
    host: PlantHost, language: str, actor: Actor, where: AlarmFilter, before_us: TimeUs
) -> Sequence[str]:
    """Paths of what fits, waits for acknowledgement, may be acknowledged by the actor, and had come by a moment."""
    fitting = where.choose(host.board.views(role=actor.scope), host.plant, language)
    return [
        view.path
        for view in fitting
        if view.state.unacknowledged and view.raised_us <= before_us and _may_acknowledge(actor, view)
    ]


def _may_acknowledge(actor: Actor, view: AlarmView) -> bool:
    return alarms.may(actor, Right.ACKNOWLEDGE, view.definition, view.site, view.domain)


def _groups(
    plant: Plant, views: Iterable[AlarmView], grouping: str, language: str, actor: Actor
) -> list[Json]:
    """The groups, that with the highest level first; of more than `GROUPS_MAX` the last says how many are left."""
    members: dict[str, list[AlarmView]] = {}
    for view in views:
        key = kind_of(view) if grouping == "kind" else view.device
        members.setdefault(key, []).append(view)

    def rank(item: tuple[str, list[AlarmView]]) -> tuple[int, int]:
        return (-max(view.level for view in item[1]), -len(item[1]))

    found = []
    for key, some in sorted(members.items(), key=rank)[:GROUPS_MAX]:
        worst = max(some, key=lambda view: (view.level, view.state.unacknowledged))
        name = (
            alarms.alarm_text(plant, some[0].path, language)
            if grouping == "kind"
            else alarms.branch_name(plant, key, language)
        )
        found.append(
            {
                "by": "kind" if grouping == "kind" else "branch",
                "key": key,
                "name": name,
                "prio": alarms.priority_number(worst.priority),
                "level": worst.level,
                "state": alarms.STATES[worst.state],
                "count": len(some),
                "unack": sum(view.state.unacknowledged for view in some),
                "may_ack": sum(view.state.unacknowledged and _may_acknowledge(actor, view) for view in some),
                "newest": max(view.raised_us for view in some) // 1000,
            }
        )
    return found


def _text(plant: Plant, path: str, language: str) -> str:
    """What is searched of an alarm: it never changes, so it is made once."""
    known = _texts.get((path, language))
    if known is None:
        place, words = alarms.device_name(plant, path, language), alarms.alarm_text(plant, path, language)
        known = f"{path} {place} {words}".casefold()
        if len(_texts) < TEXTS_MAX:
            _texts[path, language] = known
    return known
