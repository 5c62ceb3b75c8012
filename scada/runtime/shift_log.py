"""The shift log: what operators write down for those who come after them.

It is kept in the audit trail: nothing of it is ever changed; a mistake is put right by the next entry.
"""

from __future__ import annotations

from scada.core.access import Actor, Right, Role
from scada.core.errors import BadRequest, NotFound
from scada.core.ports import Archive, DeedFilter, Page
from scada.core.records import AuditRecord
from scada.core.value import TimeUs
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note

TEXT_MAX = 2_000
NOTE, HANDOVER = "shift_note", "shift_handover"


class ShiftLog:
    """Writes and reads the log."""

    def __init__(self, host: PlantHost, archive: Archive) -> None:
        self._host, self._archive = host, archive

    async def write(self, text: str, site: str, actor: Actor, *, handover: bool = False) -> None:
        """Write an entry; a hand-over ends a shift.

        Args:
            site: path of a site, or empty: of all.

        Raises:
            BadRequest: no words, or too many. NotFound: no such site. Denied: without the right to acknowledge.
        """
        actor.require(Right.ACKNOWLEDGE)
        text = text.strip()
        if not text:
            raise BadRequest("an entry needs words")
        if len(text) > TEXT_MAX:
            raise BadRequest(f"a text has at most {TEXT_MAX} characters")
        known = [one.path for one in self._host.plant.sites]
        if site and (site not in known or (actor.scope.sites and site not in actor.scope.sites)):
            raise NotFound(f"there is no site {site}")
        record = AuditRecord(
            time_us=self._host.clock.now_us(),
            user=actor.name,
            origin=actor.origin,
            action=HANDOVER if handover else NOTE,
            object=site,
            new=text,
        )
        await self._host.request(Note((record,)))

    async def read(
        self,
        role: Role,
        limit: int,
        cursor: str | None = None,
        *,
        handovers: bool = False,
        user: str = "",
        from_us: TimeUs | None = None,
        to_us: TimeUs | None = None,
    ) -> Page[AuditRecord]:
        """Entries, newest first; of sites that the role does not reach none: a page may hold fewer than `limit`."""
        where = DeedFilter(action=HANDOVER if handovers else NOTE, user=user, from_us=from_us, to_us=to_us)
        page = await self._archive.audit(where, limit, cursor)
        items = [one for one in page.items if not role.sites or not one.object or one.object in role.sites]
        return Page(items, page.next)
