"""Names of contacts, teams and rotas → contacts, each once; how each is reached; when each wants quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from scada.alarming.oncall.rota import Roster
from scada.alarming.oncall.wall import local_day, window
from scada.core.plant import Contact, Plant
from scada.core.records import Channel
from scada.core.value import TimeUs

_DAY = timedelta(days=1)
_USUAL = (Channel.EMAIL, Channel.WEBHOOK, Channel.SMS)


class People:
    """Everybody who can be told something."""

    def __init__(self, plant: Plant) -> None:
        self.contacts: dict[str, Contact] = {contact.name: contact for contact in plant.contacts}
        self.rosters: dict[str, Roster] = {rota.name: Roster(rota) for rota in plant.rotas}
        self._teams = {team.name: team.contacts for team in plant.teams}

    def resolve(self, names: Iterable[str], now_us: TimeUs) -> list[Contact]:
        """The contacts that names mean at a moment, in order and each once; a name that there is not means nobody."""
        found: dict[str, Contact] = {}
        for name in names:
            roster = self.rosters.get(name)
            for one in roster.at(now_us).who if roster else (name,):
                for person in self._teams.get(one, (one,)):
                    if (contact := self.contacts.get(person)) is not None:
                        found[person] = contact
        return list(found.values())


def address(contact: Contact, channel: Channel) -> str:
    """Where a contact is reached over a channel, or empty."""
    match channel:
        case Channel.EMAIL:
            return contact.email
        case Channel.SMS:
            return contact.sms
        case Channel.WEBHOOK:
            return contact.webhook


def usual(contact: Contact) -> Sequence[Channel]:
    """The channel for what names none: the first that the contact has of e-mail, webhook and short message."""
    return [channel for channel in _USUAL if address(contact, channel)][:1]


def quiet_until(contact: Contact, time_us: TimeUs) -> TimeUs:
    """The end of the quiet hours that a moment lies in; the moment itself where it lies in none."""
    quiet = contact.quiet
    if quiet is None:
        return time_us
    zone = ZoneInfo(contact.timezone)
    today = local_day(time_us, zone)
    for day in (today - _DAY, today):
        begin_us, end_us = window(day, quiet.begin_min, quiet.end_min, zone)
        if begin_us <= time_us < end_us:
            return end_us
    return time_us
