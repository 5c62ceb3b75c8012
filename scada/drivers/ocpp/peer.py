"""One end of an OCPP-J connection, whichever role it plays.

* The reader never waits for a handler: a handler may call the very peer that it serves.
* Calls of the other side are handled one after another, in order, by a worker that exists while there is work.
* Our calls go out one at a time (OCPP-J 4.1.1), urgent ones first, each with a deadline over waiting and answer.
* Every frame gets the answer that the standard prescribes, whatever it holds.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson
import structlog
from websockets.exceptions import ConnectionClosed

from scada.core.errors import ScadaError
from scada.drivers.ocpp import frames, schemas
from scada.drivers.ocpp.frames import BadFrame, CallError, Frame, MessageType
from scada.drivers.ocpp.turns import Pace, Priority, Turns

INBOX_MAX = 100
"""Calls of the other side that wait; at it the reader stops reading (back-pressure, nothing is dropped)."""
CALLS_WAITING_MAX = 50
"""Our calls that wait for their turn; at it further ones are refused with PeerBusy."""
LATE_REMEMBERED = 20

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Takes the checked payload of a CALL, returns the payload of its CALLRESULT, may raise CallError."""

HotHandler = Callable[[bytes], bytes | None]
"""Takes a CALL's payload as JSON and returns the CALLRESULT's as JSON, at once; None: not for me, take the
ordinary way (which finds the fault and names it)."""

log = structlog.get_logger()


class Socket(Protocol):
    """What a peer needs of a WebSocket connection."""

    async def recv(self, decode: bool | None = None) -> str | bytes:
        """Next message."""
        ...

    async def send(self, message: bytes, *, text: bool | None = None) -> None:
        """Send a message."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a handshake."""
        ...


class PeerClosed(ConnectionError):
    """The connection went while, or before, a call was under way."""


class PeerSuperseded(PeerClosed):
    """The other side has connected anew while a call was under way; whether it will act is not known."""


class CallTimeout(TimeoutError):
    """The peer did not answer in time; whether it will act is not known."""


