"""What a charge point says to its central system: one call at a time (OCPP-J 4.1.1).

There is a task only while there is something to say: boot first, then states and other messages of the moment,
then what is owed, then heartbeats.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Peer
from scada.drivers.ocpp.turns import PeerBusy
from scada.simulator.hardware import Hardware
from scada.simulator.queue import Message

BOOT_RETRY_S = 10.0
"""Wait before another BootNotification where the central system names no interval."""
BOOT_RETRY_MAX_S = 3_600.0
RETRY_PAUSE_MAX_S = 60.0
NOTES_MAX = 200
"""Messages of the moment that wait; at it the oldest is dropped."""

REFUSED = (CallError, TimeoutError, PeerBusy)

log = structlog.get_logger()


class Speaker:
    """The calls of one charge point.

    Args:
        boot: payload of BootNotification.
        accepted: called when the central system has accepted a boot.
        said: told of each message that was answered, for the charger's own log.

    Attributes:
        peer: the connection; None: there is none.
        registered: whether the central system has accepted the last BootNotification.
    """

    def __init__(
        self,
        hardware: Hardware,
        *,
        boot: Callable[[], dict[str, Any]],
        accepted: Callable[[], None],
        said: Callable[[str], None],
        timeout_s: float,
    ) -> None:
        self.peer: Peer | None = None
        self.registered = False
        self._hardware, self._boot_payload = hardware, boot
        self._accepted, self._said, self._timeout_s = accepted, said, timeout_s
        self._notes: deque[tuple[str, dict[str, Any]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._boot_in_s = 0.0
        self._retry_in_s = 0.0
        self._beat_s = 0.0

    @property
    def online(self) -> bool:
        """Whether it is connected and accepted."""
        return self.peer is not None and self.registered

    @property
    def has_notes(self) -> bool:
        """Whether messages of the moment wait."""
        return bool(self._notes)

    def connected(self, peer: Peer) -> None:
        """There is a connection: boot, or (after a mere reconnect) tell what has changed."""
        self.peer = peer
        self._boot_in_s = self._retry_in_s = 0.0
        self._beat_s = 0.0
        if self.registered:
            self._hardware.statuses.tell_all()
        self.wake()

    def hung_up(self) -> None:
        """The connection is gone; states that were on their way will be told again."""
        self.peer = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        while self._notes:
            action, payload = self._notes.popleft()
            if action == "StatusNotification":
                self._hardware.statuses.forget(payload["connectorId"])

    def tell(self, action: str, payload: dict[str, Any]) -> bool:
        """Say something of the moment; False: there is nobody to hear it."""
        if not self.online:
            return False
        if len(self._notes) >= NOTES_MAX:
            self._notes.popleft()
        self._notes.append((action, payload))
        self.wake()
        return True

    def step(self, real_s: float) -> None:
        """Let time pass: retries and heartbeats come due."""
        self._boot_in_s -= real_s
        self._retry_in_s -= real_s
        self._beat_s += real_s
        if self.peer is not None:
            self.wake()

    def wake(self) -> None:
        """There may be something to say."""
        peer = self.peer
        if self._task is None and peer is not None and self._has_something():
            self._task = asyncio.get_running_loop().create_task(self._speak(peer))

    def _has_something(self) -> bool:
        if not self.registered:
            return self._boot_in_s <= 0
        return bool(self._notes) or (len(self._hardware.queue) > 0 and self._retry_in_s <= 0) or self._beats

    @property
    def _beats(self) -> bool:
        return self._beat_s >= self._hardware.configuration.number("HeartbeatInterval")

    async def _speak(self, peer: Peer) -> None:
        task = asyncio.current_task()
        try:
            while self.peer is peer and self._has_something():
                await self._say_next(peer)
        except ConnectionError:
            pass  # the reader sees it too
        except Exception:
            log.exception("simulated_charger_failed", charger=self._hardware.charger.path)
        finally:
            if self._task is task:
                self._task = None

    async def _say_next(self, peer: Peer) -> None:
        if not self.registered:
            await self._boot(peer)
        elif self._notes:
            await self._note(peer)
        elif len(self._hardware.queue) and self._retry_in_s <= 0:
            await self._deliver(peer)
        else:
            await self._beat(peer)

    async def _boot(self, peer: Peer) -> None:
        """BootNotification until it is accepted (OCPP 1.6 4.2)."""
        pause_s = BOOT_RETRY_S
        try:
            answer = await peer.call("BootNotification", self._boot_payload(), self._timeout_s)
        except REFUSED as refusal:
            log.info("simulated_boot_refused", charger=self._hardware.charger.path, reason=str(refusal))
        else:
            interval_s = answer["interval"]
            self._hardware.clock.told(answer["currentTime"])
            if answer["status"] == "Accepted" and self.peer is peer:
                if interval_s > 0:
                    self._hardware.configuration.set("HeartbeatInterval", str(interval_s))
                self.registered = True
                self._beat_s = 0.0
                self._said("BootNotification Accepted")
                self._hardware.booted()
                self._accepted()
                return
            if interval_s > 0:
                pause_s = min(interval_s, BOOT_RETRY_MAX_S)
        self._boot_in_s = pause_s

    async def _note(self, peer: Peer) -> None:
        """Say the oldest note; what is refused is not said again."""
        action, payload = self._notes[0]
        try:
            answer = await peer.call(action, payload, self._timeout_s)
        except REFUSED as refusal:
            log.info(
                "simulated_note_refused",
                charger=self._hardware.charger.path,
                action=action,
                reason=str(refusal),
            )
        else:
            self._said(f"{action} {payload.get('status', '')}".rstrip())
            if action == "Heartbeat":
                self._hardware.clock.told(answer["currentTime"])
        if self._notes and self._notes[0][1] is payload:
            self._notes.popleft()

    async def _deliver(self, peer: Peer) -> None:
        """Say what must arrive, in order, each until it is answered (OCPP 1.6 3.7.2).

        A lost link does not count as an attempt; after TransactionMessageAttempts refusals a message is given up.
        """
        hardware = self._hardware
        message = hardware.queue.head()
        if message is None:
            return
        if message.action == "StopTransaction" and "transactionId" not in message.payload:
            log.warning("simulated_stop_without_start", charger=hardware.charger.path)
            hardware.queue.remove(message)
            return
        try:
            answer = await peer.call(message.action, message.payload, self._timeout_s)
        except REFUSED as refusal:
            self._refused(message, str(refusal))
        else:
            self._said(message.action)
            hardware.answered(message, answer)

    def _refused(self, message: Message, reason: str) -> None:
        configuration = self._hardware.configuration
        message.attempts += 1
        attempts_max = configuration.number("TransactionMessageAttempts")
        if message.action == "SecurityEventNotification":
            attempts_max = 1  # a central system that does not know it must not block transactions
        if message.attempts >= attempts_max:
            log.warning(
                "simulated_message_given_up",
                charger=self._hardware.charger.path,
                action=message.action,
                reason=reason,
            )
            self._hardware.queue.remove(message)
            return
        pause_s = configuration.number("TransactionMessageRetryInterval") * message.attempts
        self._retry_in_s = min(pause_s, RETRY_PAUSE_MAX_S)

    async def _beat(self, peer: Peer) -> None:
        self._beat_s = 0.0
        try:
            answer = await peer.call("Heartbeat", {}, self._timeout_s)
        except REFUSED:
            return
        self._hardware.clock.told(answer["currentTime"])
