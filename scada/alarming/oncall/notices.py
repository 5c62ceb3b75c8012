"""Messages about what devices do: who is told of an event."""

from __future__ import annotations

from scada.alarming.oncall.facts import encode
from scada.alarming.oncall.people import People, usual
from scada.alarming.oncall.post import Post, mark
from scada.core.effects import Event
from scada.core.plant import Contact, EventNotice, Plant
from scada.core.records import OutboxRecord
from scada.core.value import SECOND_US, TimeUs

WINDOW_US = 5 * SECOND_US
"""How long a message about an event waits for others to the same reader."""


class Notices:
    """All notices of a plant. An event that nobody wants costs one look."""

    def __init__(self, plant: Plant, people: People, post: Post) -> None:
        self._people = people
        self._post = post
        self._sites = sorted((site.path for site in plant.sites), key=len, reverse=True)
        self._of_kind: dict[str, list[EventNotice]] = {}
        for notice in plant.notices:
            self._of_kind.setdefault(notice.event, []).append(notice)

    def messages(self, event: Event, now_us: TimeUs) -> list[OutboxRecord]:
        """One a contact, however many notices name it; the first of them decides the template."""
        notices = self._of_kind.get(event.kind)
        if not notices:
            return []
        site = self._site_of(event.path)
        told: dict[str, tuple[Contact, EventNotice]] = {}
        for notice in notices:
            if not notice.sites or site in notice.sites:
                for contact in self._people.resolve(notice.to, now_us):
                    told.setdefault(contact.name, (contact, notice))
        if not told:
            return []
        name = f"event.{mark(event.kind, event.path)}.{self._post.unique(now_us)}"
        facts = {
            "kind": event.kind,
            "path": event.path,
            "site": site,
            "time_us": now_us,
            "data": event.data,
        }
        return [
            self._post.other(
                contact,
                channel,
                name=name,
                template=notice.template,
                snapshot=encode({**facts, "notice": notice.name}),
                profile=notice.name,
                window_us=WINDOW_US,
                now_us=now_us,
            )
            for contact, notice in told.values()
            for channel in usual(contact)
        ]

    def _site_of(self, path: str) -> str:
        return next((site for site in self._sites if path == site or path.startswith(f"{site}.")), "")
