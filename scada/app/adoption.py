"""Deciding about pending chargers: right, audit, the project's file, and the start anew (port PendingChargers)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from scada.core.access import Actor, Right
from scada.core.errors import BadRequest, NotFound
from scada.core.pending import Adoption, PendingCharger
from scada.core.plant import Plant
from scada.core.records import AuditRecord
from scada.drivers.ocpp.pending import WaitingRoom
from scada.project.adoption import adopt
from scada.runtime.host import PlantHost
from scada.runtime.requests import Note


class Adoptions:
    """Carries out what people decide about pending chargers.

    Args:
        restart: has the program start anew, soon.
    """

    def __init__(self, plant: Plant, host: PlantHost, room: WaitingRoom, restart: Callable[[], None]) -> None:
        self._plant, self._host, self._room, self._restart = plant, host, room, restart
        # One at a time: two that read the file at once would lose one's row.
        self._turn = asyncio.Lock()

    def list(self) -> Sequence[PendingCharger]:
        """All pending chargers."""
        return self._room.list()

    async def reject(self, identity: str, actor: Actor) -> None:
        """Refuse it from now on."""
        actor.require(Right.CONFIGURE)
        await self._room.reject(identity)
        await self._audit(actor, "charger_rejected", identity, "")

    async def adopt(self, identity: str, adoption: Adoption, actor: Actor) -> None:
        """Take it into the project."""
        actor.require(Right.CONFIGURE)
        pending = self._room.get(identity)
        cells = dict(adoption.cells)
        if adoption.replaces and cells:
            raise BadRequest("a charger that replaces another takes its settings over: name nothing else")
        if adoption.replaces and adoption.replaces not in self._plant.chargers_by_path:
            raise NotFound(f"there is no charger {adoption.replaces[:100]}")
        if not adoption.replaces:
            cells["type"] = cells.get("type") or pending.device_type
            cells["connectors"] = cells.get("connectors") or str(max(1, pending.connectors))
        async with self._turn:
            await asyncio.to_thread(adopt, self._plant.directory, identity, cells, adoption.replaces)
        what = adoption.replaces or f"{cells.get('site')}.{cells.get('tag')}"
        await self._audit(
            actor, "charger_replaced" if adoption.replaces else "charger_adopted", what, identity
        )
        await self._room.forget(identity)
        self._restart()

    async def _audit(self, actor: Actor, action: str, what: str, new: str) -> None:
        now_us = self._host.clock.now_us()
        record = AuditRecord(
            time_us=now_us, user=actor.name, origin=actor.origin, action=action, object=what, new=new
        )
        await self._host.request(Note((record,)))
