"""The top bar: the pages by function, in groups that open like menus.

A new page has its line here; what the user may not see is not offered. `View.nav` is the key of a page's entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scada.core.access import Actor, Right
from scada.i18n import marked

_ = marked


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the top bar; `right`: that its visitors need."""

    key: str
    url: str
    name: str
    right: Right = Right.SEE


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that open under one word."""

    key: str
    name: str
    entries: tuple[Entry, ...]


NAVIGATION: tuple[Entry | Group, ...] = (
    Entry("overview", "/", _("Overview")),
    Group(
        "operation",
        _("Operation"),
        (
            Entry("alarms", "/alarms", _("Alarms")),
            Entry("not_normal", "/not-normal", _("Not normal now")),
            Entry("tickets", "/tickets", _("Fault tickets")),
            Entry("shift", "/shift", _("Shift log")),
            Entry("oncall", "/oncall", _("On-call")),
        ),
    ),
    Group(
        "charging",
        _("Sessions"),
        (
            Entry("sessions", "/sessions", _("Sessions")),
            Entry("tokens", "/tokens", _("Tokens and vehicles")),
            Entry("reservations", "/reservations", _("Reservations")),
        ),
    ),
    Entry("trends", "/trends", _("Trends")),
    Entry("reports", "/reports", _("Reports")),
    Group(
        "maintenance",
        _("Maintenance"),
        (
            Entry("commissioning", "/commissioning", _("Commissioning")),
            Entry("pending", "/pending", _("Pending chargers"), Right.CONFIGURE),
            Entry("keys", "/keys", _("Configuration keys"), Right.MAINTAIN),
            Entry("campaigns", "/campaigns", _("Campaigns")),
            Entry("files", "/files", _("Firmware and files"), Right.MAINTAIN),
            Entry("lists", "/local-lists", _("Local lists")),
        ),
    ),
    Group(
        "system",
        _("System"),
        (
            Entry("health", "/system", _("System health")),
            Entry("tags", "/tags", _("Tags")),
            Entry("meters", "/meters", _("Meters")),
            Entry("mails", "/mails", _("Mails")),
            Entry("users", "/users", _("Users"), Right.MANAGE_USERS),
            Entry("audit", "/audit", _("Audit trail"), Right.MANAGE_USERS),
        ),
    ),
)


def menu(actor: Actor) -> list[Entry | Group]:
    """What a user is offered; a group of one page is that page, an empty one is not there."""
    offered: list[Entry | Group] = []
    for item in NAVIGATION:
        if isinstance(item, Entry):
            if actor.may(item.right):
                offered.append(item)
            continue
        entries = tuple(entry for entry in item.entries if actor.may(entry.right))
        if len(entries) > 1:
            offered.append(Group(item.key, item.name, entries))
        else:
            offered.extend(entries)
    return offered


def place(nav: str) -> tuple[Group | None, Entry] | None:
    """The entry of a page and its group; None: no entry has this key."""
    return next(((group, entry) for group, entry in _entries() if entry.key == nav), None)


def entries_of(group: str, actor: Actor) -> tuple[Entry, ...]:
    """The pages of a group that a user is offered: the tabs of each of them."""
    return tuple(
        entry for known, entry in _entries() if known and known.key == group and actor.may(entry.right)
    )


def _entries() -> Iterator[tuple[Group | None, Entry]]:
    for item in NAVIGATION:
        if isinstance(item, Entry):
            yield None, item
        else:
            yield from ((item, entry) for entry in item.entries)
