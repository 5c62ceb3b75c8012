"""Events of devices, for whoever waits for one: the real outcome of a command is an event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from scada.core.effects import Event

log = structlog.get_logger()

Listener = Callable[[Event], None]


class EventHub:
    """Hands events to listeners, synchronously and in order."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def publish(self, event: Event) -> None:
        """Tell everybody."""
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("event_listener_failed", event_kind=event.kind)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Be told; call what is returned to end it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @contextmanager
    def expect(self, accept: Callable[[Event], bool]) -> Iterator[asyncio.Future[Event]]:
        """A future of the first event that `accept` takes, from now until the block ends.

        Begin it *before* the order is sent: the effect may come with the answer.
        """
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def listener(event: Event) -> None:
            if not future.done() and accept(event):
                future.set_result(event)

        end = self.subscribe(listener)
        try:
            yield future
        finally:
            end()
            future.cancel()
