"""What it costs to keep pages live: 1,000 values at 5 Hz on one page, for 1, 5 and 20 clients.

Baseline, in the same run: a NiceGUI page with a bound label for each value. Clients are bare sockets that take what the
server sends and throw it away, so that a browser's work is not in the figures; the way of a change to the glass, and
the time until a page lives, are measured in one headless Chromium.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from scada.testing.browser import headless_browser
from tests.bench.hmi_server import PASSWORD
from tests.bench.report import figure

CLIENTS = (1, 5, 20)
WARM_UP_S = 2.0
MEASURE_S = 5.0
CHANGES = 50
"""Changes of one value that are followed to the glass."""
PAGE = "/view/bench"
_CLIENT_ID = re.compile(r"client_id[\"']?:\s*[\"']([0-9a-f-]{36})")

FOLLOW = """([selector, wanted]) => new Promise((resolve) => {
  const late = [];
  let first = 0;
  const place = document.querySelector(selector);
  new MutationObserver(() => {
    first ||= performance.now();
    late.push(Date.now() - Number(place.textContent.replace(/\\D/g, "")));
    if (late.length >= wanted) resolve([first, late]);
  }).observe(place, { childList: true, characterData: true, subtree: true });
})"""


@dataclass
class Server:
    """A server under measurement."""

    url: str
    pid: int

    def cpu_s(self) -> float:
        """CPU time that it has used."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(kind: str) -> Iterator[Server]:
    """A server until the end of the block."""
    command = [sys.executable, "-m", "tests.bench.hmi_server", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid)
        finally:
            process.terminate()


async def _cookie(server: Server) -> str:
    """A session, where the server wants one."""
    async with httpx2.AsyncClient(base_url=server.url) as browser:
        answer = await browser.post("/login", data={"name": "op", "password": PASSWORD})
        return answer.headers.get("set-cookie", "").partition(";")[0]


class Client:
    """An open page without a browser: its socket, and how many bytes came over it."""

    def __init__(self) -> None:
        self.bytes = 0

    async def run(self, socket: ClientConnection) -> None:
        """Take everything; answer the pings of Engine.IO."""
        async for message in socket:
            self.bytes += len(message)
            if message == "2":
                await socket.send("3")
            elif isinstance(message, str) and message.startswith("0"):
                await socket.send("40")


async def _load(server: Server, kind: str, count: int) -> tuple[float, float]:
    """(CPU seconds of the server a second, bytes a client and second) with so many pages open."""
    cookie = await _cookie(server) if kind == "view" else ""
    clients = [Client() for _ in range(count)]
    async with AsyncExitStack() as stack, httpx2.AsyncClient(base_url=server.url, timeout=60) as browser:
        tasks = []
        for client in clients:
            page = await browser.get(PAGE, headers={"cookie": cookie})
            match = _CLIENT_ID.search(page.text)
            assert match, "a page of NiceGUI names its client"
            query = urlencode(
                {
                    "EIO": "4",
                    "transport": "websocket",
                    "client_id": match.group(1),
                    "tab_id": str(uuid4()),
                    "document_id": str(uuid4()),
                    "next_message_id": "0",
                    "implicit_handshake": "true",
                }
            )
            url = f"ws{server.url.removeprefix('http')}/_nicegui_ws/socket.io/?{query}"
            socket = await stack.enter_async_context(connect(url, max_size=None, proxy=None))
            tasks.append(asyncio.create_task(client.run(socket)))
        await asyncio.sleep(WARM_UP_S)
        for client in clients:
            client.bytes = 0
        began_s = server.cpu_s()
        await asyncio.sleep(MEASURE_S)
        used_s = server.cpu_s() - began_s
        taken = sum(client.bytes for client in clients)
        for task in tasks:
            task.cancel()
    return used_s / MEASURE_S, taken / max(1, count) / MEASURE_S


async def _glass(server: Server, selector: str) -> tuple[float, float]:
    """(ms from opening a page until its first change, ms from a change to the glass, 95th percentile)."""
    async with headless_browser() as browser:
        page = await browser.new_page(base_url=server.url)
        if (await page.goto(PAGE)) and "/login" in page.url:
            await page.fill("[name=name]", "op")
            await page.fill("[name=password]", PASSWORD)
            await page.click("[type=submit]")
            await page.wait_for_selector(selector)
            await page.goto(PAGE)
        await page.wait_for_selector(selector, state="attached")
        first, late = await page.evaluate(FOLLOW, [selector, CHANGES])
        return first, sorted(late)[int(0.95 * len(late))]


async def _measure(kind: str, selector: str) -> dict[str, float]:
    found: dict[str, float] = {}
    with served(kind) as server:
        idle, _ = await _load(server, kind, 0)
        for count in CLIENTS:
            used, taken = await _load(server, kind, count)
            found[f"cpu_percent_per_client_{count}"] = 100 * (used - idle) / count
            found[f"kb_per_s_a_client_{count}"] = taken / 1000
        found["cpu_percent_without_clients"] = 100 * idle
    with served(kind) as server:
        found["page_live_ms"], found["change_to_glass_p95_ms"] = await _glass(server, selector)
    return found


def main() -> None:
    ours = asyncio.run(_measure("view", ".mimic-drawing tspan.live"))
    labels = asyncio.run(_measure("labels", ".v0"))
    for name, value in ours.items():
        unit = "%" if "percent" in name else "kB/s" if name.startswith("kb") else "ms"
        figure("hmi", name, value, unit, labels[name])
