"""A simulated charge point: a charger's hardware with its network, speaking OCPP 1.6J as a real one does."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from scada.core import moment
from scada.core.plant import Charger
from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Peer, PeerBusy
from scada.runtime.clock import SystemClock
from scada.simulator.hardware import Hardware
from scada.simulator.makes import plate
from scada.simulator.orders import Orders
from scada.simulator.storage import load_state, save_state
from scada.simulator.vehicle import Vehicle

TICK_S = 1.0
SAVE_EVERY_S = 10.0
CALL_TIMEOUT_S = 30.0
RECONNECT_FIRST_S = 1.0
RECONNECT_MAX_S = 10.0
BOOT_S = 3.0
"""How long a reboot takes."""
BOOT_RETRY_S = 10.0
"""Wait before another BootNotification where the central system names no interval."""
SOFT_RESET_WAIT_S = 5.0
"""How long a soft reset waits for its StopTransaction to be answered; later it is sent after the boot."""
RETRY_PAUSE_MAX_S = 60.0
NOTES_MAX = 200
"""Messages of the moment that wait; at it the oldest is dropped."""

_REFUSED = (CallError, TimeoutError, PeerBusy)

log = structlog.get_logger()


class ChargePoint:
    """One charge point.

    Args:
        url: of the central system; the identity is put behind it.
        folder: where its state is kept over restarts.
        speed: simulated seconds a real second.

    Attributes:
        registered: whether the central system has accepted its BootNotification.
    """

    def __init__(
        self,
        charger: Charger,
        url: str,
        folder: Path,
        *,
        speed: float = 1.0,
        seed: int = 1,
        password: str | None = None,
        tick_s: float = TICK_S,
        boot_s: float = BOOT_S,
    ) -> None:
        self.charger = charger
        self.registered = False
        self._url, self._password, self._tick_s, self._boot_s = url, password, tick_s, boot_s
        self._rng = random.Random(f"{seed} {charger.identity}")
        self._clock = SystemClock()
        self._file = folder / f"{charger.path}.json"
        self._peer: Peer | None = None
        self._notes: deque[tuple[str, dict[str, Any]]] = deque()
        self._note_there = asyncio.Event()
        self._debt_there = asyncio.Event()
        self._debt_paid = asyncio.Event()
        self._drop = asyncio.Event()
        self._reset = ""
        self._reset_wanted = asyncio.Event()
        self._silent_until_s = 0.0
        self._told_unreachable = False
        self.hardware = Hardware(
            charger,
            load_state(self._file),
            speed=speed,
            rng=self._rng,
            now=lambda: moment.text(self._clock.now_us()),
            tell=self._tell,
            owe=self._owe,
        )
        self._handlers = Orders(self.hardware, self._trigger, self._begin_reset).handlers()

    # -- what a person, or the weather, does at the charger ----------------------------------------------

    @property
    def online(self) -> bool:
        """Whether it is connected and accepted."""
        return self._peer is not None and self.registered

    def plug_in(self, connector: int, vehicle: Vehicle) -> None:
        """Connect a vehicle."""
        self.hardware.plug_in(connector, vehicle)

    def unplug(self, connector: int) -> None:
        """Disconnect the vehicle; a transaction ends with reason EVDisconnected."""
        self.hardware.unplug(connector)

    async def identify(self, connector: int, id_tag: str) -> str:
        """Hold a token to the reader for a connector: start, or stop what the same token has started.

        Returns:
            The AuthorizationStatus (OCPP 1.6 7.2), or `Offline`: nobody can say whether the token is good.
        """
        hardware = self.hardware
        transaction = hardware.outlets[connector].state.transaction
        if transaction is not None:
            if transaction.id_tag != id_tag:
                return "Invalid"
            hardware.stop(connector, "Local", id_tag)
            return "Accepted"
        status = await self._authorize(id_tag)
        if status == "Accepted" and hardware.outlets[connector].state.transaction is None:
            hardware.admit(connector, id_tag)
        return status

    def fault(self, connector: int, error_code: str, vendor_error_code: str = "") -> None:
        """A fault (OCPP 1.6 7.6); `NoError` is the recovery."""
        self.hardware.fault(connector, error_code, vendor_error_code)

    def heat(self, connector: int, extra_c: float) -> None:
        """A bad contact warms a plug by up to `extra_c`; 0 ends it."""
        self.hardware.heat(connector, extra_c)

    def lose_link(self, seconds: float) -> None:
        """The link falls and cannot be opened again for a while."""
        self._silent_until_s = asyncio.get_running_loop().time() + seconds
        self._drop.set()

    # -- life --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Live until cancelled; the state is saved at the end."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._live(), name=f"live {self.charger.identity}")
                group.create_task(self._stay_connected(), name=f"link {self.charger.identity}")
        finally:
            self.save()

    def save(self) -> None:
        """Keep the state for another life."""
        save_state(self._file, self.hardware.state)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        last_s = saved_s = loop.time()
        while True:
            await asyncio.sleep(self._tick_s)
            now_s = loop.time()
            self.hardware.step(now_s - last_s)
            last_s = now_s
            if now_s - saved_s >= SAVE_EVERY_S:
                saved_s = now_s
                self.save()

    async def _stay_connected(self) -> None:
        """Reconnect for ever: at once after an orderly life, else with back-off."""
        loop = asyncio.get_running_loop()
        delay_s = RECONNECT_FIRST_S
        while True:
            await asyncio.sleep(max(0.0, self._silent_until_s - loop.time()))
            self._drop.clear()
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    peer = await connect_peer(
                        self._url, self.charger.identity, self._handlers, password=self._password
                    )
            except (ConnectionError, TimeoutError) as error:
                if not self._told_unreachable:
                    self._told_unreachable = True
                    log.info("simulated_charger_waits", charger=self.charger.path, reason=str(error))
                await asyncio.sleep(delay_s * self._rng.uniform(0.7, 1.3))
                delay_s = min(delay_s * 2, RECONNECT_MAX_S)
                continue
            self._told_unreachable = False
            began_s = loop.time()
            await self._serve(peer)
            if loop.time() - began_s > RECONNECT_MAX_S:
                delay_s = RECONNECT_FIRST_S
            if self._reset:
                self.hardware.reboot(f"{self._reset}Reset")  # if the link fell before it came to that
                self._reset = ""
                self._reset_wanted.clear()
                self.registered = False
                await asyncio.sleep(self._boot_s)
            else:
                await asyncio.sleep(delay_s * self._rng.uniform(0.7, 1.3))
                delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    async def _serve(self, peer: Peer) -> None:
        """One connection, until it or `_drop` ends it."""
        tasks = [
            asyncio.create_task(peer.run()),
            asyncio.create_task(self._talk(peer)),
            asyncio.create_task(self._drop.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._peer = None
            for task in tasks[1:]:
                task.cancel()
            # The reader goes on while the close is shaken hands upon.
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(2.0):
                    await peer.close()
            tasks[0].cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for fault in ended:
                if isinstance(fault, Exception):
                    log.error("simulated_charger_failed", charger=self.charger.path, error=repr(fault))
            while self._notes:
                action, payload = self._notes.popleft()
                if action == "StatusNotification":
                    self.hardware.forget_told(payload["connectorId"])

    async def _talk(self, peer: Peer) -> None:
        with contextlib.suppress(ConnectionError):
            if not self.registered:
                await self._register(peer)
                self.registered = True
                self._peer = peer
                self.hardware.booted()
            else:
                self._peer = peer
                self.hardware.tell_all()
            await _all(self._notify(peer), self._deliver(peer), self._beat(peer), self._finish_reset())

    async def _register(self, peer: Peer) -> None:
        """BootNotification until it is accepted, at the interval that the answers name (OCPP 1.6 4.2)."""
        while True:
            pause_s: float = BOOT_RETRY_S
            try:
                answer = await peer.call("BootNotification", plate(self.charger), CALL_TIMEOUT_S)
            except _REFUSED as refusal:
                log.info("simulated_boot_refused", charger=self.charger.path, reason=str(refusal))
            else:
                interval_s = answer["interval"]
                if answer["status"] == "Accepted":
                    if interval_s > 0:
                        self.hardware.configuration.set("HeartbeatInterval", str(interval_s))
                    return
                pause_s = min(interval_s, 3600) if interval_s > 0 else BOOT_RETRY_S
            await asyncio.sleep(pause_s)

    async def _notify(self, peer: Peer) -> None:
        """Send what is of the moment, in order; what is refused is not sent again."""
        while True:
            while not self._notes:
                self._note_there.clear()
                await self._note_there.wait()
            action, payload = self._notes[0]
            try:
                await peer.call(action, payload, CALL_TIMEOUT_S)
            except _REFUSED as refusal:
                log.info(
                    "simulated_note_refused", charger=self.charger.path, action=action, reason=str(refusal)
                )
            if self._notes and self._notes[0][1] is payload:
                self._notes.popleft()

    async def _deliver(self, peer: Peer) -> None:
        """Send what must arrive, in order, each until it is answered (OCPP 1.6 3.7.2).

        A lost link does not count as an attempt; after TransactionMessageAttempts refusals a message is given up.
        """
        hardware = self.hardware
        while True:
            message = hardware.queue.head()
            if message is None:
                self._debt_paid.set()
                self._debt_there.clear()
                await self._debt_there.wait()
                continue
            if message.action == "StopTransaction" and "transactionId" not in message.payload:
                log.warning("simulated_stop_without_start", charger=self.charger.path)
                hardware.queue.remove(message)
                continue
            try:
                answer = await peer.call(message.action, message.payload, CALL_TIMEOUT_S)
            except _REFUSED as refusal:
                message.attempts += 1
                if message.attempts >= hardware.configuration.number("TransactionMessageAttempts"):
                    log.warning(
                        "simulated_message_given_up",
                        charger=self.charger.path,
                        action=message.action,
                        reason=str(refusal),
                    )
                    hardware.queue.remove(message)
                    continue
                pause_s = hardware.configuration.number("TransactionMessageRetryInterval") * message.attempts
                await asyncio.sleep(min(pause_s, RETRY_PAUSE_MAX_S))
            else:
                hardware.answered(message, answer)

    async def _beat(self, peer: Peer) -> None:
        """Heartbeat at the agreed interval; a change of it takes effect within a second."""
        loop = asyncio.get_running_loop()
        last_s = loop.time()
        while True:
            await asyncio.sleep(1.0)
            if loop.time() - last_s >= self.hardware.configuration.number("HeartbeatInterval"):
                last_s = loop.time()
                with contextlib.suppress(*_REFUSED):
                    await peer.call("Heartbeat", {}, CALL_TIMEOUT_S)

    async def _finish_reset(self) -> None:
        """Carry out a reset that was asked for (OCPP 1.6 5.14)."""
        await self._reset_wanted.wait()
        self.hardware.reboot(f"{self._reset}Reset")
        if self._reset == "Soft":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SOFT_RESET_WAIT_S):
                    await self._debt_paid.wait()
        self._drop.set()

    async def _authorize(self, id_tag: str) -> str:
        peer = self._peer
        if peer is not None:
            try:
                answer = await peer.call("Authorize", {"idTag": id_tag}, CALL_TIMEOUT_S)
            except (*_REFUSED, ConnectionError) as refusal:
                log.info("simulated_not_authorized", charger=self.charger.path, reason=str(refusal))
            else:
                status = str(answer["idTagInfo"]["status"])
                self.hardware.remember(id_tag, status == "Accepted")
                return status
        if id_tag in self.hardware.state.cache and self.hardware.configuration.flag("LocalAuthorizeOffline"):
            return "Accepted"
        return "Offline"

    # -- callbacks of the hardware and of the orders -----------------------------------------------------

    def _tell(self, action: str, payload: dict[str, Any]) -> bool:
        if not self.online:
            return False
        if len(self._notes) >= NOTES_MAX:
            self._notes.popleft()
        self._notes.append((action, payload))
        self._note_there.set()
        return True

    def _owe(self) -> None:
        self._debt_there.set()
        self._debt_paid.clear()
        self.save()

    def _trigger(self, action: str) -> None:
        self._tell(action, plate(self.charger) if action == "BootNotification" else {})

    def _begin_reset(self, kind: str) -> None:
        self._reset = kind
        self._reset_wanted.set()


async def _all(*parts: Coroutine[Any, Any, None]) -> None:
    """Run parts of a conversation until one of them ends, with its own exception."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
