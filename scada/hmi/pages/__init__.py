"""The pages, by their route. Each builds a View from a Visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from scada.hmi.context import View, Visit
from scada.hmi.pages import (
    alarm,
    alarms,
    charger,
    errors,
    figures,
    journal,
    mails,
    oncall,
    overview,
    reports,
    search,
    session,
    sessions,
    suppressed,
    tag,
    tags,
    trends,
)

PAGES: Mapping[str, Callable[[Visit], Awaitable[View]]] = {
    "/site/{path}": overview.build,
    "/charger/{path}": charger.build,
    "/alarms": alarms.build,
    "/alarms/suppressed": suppressed.build,
    "/alarms/journal": journal.build,
    "/alarms/figures": figures.build,
    "/alarm/{path}": alarm.build,
    "/oncall": oncall.build,
    "/sessions": sessions.build,
    "/session/{path}": session.build,
    "/mails": mails.build,
    "/tags": tags.build,
    "/tag/{path}": tag.build,
    "/trends": trends.build,
    "/reports": reports.build,
    "/search": search.build,
    "/{path:path}": errors.build,
}
"""The last one takes what no other route takes."""
