"""What happened to a charger, from all that is kept, on one time line: frames, states, sessions, alarms, commands, limits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from scada.core.access import Role
from scada.core.device_ports import DeviceConsole, FrameFilter, MessageLog
from scada.core.errors import Unavailable
from scada.core.plant import Charger
from scada.core.ports import Archive, CommandRow, DeedFilter, JournalFilter, SessionFilter
from scada.core.records import AlarmTransition
from scada.core.value import SECOND_US, TimeUs, is_good
from scada.runtime.host import PlantHost

KINDS = ("frame", "status", "session", "alarm", "command", "limit")
POINTS_US = 7 * 86_400 * SECOND_US
"""States and limits are looked up so far back in one step; the next one goes on from there."""
FRAME_TEXT_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that happened.

    Attributes:
        kind: `session`, `status`, `alarm`, `command`, `audit`, `limit`, `frame`.
        what: the event's own word: `started`, `raised`, `Charging`, name of a command, action of a frame.
        path: what it was about.
        who: user, or empty; of a frame `us` or `charger`.
        text: what there is to say about it.
    """

    time_us: TimeUs
    kind: str
    what: str
    path: str
    who: str = ""
    text: str = ""


def alarm_entry(one: AlarmTransition) -> Entry:
    """A row of the alarm journal."""
    return Entry(
        time_us=one.time_us,
        kind="alarm",
        what=one.event.value,
        path=one.alarm,
        who=one.user,
        text=one.value or one.comment,
    )


def command_entry(one: CommandRow) -> Entry:
    """A command."""
    record = one.record
    return Entry(
        time_us=record.time_us,
        kind="command",
        what=record.name,
        path=record.target,
        who=record.user,
        text=" ".join(part for part in (record.outcome, record.text) if part),
    )


