"""Who is mailed about an alarm. Pure: returns outbox records, which are journalled with their cause."""

from __future__ import annotations

import hashlib
import json

from scada.core.plant import Contact, OnCallProfile, Plant
from scada.core.records import AlarmTransition, OutboxRecord

MAIL_PATH = "System.MailOk"
"""The alarm on the way out for mail. It is never mailed: while it stands no mail arrives, and a mail that brings
word of it afterwards only adds to what the server has to take."""


class OnCall:
    """Selects contacts by profile.

    Args:
        sender_domain: right side of the Message-IDs.
    """

    def __init__(self, plant: Plant, sender_domain: str) -> None:
        self._plant = plant
        self._contacts: dict[str, Contact] = {contact.name: contact for contact in plant.contacts}
        self._domain = sender_domain

    def mails(self, transition: AlarmTransition) -> list[OutboxRecord]:
        """The mails that a transition causes: one a contact, however many profiles name them."""
        if transition.alarm == MAIL_PATH:
            return []
        names: dict[str, None] = {}
        for profile in self._plant.profiles:
            if _selects(profile, transition):
                names.update(dict.fromkeys(profile.contacts))
        return [self._mail(self._contacts[name], transition) for name in names]

    def _mail(self, contact: Contact, transition: AlarmTransition) -> OutboxRecord:
        # The occurrence names the conversation; its first mail is the thread's head.
        occurrence = f"{transition.alarm}.{transition.raised_us}.{_mark(contact)}"
        head = f"<{occurrence}.raised@{self._domain}>"
        message_id = f"<{occurrence}.{transition.event.value}.{transition.sequence}@{self._domain}>"
        first = transition.event.value == "raised" and transition.time_us == transition.raised_us
        return OutboxRecord(
            message_id=head if first else message_id,
            thread_id="" if first else head,
            created_us=transition.time_us,
            contact=contact.name,
            recipient=contact.email,
            language=contact.language,
            template="alarm",
            cause=transition.sequence,
            snapshot=snapshot(transition),
        )


def _selects(profile: OnCallProfile, transition: AlarmTransition) -> bool:
    low, high = profile.levels
    return (
        low <= transition.level <= high
        and transition.event.value in profile.states
        and (not profile.sites or transition.site in profile.sites)
    )


def _mark(contact: Contact) -> str:
    """What tells a contact from all others in a Message-ID, in ASCII and the same after a restart."""
    # Of the name alone, ASCII would leave nothing: two people in other letters would be one, and one not be mailed.
    whole = json.dumps([contact.name, contact.email]).encode()
    return hashlib.sha256(whole).hexdigest()[:16]


def snapshot(transition: AlarmTransition) -> str:
    """A transition as JSON."""
    return json.dumps(
        {
            "sequence": transition.sequence,
            "time_us": transition.time_us,
            "alarm": transition.alarm,
            "site": transition.site,
            "level": transition.level,
            "event": transition.event.value,
            "state": transition.state.value,
            "raised_us": transition.raised_us,
            "value": transition.value,
            "user": transition.user,
            "comment": transition.comment,
        },
        ensure_ascii=False,
    )
