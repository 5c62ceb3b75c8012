"""The pages, by their route. Each builds a View from a Visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from scada.hmi.context import View, Visit
from scada.hmi.pages import alarms, charger, errors, mails, overview, search, sessions, tags

PAGES: Mapping[str, Callable[[Visit], Awaitable[View]]] = {
    "/site/{path}": overview.build,
    "/charger/{path}": charger.build,
    "/alarms": alarms.build,
    "/sessions": sessions.build,
    "/mails": mails.build,
    "/tags": tags.build,
    "/search": search.build,
    "/{path:path}": errors.build,
}
"""The last one takes what no other route takes."""
