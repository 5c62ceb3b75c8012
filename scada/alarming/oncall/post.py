"""Outbox records: Message-IDs and conversations, and the earliest time of sending.

A Message-ID is made of what is told and to whom, so that a decision that is taken again after a crash makes the same
message: the outbox takes each id once. All messages about one occurrence of an alarm to one reader are one
conversation, whose head is the mail of its being raised.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from scada.alarming.oncall.people import address, quiet_until
from scada.core.plant import Contact, Plant
from scada.core.records import AlarmEvent, AlarmTransition, Channel, OutboxRecord
from scada.core.value import TimeUs

MAIL_PATH = "System.MailOk"
"""The alarm on the way out for mail. It is never mailed: while it stands no mail arrives, and a mail that brings
word of it afterwards only adds to what the server has to take. Webhooks may bring it."""


class Post:
    """Makes outbox records.

    Args:
        sender_domain: right side of the Message-IDs.
        start_us: of this run; messages wait a while for others after it.
    """

    def __init__(self, plant: Plant, sender_domain: str, start_us: TimeUs) -> None:
        self._domain = sender_domain
        self._calm_us = start_us + plant.oncall.restart_window_us
        self._critical = frozenset(level.number for level in plant.levels if level.priority == "critical")
        self._unique_us: TimeUs = 0
        self._heads: dict[
            str, tuple[TimeUs, int]
        ] = {}  # of each alarm: its last occurrence, the row that began it

    def alarm(
        self,
        contact: Contact,
        channel: Channel,
        fact: AlarmTransition,
        *,
        name: str,
        template: str,
        snapshot: str,
        profile: str,
        window_us: TimeUs,
        now_us: TimeUs,
        raised_us: TimeUs | None = None,
    ) -> OutboxRecord:
        """A message about an alarm.

        Args:
            fact: the newest transition of the alarm.
            name: what tells this message from others about the same occurrence; empty: the transition does.
            raised_us: of the occurrence whose conversation it goes on with; None: that of `fact`.
        """
        occurrence = f"{fact.alarm}.{raised_us or fact.raised_us}.{_mark_of(contact, channel)}"
        head = self._id(f"{occurrence}.raised")
        first = not name and self._is_head(fact)
        message_id = (
            head if first else self._id(f"{occurrence}.{name or f'{fact.event.value}.{fact.sequence}'}")
        )
        return self._record(
            contact,
            channel,
            message_id,
            "" if first else head,
            template,
            snapshot,
            cause=fact.sequence,
            profile=profile,
            level=fact.level,
            urgent=fact.level in self._critical,
            window_us=window_us,
            now_us=now_us,
        )

    def other(
        self,
        contact: Contact,
        channel: Channel,
        *,
        name: str,
        template: str,
        snapshot: str,
        profile: str = "",
        urgent: bool = False,
        window_us: TimeUs = 0,
        now_us: TimeUs,
    ) -> OutboxRecord:
        """A message about something else, a conversation of its own. `name` is what tells it from all others."""
        message_id = self._id(f"{name}.{_mark_of(contact, channel)}")
        return self._record(
            contact,
            channel,
            message_id,
            "",
            template,
            snapshot,
            cause=0,
            profile=profile,
            level=0,
            urgent=urgent,
            window_us=window_us,
            now_us=now_us,
        )

    def remember(self, fact: AlarmTransition) -> None:
        """An occurrence of an earlier run: its conversation has begun."""
        self._heads[fact.alarm] = (fact.raised_us, 0)

    def _is_head(self, fact: AlarmTransition) -> bool:
        """Whether a message about this transition is the first of its conversation."""
        if fact.event is not AlarmEvent.RAISED or fact.time_us != fact.raised_us:
            return False
        # An alarm may go and come again within one batch of values, at one moment.
        known = self._heads.get(fact.alarm)
        if known is not None and known[0] == fact.raised_us:
            return known[1] == fact.sequence
        self._heads[fact.alarm] = (fact.raised_us, fact.sequence)
        return True

    def unique(self, now_us: TimeUs) -> TimeUs:
        """A moment that no other message of this run was named after."""
        self._unique_us = max(now_us, self._unique_us + 1)
        return self._unique_us

    def _record(
        self,
        contact: Contact,
        channel: Channel,
        message_id: str,
        thread_id: str,
        template: str,
        snapshot: str,
        *,
        cause: int,
        profile: str,
        level: int,
        urgent: bool,
        window_us: TimeUs,
        now_us: TimeUs,
    ) -> OutboxRecord:
        earliest_us = max(now_us + window_us, self._calm_us)
        if not urgent and contact.quiet is not None and level < contact.quiet.below_level:
            earliest_us = quiet_until(contact, earliest_us)
        return OutboxRecord(
            message_id=message_id,
            thread_id=thread_id,
            created_us=now_us,
            contact=contact.name,
            recipient=address(contact, channel),
            language=contact.language,
            template=template,
            cause=cause,
            snapshot=snapshot,
            channel=channel,
            profile=profile,
            not_before_us=earliest_us if earliest_us > now_us else 0,
            level=level,
            urgent=urgent,
        )

    def _id(self, left: str) -> str:
        return f"<{left}@{self._domain}>"


def reachable(alarm: str, contact: Contact, channels: Iterable[Channel]) -> Iterator[Channel]:
    """The channels over which a contact can be told of an alarm."""
    for channel in dict.fromkeys(channels):
        if address(contact, channel) and (alarm != MAIL_PATH or channel is Channel.WEBHOOK):
            yield channel


def mark(*words: str) -> str:
    """What tells words from all others in a Message-ID, in ASCII and the same after a restart."""
    # Of a name alone, ASCII would leave nothing: two people in other letters would be one, and one not be told.
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def _mark_of(contact: Contact, channel: Channel) -> str:
    whole = mark(contact.name, contact.email)
    return whole if channel is Channel.EMAIL else f"{whole}.{channel.value}"
