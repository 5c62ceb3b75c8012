"""The pages, by their route. Each builds a View from a Visit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from scada.hmi.context import View, Visit
from scada.hmi.pages import (
    alarm,
    alarms,
    campaigns,
    charger,
    commissioning,
    errors,
    figures,
    files,
    journal,
    keys,
    local_lists,
    mails,
    oncall,
    overview,
    pending,
    reports,
    reservations,
    search,
    session,
    sessions,
    suppressed,
    tag,
    tags,
    test,
    tokens,
    trends,
    users,
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
    "/test/{path}": test.build,
    "/commissioning": commissioning.build,
    "/pending": pending.build,
    "/keys": keys.build,
    "/campaigns": campaigns.build,
    "/campaigns/{path}": campaigns.one,
    "/files": files.build,
    "/tokens": tokens.build,
    "/reservations": reservations.build,
    "/local-lists": local_lists.build,
    "/session/{path}": session.build,
    "/mails": mails.build,
    "/tags": tags.build,
    "/tag/{path}": tag.build,
    "/trends": trends.build,
    "/reports": reports.build,
    "/search": search.build,
    "/users": users.build,
    "/account": users.own,
    "/{path:path}": errors.build,
}
"""The last one takes what no other route takes."""