async def value_entries(
    archive: Archive,
    host: PlantHost,
    path: str,
    name: str,
    kind: str,
    span: tuple[TimeUs, TimeUs],
    limit: int,
) -> list[Entry]:
    """Changes of a recorded tag of a branch, oldest first; a tag that is not recorded has none."""
    tag = host.tags.get(f"{path}.{name}")
    if tag is None or tag.definition.history is None:
        return []
    entries: list[Entry] = []
    before: object = None
    for point in await archive.points(tag.path, *span, limit):
        if not is_good(point.quality) or point.value is None or point.value == before:
            continue
        before = point.value
        unit = tag.definition.unit
        text = f"{point.value:g} {unit}".strip() if isinstance(point.value, float) else str(point.value)
        entries.append(Entry(time_us=point.time_us, kind=kind, what=text, path=path))
    return entries


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a time line, newest first.

    Attributes:
        older_us: the next part ends before this; None: nothing older is kept.
        complete: False: older records lie where they cannot be read now.
    """

    entries: Sequence[Entry]
    older_us: TimeUs | None
    complete: bool = True


class ChargerTimeline:
    """Reads the time line of one charger.

    Args:
        console, log: where frames come from, newest and earlier ones; None: nobody keeps any, or they are not for the reader.
        role: whose alarms.
    """

    def __init__(
        self,
        host: PlantHost,
        archive: Archive,
        console: DeviceConsole | None,
        log: MessageLog | None,
        role: Role,
        charger: Charger,
    ) -> None:
        self._host, self._archive, self._console, self._log = host, archive, console, log
        self._role, self._charger = role, charger
        self._complete = True
        self._sources: Mapping[str, Callable[[TimeUs, int], Awaitable[list[Entry]]]] = {
            "frame": self._frames,
            "status": self._states,
            "session": self._sessions,
            "alarm": self._alarms,
            "command": self._commands,
            "limit": self._limits,
        }

    async def before(self, time_us: TimeUs, limit: int, kinds: Collection[str] = KINDS) -> Stretch:
        """The newest `limit` entries before a moment; more where several share the last one's time."""
        chosen = [kind for kind in KINDS if kind in kinds]
        self._complete = True
        found = await asyncio.gather(*(self._sources[kind](time_us, limit) for kind in chosen))
        entries = sorted((one for part in found for one in part), key=lambda one: -one.time_us)
        entries = [one for one in entries if one.time_us < time_us]
        if len(entries) > limit:
            last_us = entries[limit - 1].time_us
            shown = [one for one in entries if one.time_us >= last_us]
            return Stretch(shown, last_us, self._complete)
        # States are looked up a week at a time: older ones may be there even where nothing filled this part.
        begin_us = time_us - POINTS_US
        goes_on = bool({"status", "limit"} & set(chosen)) and await self._older_points(begin_us)
        return Stretch(entries, begin_us if goes_on else None, self._complete)

    async def _older_points(self, time_us: TimeUs) -> bool:
        names = [f"{path}.{name}" for path in self._paths() for name in ("Status", "CurrentLimit")]
        known = [name for name in names if self._host.tags.get(name) is not None]
        return bool(await self._archive.values_at(known, time_us))

    def _paths(self) -> list[str]:
        return [self._charger.path, *(one.path for one in self._charger.connectors)]

    async def _frames(self, before_us: TimeUs, limit: int) -> list[Entry]:
        where = FrameFilter(charger=self._charger.path)
        kept = list(self._console.frames(where, 100_000)) if self._console else []
        edge_us = min(kept[0].time_us, before_us) if kept else before_us
        kept = [one for one in kept if one.time_us < before_us][-limit - 1 :]
        if self._log is not None and len(kept) <= limit:
            try:
                page = await self._log.frames(where, 0, edge_us, limit + 1 - len(kept), None)
                kept = [*reversed(page.items), *kept]
            except Unavailable:
                self._complete = False
        return [
            Entry(
                time_us=one.time_us,
                kind="frame",
                what=f"{one.action or '?'} ({one.kind})",
                path=self._charger.path,
                who="us" if one.sent else "charger",
                text=one.text[:FRAME_TEXT_MAX],
            )
            for one in kept
        ]

    async def _states(self, before_us: TimeUs, limit: int) -> list[Entry]:
        return await self._values("Status", "status", before_us, limit)

    async def _limits(self, before_us: TimeUs, limit: int) -> list[Entry]:
        return await self._values("CurrentLimit", "limit", before_us, limit)

    async def _values(self, name: str, kind: str, before_us: TimeUs, limit: int) -> list[Entry]:
        span = (before_us - POINTS_US, before_us)
        parts = [
            await value_entries(self._archive, self._host, path, name, kind, span, limit + 1)
            for path in self._paths()
        ]
        return [one for part in parts for one in part]

    async def _sessions(self, before_us: TimeUs, limit: int) -> list[Entry]:
        where = SessionFilter(charger=self._charger.path, to_us=before_us)
        page = await self._archive.sessions(where, limit + 1, None)
        self._complete &= page.complete
        entries = []
        for one in page.items:
            path = f"{self._charger.path}.C{one.connector}"
            text = f"{one.id} · {one.id_tag}"
            entries.append(
                Entry(
                    time_us=one.started_us,
                    kind="session",
                    what="started",
                    path=path,
                    text=text,
                    who=one.ordered_by,
                )
            )
            if one.stopped_us is not None:
                entries.append(
                    Entry(
                        time_us=one.stopped_us,
                        kind="session",
                        what="stopped",
                        path=path,
                        text=text,
                        who=one.stopped_by,
                    )
                )
        return entries

    async def _alarms(self, before_us: TimeUs, limit: int) -> list[Entry]:
        where = JournalFilter(branch=self._charger.path, to_us=before_us, role=self._role)
        page = await self._archive.alarm_journal(where, limit + 1, None)
        self._complete &= page.complete
        return [alarm_entry(one) for one in page.items]

    async def _commands(self, before_us: TimeUs, limit: int) -> list[Entry]:
        entries: list[Entry] = []
        for path in self._paths():
            where = DeedFilter(object=path, to_us=before_us)
            page = await self._archive.commands(where, limit + 1, None)
            self._complete &= page.complete
            entries += [command_entry(one) for one in page.items]
        return entries
