"""Fault tickets: what is being done about a fault, by whom, under which case number of the vendor; told in notes.

Documents, on disk before the answer; every change is in the audit trail too.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from scada.core.access import Actor, Right, Role
from scada.core.errors import BadRequest, NotFound
from scada.core.records import AuditRecord
from scada.core.value import TimeUs
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note

TICKETS_MAX = 10_000
"""At it the ticket that was closed first is forgotten (the audit keeps it); if all are open, a new one is refused."""
NOTES_MAX = 200
TITLE_MAX = 200
TEXT_MAX = 2_000
WORD_MAX = 100


class TicketNote(msgspec.Struct, frozen=True):
    """What somebody wrote."""

    time_us: TimeUs
    user: str
    text: str


class Ticket(msgspec.Struct, frozen=True):
    """A ticket.

    Attributes:
        branch: path of the device or site that it is about.
        alarm: path of the alarm that it was opened on, or empty.
        case_number: of the vendor.
        closed_us: 0: it is open.
    """

    id: int
    title: str
    branch: str
    alarm: str
    opened_us: TimeUs
    opened_by: str
    assignee: str = ""
    case_number: str = ""
    closed_us: TimeUs = 0
    closed_by: str = ""
    notes: tuple[TicketNote, ...] = ()


class Tickets:
    """All tickets of a plant."""

    def __init__(self, host: PlantHost, documents: Documents) -> None:
        self._host = host
        self._drawer = documents.drawer("ticket", Ticket)
        self._next = 1 + max((one.id for _, one in self._drawer), default=0)

    def all(
        self, role: Role, *, branch: str = "", alarm: str = "", is_open: bool | None = None
    ) -> list[Ticket]:
        """Those that a role reaches, newest first."""
        return sorted(
            (
                one
                for _, one in self._drawer
                if self._reached(one, role)
                and f"{one.branch}.".startswith(f"{branch}." if branch else "")
                and alarm in ("", one.alarm)
                and is_open in (None, not one.closed_us)
            ),
            key=lambda one: -one.id,
        )

    def get(self, number: int, role: Role) -> Ticket:
        """One of them. Raises NotFound."""
        found = self._drawer.get(str(number))
        if found is None or not self._reached(found, role):
            raise NotFound(f"there is no ticket {number}")
        return found

    async def open(
        self,
        title: str,
        branch: str,
        actor: Actor,
        *,
        alarm: str = "",
        assignee: str = "",
        case_number: str = "",
        note: str = "",
    ) -> Ticket:
        """Open a ticket; on an alarm its device is the branch, where none is given.

        Raises:
            BadRequest: without a title, for no branch of the plant, or too long.
            Denied: without the right to acknowledge.
        """
        actor.require(Right.ACKNOWLEDGE)
        plant = self._host.plant
        if alarm and self._host.core.alarms.get(alarm) is None:
            raise NotFound(f"there is no alarm {alarm}")
        branch = branch or (plant.place_of(alarm) if alarm else "")
        if branch and not self._known(branch):
            raise BadRequest(f"there is no site, charger, connector or meter {branch}")
        ticket = Ticket(
            id=self._next,
            title=_text(title, TITLE_MAX, needed=True),
            branch=branch,
            alarm=alarm,
            opened_us=self._host.clock.now_us(),
            opened_by=actor.name,
            assignee=_text(assignee, WORD_MAX),
            case_number=_text(case_number, WORD_MAX),
            notes=self._notes((), note, actor),
        )
        if not self._reached(ticket, actor.scope):
            raise NotFound(f"there is no site, charger, connector or meter {branch}")
        await self._make_room()
        self._next += 1
        await self._keep(ticket, "ticket_opened", ticket.title, actor)
        return ticket

    async def change(
        self,
        number: int,
        actor: Actor,
        *,
        assignee: str | None = None,
        case_number: str | None = None,
        note: str = "",
        closed: bool | None = None,
    ) -> Ticket:
        """Change a ticket, write a note, close it or open it again; None leaves as it is. Raises like `open`."""
        actor.require(Right.ACKNOWLEDGE)
        ticket = self.get(number, actor.scope)
        changes: dict[str, object] = {"notes": self._notes(ticket.notes, note, actor)}
        told = [note] if note.strip() else []
        for name, value in (("assignee", assignee), ("case_number", case_number)):
            if value is not None and (text := _text(value, WORD_MAX)) != getattr(ticket, name):
                changes[name] = text
                told.append(f"{name}={text}")
        action = "ticket_changed"
        if closed is not None and closed != bool(ticket.closed_us):
            action = "ticket_closed" if closed else "ticket_reopened"
            changes["closed_us"] = self._host.clock.now_us() if closed else 0
            changes["closed_by"] = actor.name if closed else ""
        elif not told:
            raise BadRequest("nothing is changed")
        changed = msgspec.structs.replace(ticket, **changes)
        await self._keep(changed, action, "; ".join(told), actor)
        return changed

    async def _keep(self, ticket: Ticket, action: str, new: str, actor: Actor) -> None:
        record = AuditRecord(
            time_us=self._host.clock.now_us(),
            user=actor.name,
            origin=actor.origin,
            action=action,
            object=f"ticket {ticket.id}",
            new=new,
        )
        await self._host.request(Note((record,)))
        await self._drawer.put(str(ticket.id), ticket)

    async def _make_room(self) -> None:
        if len(self._drawer) < TICKETS_MAX:
            return
        closed = [one for _, one in self._drawer if one.closed_us]
        if not closed:
            raise BadRequest(f"there are {TICKETS_MAX} open tickets: close some first")
        await self._drawer.remove(str(min(closed, key=lambda one: one.closed_us).id))

    def _notes(self, notes: Sequence[TicketNote], text: str, actor: Actor) -> tuple[TicketNote, ...]:
        text = _text(text, TEXT_MAX)
        if not text:
            return tuple(notes)
        if len(notes) >= NOTES_MAX:
            raise BadRequest(f"a ticket has at most {NOTES_MAX} notes: open another one")
        return (*notes, TicketNote(self._host.clock.now_us(), actor.name, text))

    def _known(self, branch: str) -> bool:
        plant = self._host.plant
        return (
            branch in plant.chargers_by_path
            or branch in plant.connectors_by_path
            or branch in {one.path for one in plant.sites}
            or branch in {one.path for one in plant.meters()}
        )

    def _reached(self, ticket: Ticket, role: Role) -> bool:
        if not role.sites or not ticket.branch:
            return True
        return any(ticket.branch == site or ticket.branch.startswith(f"{site}.") for site in role.sites)


def _text(text: str, most: int, *, needed: bool = False) -> str:
    text = text.strip()
    if needed and not text:
        raise BadRequest("a ticket needs a title")
    if len(text) > most:
        raise BadRequest(f"a text has at most {most} characters")
    return text
