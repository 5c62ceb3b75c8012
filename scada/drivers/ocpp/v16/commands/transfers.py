"""What the commands about files share: one transfer of a kind at a time, the way it goes, what is heard of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from scada.core.command import CommandResult, Outcome
from scada.core.effects import Event
from scada.core.value import SECOND_US, TimeUs
from scada.drivers.ocpp.station import Station

HEARD_MAX = 200
"""Events kept for a command that is busy; further ones push out the oldest."""
SUPPORTED = "SupportedFileTransferProtocols"
"""Configuration key (OCPP 1.6 9.1): FTP, FTPS, HTTP, HTTPS, SFTP."""
MARGIN_US = SECOND_US
"""A command ends by itself so long before its deadline, to say what it knows."""


class Impossible(Exception):
    """The transfer cannot begin; the text says why."""


def ways(station: Station, preferred: tuple[str, ...]) -> list[str]:
    """The schemes to try, best first: those that are open here and that the charger names, or all that are open."""
    if station.files is None or not station.files.schemes:
        raise Impossible("there is no file server: open a port under [files] in project.toml")
    opened = [scheme for scheme in preferred if scheme in station.files.schemes]
    named = station.configuration.get(SUPPORTED, ("", True))[0]
    known = {word.strip().lower() for word in named.split(",") if word.strip()}
    fit = [scheme for scheme in opened if scheme in known] if known else opened
    if not fit:
        raise Impossible(f"the charger takes {named}, the file server offers {', '.join(opened)}")
    return fit


@contextmanager
def alone(station: Station, kind: str) -> Iterator[None]:
    """One transfer of a kind at a time. Raises Impossible: one is under way."""
    if kind in station.transfers:
        raise Impossible(f"a transfer of {kind} is under way")
    station.transfers.add(kind)
    try:
        yield
    finally:
        station.transfers.discard(kind)


class Heard:
    """Events of a charger from now on, in order: begin it before the charger is asked."""

    def __init__(self, station: Station, kinds: tuple[str, ...]) -> None:
        self._station = station
        self._kinds = kinds
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self.count = 0

    def __enter__(self) -> Heard:
        self._end = self._station.host.events.subscribe(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    async def next(self, until_us: TimeUs) -> Event | None:
        """The next event, or None when the time is over."""
        left_s = (until_us - self._station.now_us()) / SECOND_US
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                return await self._events.get()
        except TimeoutError:
            return None

    def _listen(self, event: Event) -> None:
        if event.path == self._station.charger.path and event.kind in self._kinds:
            self.count += 1
            if self._events.qsize() >= HEARD_MAX:
                self._events.get_nowait()
            self._events.put_nowait(event)


def new_request_id() -> int:
    """A requestId that no transfer of before had."""
    return secrets.randbelow(2**31 - 1) + 1


def refused(why: object) -> CommandResult:
    """It was not asked of the charger."""
    return CommandResult(Outcome.REFUSED, str(why))