class Peer:
    """One end of a connection.

    Args:
        handlers: action → handler of the other side's calls. An action of the version without one is answered
            NotSupported, any other NotImplemented.
        hot: action → handler that needs no waiting; tried first while nothing else waits.
        deviation: told of each frame of the other side that is not as the standard says.
        tap: told of every frame, ours (True) and theirs.
        pace: how fast it is read; None: as a charger of the project.
    """

    def __init__(
        self,
        socket: Socket,
        version: str,
        handlers: Mapping[str, Handler],
        *,
        hot: Mapping[bytes, HotHandler] | None = None,
        name: str = "",
        deviation: Callable[[str], None] | None = None,
        tap: Callable[[bool, bytes], None] | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.version = version
        self.name = name
        self._socket = socket
        self._handlers = handlers
        self._hot = hot or {}
        self._deviation = deviation or (lambda _: None)
        self._tap = tap or (lambda _sent, _raw: None)
        self._pace = pace or Pace()
        self._inbox: deque[Frame] = deque()
        self._room = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._turns = Turns(CALLS_WAITING_MAX)
        self._pending: tuple[bytes, asyncio.Future[Any]] | None = None
        self._late: OrderedDict[bytes, str] = OrderedDict()
        self._closed = False
        self._superseded = False

    async def run(self) -> None:
        """Serve the connection until it closes."""
        recv, hot, tap = self._socket.recv, self._hot, self._tap
        pace, now = self._pace, asyncio.get_running_loop().time
        try:
            while True:
                raw = await recv(decode=False)
                if self._closed:
                    return  # retired: another connection speaks for this peer now
                wait_s = pace.wait_s(now(), len(raw))
                if wait_s > 0:
                    await asyncio.sleep(wait_s)  # only the reading slows down; nothing is dropped
                tap(False, raw)  # type: ignore[arg-type]
                try:
                    frame = frames.parse(raw)  # type: ignore[arg-type]
                except BadFrame as bad:
                    await self._bad_frame(bad)
                    continue
                if frame.type is not MessageType.CALL:
                    self._not_a_call(frame)
                    continue
                if len(frame.rest) != 2:
                    await self._refuse(frame.id, "a CALL has an action and a payload")
                    continue
                if self._worker is None:
                    handler = hot.get(frame.rest[0])
                    if handler is not None:
                        answer = self._try_hot(handler, frame.rest[1])
                        if answer is not None:
                            out = frames.result(frame.id, answer)
                            tap(True, out)
                            await self._socket.send(out, text=True)
                            continue
                await self._enqueue(frame)
        except ConnectionClosed as closed:
            log.debug("ocpp_closed", peer=self.name, reason=str(closed))
        finally:
            self._end()

    async def call(
        self,
        action: str,
        body: Mapping[str, Any],
        timeout_s: float = 30.0,
        priority: Priority = Priority.NORMAL,
        *,
        checked: bool = True,
    ) -> dict[str, Any]:
        """Call the other side and return the payload of its answer.

        Args:
            checked: the answer must be as the schema says; False: any object is returned as it came.

        Raises:
            CallError: the other side answered with a CALLERROR, or with a payload that the schema refuses.
            CallTimeout: no answer within `timeout_s`, waiting for the turn included.
            PeerClosed: the connection is gone.
            PeerBusy: too many calls wait already.
        """
        schemas.check_request(self.version, action, body)
        if self._closed:
            raise self._gone()
        message_id = str(uuid.uuid4())
        raw_id = orjson.dumps(message_id)
        try:
            async with asyncio.timeout(timeout_s), self._turns.turn(priority):
                answer = await self._exchange(raw_id, frames.call(message_id, action, body))
        except TimeoutError:
            self._late[raw_id] = action
            while len(self._late) > LATE_REMEMBERED:
                self._late.popitem(last=False)
            raise CallTimeout(f"{action}: no answer within {timeout_s:g} s") from None
        except ConnectionClosed:
            raise self._gone() from None
        if not checked and isinstance(answer, dict):
            return answer
        try:
            schemas.check_response(self.version, action, answer)
        except CallError as fault:
            self._deviation(f"{action}Response: {fault}")
            raise
        return dict(answer)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection; `run` returns."""
        await self._socket.close(code, reason)

    async def _send(self, raw: bytes) -> None:
        self._tap(True, raw)
        await self._socket.send(raw, text=True)

    async def _exchange(self, raw_id: bytes, frame: bytes) -> Any:
        if self._closed:
            raise self._gone()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending = (raw_id, future)
        try:
            await self._send(frame)
            return await future
        finally:
            self._pending = None

    def retire(self) -> None:
        """Take nothing more from this connection, which another has superseded, and end what waits for an answer."""
        self._superseded = True
        self._end()

    async def _bad_frame(self, bad: BadFrame) -> None:
        if bad.is_call:
            await self._refuse(bad.reply_id, bad.reason)
        else:
            self._bad_answer(bad)

    def _bad_answer(self, bad: BadFrame) -> None:
        """An answer that cannot be read, or a type that the version does not know: ignored (OCPP 1.6J 4.1.3)."""
        self._deviation(bad.reason)
        if self._pending is not None and self._pending[0] == bad.reply_id and not self._pending[1].done():
            self._pending[1].set_exception(CallError("FormationViolation", bad.reason))

    def _try_hot(self, handler: HotHandler, payload: bytes) -> bytes | None:
        try:
            return handler(payload)
        except Exception:
            # The ordinary way will answer it, with InternalError if need be; the connection lives.
            log.exception("ocpp_hot_handler_failed", peer=self.name)
            return None

    def _not_a_call(self, frame: Frame) -> None:
        if frame.type not in (MessageType.RESULT, MessageType.ERROR):
            self._deviation(f"message type {frame.type.value.decode()} is not of {self.version}")
            return
        if self._pending is None or self._pending[0] != frame.id:
            action = self._late.pop(frame.id, None)
            log.info("ocpp_late_answer", peer=self.name, action=action or "unknown")
            if action is None:
                self._deviation("an answer to no call of ours")
            return
        future = self._pending[1]
        if future.done():
            return
        if frame.type is MessageType.RESULT:
            try:
                future.set_result(frames.payload(frame.rest[0]) if frame.rest else None)
            except CallError as fault:
                future.set_exception(fault)
        else:
            future.set_exception(frames.received_error(frame.rest))

    async def _enqueue(self, frame: Frame) -> None:
        while len(self._inbox) >= INBOX_MAX:
            if self._closed:
                return  # nobody makes room any more; the next read tells why
            self._room.clear()
            await self._room.wait()
        self._inbox.append(frame)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work(), name=f"ocpp {self.name}")

    async def _work(self) -> None:
        try:
            while self._inbox:
                frame = self._inbox.popleft()
                self._room.set()
                await self._send(await self._answer(frame))
        except ConnectionClosed:
            # The reader sees it too, and ends; it must not wait for room first.
            self._closed = True
            self._room.set()
        finally:
            self._worker = None

    async def _answer(self, frame: Frame) -> bytes:
        action = "?"
        try:
            action = _action(frame)
            handler = self._handlers.get(action)
            if handler is None:
                known = action in schemas.actions(self.version)
                raise CallError("NotSupported" if known else "NotImplemented", action[:50])  # noqa: TRY301
            body = frames.payload(frame.rest[1])
            answer = await handler(body)
            return frames.result(frame.id, orjson.dumps(answer))
        except CallError as fault:
            self._deviation(f"{action}: {fault}")
            return frames.error(frame.id, fault)
        except ScadaError as error:
            log.error("ocpp_not_processed", peer=self.name, action=action, reason=str(error))
            return frames.error(frame.id, CallError("InternalError", "the message could not be processed"))
        except Exception:
            log.exception("ocpp_handler_failed", peer=self.name, action=action)
            return frames.error(frame.id, CallError("InternalError", "the message could not be processed"))

    async def _refuse(self, reply_id: bytes, reason: str) -> None:
        self._deviation(reason)
        await self._send(frames.error(reply_id, CallError("FormationViolation", reason)))

    def _gone(self) -> PeerClosed:
        if self._superseded:
            return PeerSuperseded(f"{self.name} has connected anew")
        return PeerClosed(f"{self.name} is not connected")

    def _end(self) -> None:
        self._closed = True
        self._room.set()
        if self._pending is not None and not self._pending[1].done():
            self._pending[1].set_exception(self._gone())
            self._pending[1].exception()  # whoever waited for it may be cancelled in the same moment
        if self._worker is not None:
            self._worker.cancel()


def _action(frame: Frame) -> str:
    try:
        return frames.text(frame.rest[0])
    except BadFrame:
        raise CallError("FormationViolation", "the action must be a text") from None
