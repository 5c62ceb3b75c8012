"""The test bench: messages by their schemas, sent as they are, and the live trace.

No postponed annotations here: FastAPI evaluates them, and they name local dependencies.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from scada.api import models
from scada.api.access import requires
from scada.api.console_models import FrameItem, MessageBody, frame_item
from scada.api.services import ApiServices
from scada.core.access import Actor, Right
from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Charger

FOLLOWERS_MAX = 50
"""Live traces at once; a further one is refused."""
FOLLOWED_WAITING_MAX = 1_000
"""Frames that wait for a slow reader; at it the oldest go, and the number of those lost is told."""
KEEP_ALIVE_S = 10.0
TIME_MAX_US = 2**62

Actions = Annotated[str, Query(max_length=500, description="names of messages, separated by commas")]
Sent = Annotated[bool | None, Query(description="true: ours only, false: the chargers' only")]
Found = Annotated[str, Query(max_length=100, description="found in the frame")]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    maintain = Depends(requires(services, Right.MAINTAIN))
    console = services.console
    followers = 0

    def where(charger: str, actions: str, kind: str, sent: bool | None, text: str, after: int) -> FrameFilter:
        return FrameFilter(
            charger=find_charger(services, charger).path if charger else "",
            actions=frozenset(one.strip() for one in actions.split(",") if one.strip()),
            kinds=frozenset(one.strip() for one in kind.split(",") if one.strip()),
            sent=sent,
            text=text,
            after=after,
        )

    @router.get("/chargers/{charger}/ocpp", tags=["test"], dependencies=[*secured, maintain])
    async def list_messages(charger: str) -> list[str]:
        """The messages that may be sent to a charger (path or OCPP identity)."""
        return list(console.actions(find_charger(services, charger).path))

    @router.get("/chargers/{charger}/ocpp/{action}", tags=["test"], dependencies=[*secured, maintain])
    async def get_schema(charger: str, action: str) -> dict[str, Any]:
        """The JSON schemas of a message: `request` and `response`."""
        return dict(console.schema(find_charger(services, charger).path, action))

    @router.post("/chargers/{charger}/ocpp", tags=["test"], dependencies=secured)
    async def send(
        charger: str, body: MessageBody, actor: Annotated[Actor, maintain]
    ) -> models.CommandOutcome:
        """Send a message as it is, and get the answer, or the error, as it came.

        What the schema refuses is answered with 400 and the place in the payload; nothing is sent then.
        """
        target = find_charger(services, charger).path
        console.check(target, body.action, body.payload)
        arguments = {"action": body.action, "payload": body.payload}
        return models.command_outcome(await services.router.execute("Send", target, arguments, actor))

    @router.get("/trace", tags=["test"], dependencies=[*secured, maintain])
    async def trace(
        charger: Annotated[str, Query(description="path or OCPP identity")] = "",
        action: Actions = "",
        kind: Annotated[str, Query(max_length=60, description="call, result, error, unreadable")] = "",
        sent: Sent = None,
        text: Found = "",
        after: Annotated[int, Query(ge=0, description="only frames with a greater sequence")] = 0,
        limit: Annotated[int, Query(ge=1, le=5_000)] = 200,
    ) -> models.Page[FrameItem]:
        """The newest frames between us and the chargers, oldest first; secrets are left out."""
        found = console.frames(where(charger, action, kind, sent, text, after), limit)
        return models.Page(items=[frame_item(frame) for frame in found], next=None)

    @router.get("/trace/history", tags=["test"], dependencies=[*secured, maintain])
    async def history(
        charger: Annotated[str, Query(description="path or OCPP identity")] = "",
        action: Actions = "",
        kind: Annotated[str, Query(max_length=60, description="call, result, error, unreadable")] = "",
        sent: Sent = None,
        text: Found = "",
        from_: Annotated[str | None, Query(alias="from", max_length=40, description="RFC 3339")] = None,
        to: Annotated[str | None, Query(max_length=40, description="RFC 3339")] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 200,
        cursor: Annotated[str | None, Query(max_length=200, description="`next` of the part before")] = None,
    ) -> models.Page[FrameItem]:
        """Frames of earlier days, newest first, as long as the project keeps them (`[ocpp] message_log_days`).

        A part may hold less than `limit` and still have a `next`.
        """
        if services.messages is None:
            raise NotFound("this project keeps no message log: [ocpp] message_log_days = 0")
        from_us, to_us = models.parse_time(from_, "from"), models.parse_time(to, "to")
        page = await services.messages.frames(
            where(charger, action, kind, sent, text, 0),
            0 if from_us is None else from_us,
            TIME_MAX_US if to_us is None else to_us,
            limit,
            cursor,
        )
        return models.Page(items=[frame_item(frame) for frame in page.items], next=page.next)

    @router.get("/trace/live", tags=["test"], dependencies=[*secured, maintain])
    async def live(
        charger: str = "",
        action: Actions = "",
        kind: Annotated[str, Query(max_length=60)] = "",
        sent: Sent = None,
        text: Found = "",
    ) -> StreamingResponse:
        """Frames as they pass, one JSON object a line (`application/x-ndjson`); an empty line at the start and each 10 s."""
        nonlocal followers
        if followers >= FOLLOWERS_MAX:
            raise BadRequest(f"{FOLLOWERS_MAX} traces are followed already")
        chosen = where(charger, action, kind, sent, text, 0)

        async def lines() -> AsyncIterator[bytes]:
            nonlocal followers
            followers += 1
            queue = _Queue()
            end = console.follow(chosen, queue.put)
            try:
                yield b"\n"  # from here on nothing is missed
                while True:
                    yield await queue.lines()
            finally:
                end()
                followers -= 1

        return StreamingResponse(lines(), media_type="application/x-ndjson")


def find_charger(services: ApiServices, name: str) -> Charger:
    """A charger by its path or by its OCPP identity. Raises NotFound."""
    charger = services.plant.chargers_by_path.get(name)
    if charger is None:
        charger = next((one for one in services.plant.chargers() if one.identity == name), None)
    if charger is None:
        raise NotFound(f"there is no charger {name}")
    return charger


class _Queue:
    """Frames for one follower, who may be slow."""

    def __init__(self) -> None:
        self._frames: list[TracedFrame] = []
        self._lost = 0
        self._there = asyncio.Event()

    def put(self, frame: TracedFrame) -> None:
        self._frames.append(frame)
        if len(self._frames) > FOLLOWED_WAITING_MAX:
            gone = FOLLOWED_WAITING_MAX // 2
            del self._frames[:gone]
            self._lost += gone
        self._there.set()

    async def lines(self) -> bytes:
        """What has come; a blank line when nothing has for a while."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                await self._there.wait()
        except TimeoutError:
            return b"\n"
        self._there.clear()
        frames, self._frames = self._frames, []
        lost, self._lost = self._lost, 0
        told = [orjson.dumps({"lost": lost, "time": None})] if lost else []
        told += [frame_item(frame).model_dump_json().encode() for frame in frames]
        return b"\n".join(told) + b"\n"
