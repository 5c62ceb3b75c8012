"""How a recipe bends what leaves and enters a simulated charger: at the wire, the charger itself does not know."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import Any, ClassVar, Protocol

import orjson

from scada.drivers.ocpp.peer import Socket
from scada.simulator.hardware import Hardware

REMEMBERED_MAX = 200
"""Messages whose answers are still awaited; at it the oldest is forgotten, and passes unbent."""

Payload = dict[str, Any]


class Charger(Protocol):
    """What a recipe may touch of its charger, where a bent message is not enough."""

    hardware: Hardware

    def begin_reset(self, reason: str) -> None:
        """Reset soon."""
        ...

    def lose_link(self, seconds: float, *, abruptly: bool = False) -> None:
        """The link falls for a while."""
        ...


class Recipe:
    """One way in which chargers of the field depart from the standard; an instance a charger.

    Attributes:
        name: by which a project selects it.
        seen: make and model as reported, and where.
        offer: raw subprotocol header; None: as the standard says, empty: no header.
        pings: whether it sends pings.
        forgets_time: whether its clock begins in 1970.
        careless: actions whose CALLERROR it takes for an answer, so that it does not say them again.
    """

    name: ClassVar[str]
    seen: ClassVar[str]
    offer: ClassVar[str | None] = None
    pings: ClassVar[bool] = True
    forgets_time: ClassVar[bool] = False
    careless: ClassVar[frozenset[str]] = frozenset()

    charger: Charger
    line: Line

    def attach(self, charger: Charger) -> None:
        """This is the charger."""
        self.charger = charger

    def wrap(self, socket: Socket) -> Socket:
        """A new connection."""
        self.line = Line(socket, self)
        return self.line

    # -- what a recipe may do ----------------------------------------------------------------------------

    def call(self, action: str, payload: Payload) -> Payload | None:
        """A call of the charger, before it leaves; None: it is lost, and answered as `lost` says."""
        return payload

    def lost(self, action: str) -> Payload:
        """What the charger believes to have heard where its call was lost."""
        return {}

    def answer(self, action: str, request: Payload, payload: Payload) -> Payload:
        """An answer of the charger, before it leaves."""
        return payload

    def heard(self, action: str, payload: Payload) -> Payload | None:
        """A call of the central system; what is returned is the answer, and the charger hears nothing of it."""
        return None

    def heard_answer(self, action: str, request: Payload, answer: Payload) -> Payload | None:
        """An answer of the central system; None: the charger never gets it."""
        return answer

    def error(self, frame: list[Any]) -> list[Any]:
        """A CALLERROR of the charger, before it leaves."""
        return frame

    def frames(self, action: str, frame: bytes, *, is_call: bool) -> list[bytes]:
        """A whole frame as it leaves: here it may be broken, doubled or dropped."""
        return [frame]


class Line:
    """The connection of a charger with a recipe; a `Socket`."""

    def __init__(self, socket: Socket, recipe: Recipe) -> None:
        self._socket = socket
        self._recipe = recipe
        self._said: OrderedDict[str, tuple[str, Payload]] = OrderedDict()
        self._heard: OrderedDict[str, tuple[str, Payload]] = OrderedDict()
        self._own: set[str] = set()
        self._made_up: deque[bytes] = deque()
        self._woken = asyncio.Event()
        self._reading: asyncio.Task[str | bytes] | None = None
        self._count = 0

    async def recv(self, decode: bool | None = None) -> str | bytes:
        """The next message that the charger shall hear."""
        while True:
            raw = await self._next()
            frame = orjson.loads(raw)
            kind = frame[0]
            if kind == 2:
                _, message_id, action, payload = frame
                answer = self._recipe.heard(action, payload)
                if answer is not None:
                    await self._socket.send(orjson.dumps([3, message_id, answer]), text=True)
                    continue
                _remember(self._heard, message_id, action, payload)
            elif frame[1] in self._own:
                self._own.discard(frame[1])
                continue
            elif kind == 3:
                action, request = self._said.pop(frame[1], ("", {}))
                bent = self._recipe.heard_answer(action, request, frame[2])
                if bent is None:
                    continue
                return orjson.dumps([3, frame[1], bent])
            else:
                action, _ = self._said.pop(frame[1], ("", {}))
                if action in self._recipe.careless:
                    return orjson.dumps([3, frame[1], {}])
            return raw

    async def _next(self) -> str | bytes:
        while not self._made_up:
            if self._reading is None:
                self._reading = asyncio.ensure_future(self._socket.recv(decode=False))
            self._woken.clear()
            waking = asyncio.ensure_future(self._woken.wait())
            try:
                await asyncio.wait((self._reading, waking), return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                self._reading.cancel()
                raise
            finally:
                waking.cancel()
            if self._reading.done():
                reading, self._reading = self._reading, None
                return reading.result()
        return self._made_up.popleft()

    async def send(self, message: bytes, *, text: bool | None = None) -> None:
        """Let a message of the charger leave, bent."""
        frame = orjson.loads(message)
        kind = frame[0]
        if kind == 2:
            _, message_id, action, payload = frame
            bent = self._recipe.call(action, payload)
            if bent is None:
                self._make_up(orjson.dumps([3, message_id, self._recipe.lost(action)]))
                return
            _remember(self._said, message_id, action, bent)
            frame[3] = bent
        elif kind == 3:
            action, request = self._heard.pop(frame[1], ("", {}))
            frame[2] = self._recipe.answer(action, request, frame[2])
        else:
            action = ""
            frame = self._recipe.error(frame)
        for raw in self._recipe.frames(action, orjson.dumps(frame), is_call=kind == 2):
            await self._socket.send(raw, text=True)

    async def say(self, action: str, payload: Payload) -> None:
        """A call that the charger itself knows nothing of; its answer is not passed on."""
        self._count += 1
        message_id = f"recipe-{self._count}"
        self._own.add(message_id)
        await self._socket.send(orjson.dumps([2, message_id, action, payload]), text=True)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close."""
        await self._socket.close(code, reason)

    def _make_up(self, raw: bytes) -> None:
        self._made_up.append(raw)
        self._woken.set()


def _remember(
    messages: OrderedDict[str, tuple[str, Payload]], key: str, action: str, payload: Payload
) -> None:
    messages[key] = (action, payload)
    while len(messages) > REMEMBERED_MAX:
        messages.popitem(last=False)
