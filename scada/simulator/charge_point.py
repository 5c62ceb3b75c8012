"""A simulated charge point: a charger's hardware with its network, speaking OCPP 1.6J as a real one does."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import structlog

from scada.core.plant import Charger
from scada.drivers.ocpp import client
from scada.drivers.ocpp.peer import Handler, Peer, Socket
from scada.runtime.clock import SystemClock
from scada.simulator.certificates import CertificateStore
from scada.simulator.clock import DeviceClock
from scada.simulator.hardware import Hardware
from scada.simulator.maintenance import Maintenance
from scada.simulator.makes import plate
from scada.simulator.orders import CoreOrders, FirmwareOrders, LimitOrders, ListOrders, SecurityOrders
from scada.simulator.pulse import Pulse
from scada.simulator.queue import Message
from scada.simulator.recipes.wire import Recipe
from scada.simulator.speaker import REFUSED, Speaker
from scada.simulator.storage import Store
from scada.simulator.uplink import Credentials, Uplink
from scada.simulator.vehicle import Vehicle

TICK_S = 1.0
SAVE_EVERY_S = 10.0
CALL_TIMEOUT_S = 30.0
RECONNECT_FIRST_S = 1.0
RECONNECT_MAX_S = 10.0
BOOT_S = 3.0
"""How long a reboot takes."""
SOFT_RESET_WAIT_S = 5.0
"""How long a reset that is not hard waits for its messages to be answered; later they are sent after the boot."""
CLOSE_S = 2.0
"""How long the hands are shaken at the end of a connection."""

log = structlog.get_logger()


class ChargePoint:
    """One charge point.

    Args:
        url: of the central system; the identity is put behind it.
        keep: where its state is kept over restarts: a folder, or a store that it shares with others.
        speed: simulated seconds a real second.
        pulse: the tick that it shares with others; None: one of its own.
        gate: bounds how many connect at a time.
        recipe: bends what it says and hears.
        forgets_time: its clock has no battery.
        phase_shift: how its phases are mounted (0: RST, 1: STR, 2: TRS).

    Attributes:
        certificates: what it holds.
    """

    def __init__(
        self,
        charger: Charger,
        url: str,
        keep: Path | Store,
        *,
        speed: float = 1.0,
        seed: int = 1,
        password: str | None = None,
        credentials: Credentials | None = None,
        tick_s: float = TICK_S,
        boot_s: float = BOOT_S,
        call_timeout_s: float = CALL_TIMEOUT_S,
        pulse: Pulse | None = None,
        gate: AbstractAsyncContextManager[Any] | None = None,
        recipe: Recipe | None = None,
        forgets_time: bool = False,
        phase_shift: int = 0,
    ) -> None:
        self.charger = charger
        self._boot_s = boot_s
        self._rng = random.Random(f"{seed} {charger.identity}")
        self._store = keep if isinstance(keep, Store) else Store(keep)
        self._pulse = pulse
        self._own_pulse = Pulse(tick_s) if pulse is None else None
        self._gate = gate or contextlib.nullcontext()
        self._recipe = recipe
        self._powered = True
        self._power_cut = False
        self._dark_until_s = 0.0
        self._reset = ""
        self._reset_waits_s = 0.0
        self._reconnect = False
        self._told_unreachable = False
        self._save_in_s = self._rng.uniform(0.0, SAVE_EVERY_S)
        self._ping_in_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        clock = DeviceClock(
            SystemClock().now_us, forgets=forgets_time or (recipe is not None and recipe.forgets_time)
        )
        self.hardware = Hardware(
            charger,
            self._store.load(charger.path),
            speed=speed,
            rng=self._rng,
            clock=clock,
            tell=self.tell,
            owe=self._owe,
            written=self._written,
            phase_shift=phase_shift,
        )
        self.maintenance = Maintenance(self)
        self.certificates = CertificateStore(charger.identity, self.hardware.state)
        credentials = credentials or Credentials(password=password, profile=1 if password else 0)
        self._uplink = Uplink(self.hardware, self.certificates, url, credentials, recipe)
        self._speaker = Speaker(
            self.hardware,
            boot=self._plate,
            accepted=self.maintenance.booted,
            said=self.maintenance.note,
            timeout_s=call_timeout_s,
        )
        self._handlers = self._orders()
        if recipe is not None:
            recipe.attach(self)

    # -- what a person, or the weather, does at the charger ----------------------------------------------

    @property
    def online(self) -> bool:
        """Whether it is connected and accepted."""
        return self._speaker.online

    @property
    def registered(self) -> bool:
        """Whether the central system has accepted its BootNotification."""
        return self._speaker.registered

    def plug_in(self, connector: int, vehicle: Vehicle) -> None:
        """Connect a vehicle."""
        self.hardware.plug_in(connector, vehicle)

    def unplug(self, connector: int) -> None:
        """Disconnect the vehicle; a transaction ends with reason EVDisconnected."""
        self.hardware.unplug(connector)

    async def identify(self, connector: int, id_tag: str) -> str:
        """Hold a token to the reader for a connector: start, or stop what the same token or group has started.

        Returns:
            The AuthorizationStatus (OCPP 1.6 7.2); `Reserved`: the connector is kept for another; `Offline`: nobody
            can say whether the token is good.
        """
        hardware = self.hardware
        transaction = hardware.outlets[connector].state.transaction
        if transaction is not None:
            parent = hardware.access.parent(id_tag)
            if transaction.id_tag != id_tag and (
                not parent or parent != hardware.access.parent(transaction.id_tag)
            ):
                return "Invalid"
            hardware.stop(connector, "Local", id_tag)
            return "Accepted"
        status = await self.authorize(id_tag)
        if (
            status == "Accepted"
            and hardware.outlets[connector].state.transaction is None
            and not hardware.admit(connector, id_tag)
        ):
            return "Reserved"
        return status

    def fault(self, connector: int, error_code: str, vendor_error_code: str = "") -> None:
        """A fault (OCPP 1.6 7.6); `NoError` is the recovery."""
        self.hardware.fault(connector, error_code, vendor_error_code)

    def heat(self, connector: int, extra_c: float) -> None:
        """A bad contact warms a plug by up to `extra_c`; 0 ends it."""
        self.hardware.heat(connector, extra_c)

    def lose_link(self, seconds: float, *, abruptly: bool = False) -> None:
        """The link falls and cannot be opened again for a while.

        Args:
            abruptly: without a close frame.
        """
        self._dark_until_s = asyncio.get_running_loop().time() + seconds
        if abruptly and self._uplink.socket is not None:
            client.abort(self._uplink.socket)
        else:
            self._hang_up()

    def lose_power(self, seconds: float) -> None:
        """The power fails for a while: the connection breaks without a word, and what only memory knows is gone."""
        self._dark_until_s = asyncio.get_running_loop().time() + seconds
        self._powered, self._power_cut = False, True
        self._speaker.hung_up()
        self._speaker.registered = False
        self.save()
        if self._uplink.socket is not None:
            client.abort(self._uplink.socket)

    # -- life --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Live until cancelled; the state is saved at the end."""
        pulse = self._pulse or self._own_pulse
        assert pulse is not None
        pulse.add(self.step)
        try:
            if self._own_pulse is None:
                await self._stay_connected()
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(pulse.run(), name=f"live {self.charger.identity}")
                group.create_task(self._stay_connected(), name=f"link {self.charger.identity}")
        finally:
            pulse.remove(self.step)
            self.save()
            await self.maintenance.close()

    def save(self) -> None:
        """Keep the state for another life."""
        self._store.save(self.charger.path, self.hardware.state)

    def step(self, real_s: float) -> None:
        """Let real seconds pass."""
        if not self._powered:
            return
        self.hardware.step(real_s)
        self._speaker.step(real_s)
        self._ping(real_s)
        if self._reset:
            self._reset_waits_s += real_s
            soft = self._reset != "HardReset" and (len(self.hardware.queue) > 0 or self._speaker.has_notes)
            if not soft or self._reset_waits_s >= SOFT_RESET_WAIT_S:
                self._restart()
        elif self._reconnect:
            self._reconnect = False
            self._hang_up()
        self._save_in_s -= real_s
        if self._save_in_s <= 0:
            self._save_in_s = SAVE_EVERY_S
            if self.hardware.busy:
                self.save()

    async def _stay_connected(self) -> None:
        """Reconnect for ever: at once after an orderly life, else with back-off."""
        loop = asyncio.get_running_loop()
        delay_s = RECONNECT_FIRST_S
        while True:
            dark_s = self._dark_until_s - loop.time()
            if dark_s > 0:
                await asyncio.sleep(dark_s)
                continue  # it may have become longer meanwhile
            self._power_on()
            try:
                async with self._gate, asyncio.timeout(CALL_TIMEOUT_S):
                    peer = await self._uplink.connect(self._handlers)
            except (ConnectionError, TimeoutError, OSError, ssl.SSLError) as error:
                self._tell_unreachable(str(error))
                self._uplink.failed()
                await asyncio.sleep(delay_s * self._rng.uniform(0.7, 1.3))
                delay_s = min(delay_s * 2, RECONNECT_MAX_S)
                continue
            self._told_unreachable = False
            began_s = loop.time()
            await self._serve(peer)
            if loop.time() - began_s > RECONNECT_MAX_S:
                delay_s = RECONNECT_FIRST_S
            if self._dark_until_s <= loop.time():
                await asyncio.sleep(delay_s * self._rng.uniform(0.7, 1.3))
                delay_s = min(delay_s * 2, RECONNECT_MAX_S)

    async def _serve(self, peer: Peer) -> None:
        """One connection, until one of both ends it."""
        self._speaker.connected(peer)
        self._ping_in_s = float(self.hardware.configuration.number("WebSocketPingInterval"))
        try:
            await peer.run()
        finally:
            self._speaker.hung_up()
            socket, self._uplink.socket = self._uplink.socket, None
            if socket is not None:
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(CLOSE_S):
                        await peer.close()

    def _hang_up(self) -> None:
        peer = self._speaker.peer
        self._speaker.hung_up()
        if peer is not None:
            self._start(_close(peer, self._uplink.socket))

    def _ping(self, real_s: float) -> None:
        """WebSocketPingInterval (9.1); 0: the charger does not ping."""
        interval_s = self.hardware.configuration.number("WebSocketPingInterval")
        if not interval_s or self._uplink.socket is None:
            return
        self._ping_in_s -= real_s
        if self._ping_in_s <= 0:
            self._ping_in_s = float(interval_s)
            if self._recipe is None or self._recipe.pings:
                self._start(_quietly_ping(self._uplink.socket))

    def _power_on(self) -> None:
        if self._powered:
            return
        self._powered = True
        if self._power_cut:
            self._power_cut = False
            self.hardware.clock.power_on()
            self.hardware.power_returned()

    def _restart(self) -> None:
        """Carry out a reset that was asked for (OCPP 1.6 5.14)."""
        self.hardware.reboot(self._reset)
        self._reset, self._reset_waits_s = "", 0.0
        self._powered = False
        self._dark_until_s = asyncio.get_running_loop().time() + self._boot_s
        self._hang_up()
        self._speaker.registered = False

    def _tell_unreachable(self, reason: str) -> None:
        if not self._told_unreachable:
            self._told_unreachable = True
            log.info("simulated_charger_waits", charger=self.charger.path, reason=reason)

    # -- what hardware, orders and maintenance ask for ---------------------------------------------------

    def tell(self, action: str, payload: dict[str, Any]) -> bool:
        """Send a message of the moment; False: there is no link."""
        return self._speaker.tell(action, payload)

    def tell_boot(self) -> None:
        """Send BootNotification once more."""
        self.tell("BootNotification", self._plate())

    def begin_reset(self, reason: str) -> None:
        """Reset with the next tick, when the answer is out; all but hard ones wait for what is to be said."""
        self._reset, self._reset_waits_s = reason, 0.0
        if reason == "SoftReset":
            for number in self.hardware.outlets:
                self.hardware.stop(number, reason)
        self.security_event("ResetOrReboot", reason)

    def begin_reconnect(self) -> None:
        """Connect anew with the next tick, when the answer is out."""
        self._reconnect = True

    async def authorize(self, id_tag: str) -> str:
        """Decide oneself, or ask: AuthorizationStatus, or `Offline`."""
        hardware, peer = self.hardware, self._speaker.peer
        if peer is not None and self._speaker.registered:
            known = hardware.known(id_tag, online=True)
            if known is not None:
                return known
            try:
                answer = await peer.call("Authorize", {"idTag": id_tag}, CALL_TIMEOUT_S)
            except (*REFUSED, ConnectionError) as refusal:
                log.info("simulated_not_authorized", charger=self.charger.path, reason=str(refusal))
            else:
                hardware.remember(id_tag, answer["idTagInfo"])
                return str(answer["idTagInfo"]["status"])
        return hardware.known(id_tag, online=False) or "Offline"

    def security_event(self, kind: str, info: str = "") -> None:
        """SecurityEventNotification (whitepaper, 4.10): kept until it is delivered."""
        payload = {"type": kind, "timestamp": self.hardware.clock.text()}
        if info:
            payload["techInfo"] = info[:255]
        self.hardware.queue.put(Message("SecurityEventNotification", payload, ""))
        self._owe()

    def tls(self) -> ssl.SSLContext | None:
        """Whom it trusts in file transfers; None: the system's roots."""
        return self._uplink.tls()

    def permits(self, key: str, value: str) -> bool:
        """Whether a key may be changed now."""
        return self._uplink.permits(key, value)

    def _orders(self) -> dict[str, Handler]:
        core = CoreOrders(self)
        return {
            **core.handlers(),
            **ListOrders(self).handlers(),
            **LimitOrders(self).handlers(),
            **FirmwareOrders(self, self.maintenance, self.certificates).handlers(),
            **SecurityOrders(self, core, self.maintenance, self.certificates).handlers(),
        }

    def _plate(self) -> dict[str, Any]:
        body = plate(self.charger)
        if self.hardware.state.firmware:
            body["firmwareVersion"] = self.hardware.state.firmware[:50]
        return body

    def _owe(self) -> None:
        self.save()
        self._speaker.wake()

    def _written(self, key: str, value: str) -> None:
        if self._uplink.written(key, value):
            self.begin_reconnect()
        self.save()

    def _start(self, job: Any) -> None:
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close(peer: Peer, socket: Socket | None) -> None:
    """Shake hands at the end; whoever does not answer is hung up on."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await peer.close()
    except (TimeoutError, ConnectionError):
        if socket is not None:
            client.abort(socket)


async def _quietly_ping(socket: Socket) -> None:
    with contextlib.suppress(ConnectionError):
        await client.ping(socket)
