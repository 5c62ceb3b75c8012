"""Firmware brought by the browser: by right, from our own page only, whole or not at all, with a sentence for each no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from scada.core.access import Right
from scada.core.records import AuditRecord
from scada.hmi import uploads
from scada.hmi.access import Gate
from scada.hmi.pages import PAGES
from scada.testing.file_server import SETTINGS, Files, file_server

CONTENT = bytes(range(256)) * 500
PAGE = {"origin": "http://scada"}


@dataclass
class Desk:
    """A browser before a real file server's shelf."""

    world: Any
    files: Files
    client: httpx2.AsyncClient

    async def bring(self, user: str, name: str, body: Any = CONTENT, **headers: str) -> tuple[int, str]:
        self.world.accounts.sessions.add(user)
        answer = await self.client.post(
            "/files/firmware",
            params={"name": name},
            content=body,
            headers=PAGE | {"cookie": f"scada_session={user}"} | headers,
        )
        return answer.status_code, answer.text

    def kept(self) -> dict[str, bytes]:
        """Whatever lies in the folder, drafts too."""
        folder = self.files.project / "firmware"
        return {one.name: one.read_bytes() for one in folder.iterdir()} if folder.is_dir() else {}


@pytest_asyncio.fixture(loop_scope="session")
async def desk(world: Any, tmp_path: Path) -> AsyncIterator[Desk]:
    async with file_server(tmp_path / "files") as files:
        world.services = replace(
            world.services, files=files.server, plant=replace(world.services.plant, files=SETTINGS)
        )
        app = Starlette(
            routes=[Route("/files/firmware", uploads.firmware(world.services), methods=["POST"])],
            middleware=[Middleware(Gate, services=world.services)],
        )
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://scada") as client:
            yield Desk(world, files, client)


def audited(desk: Desk) -> list[tuple[str, str]]:
    return [(r.user, r.object) for r in desk.world.journal.records if isinstance(r, AuditRecord)]


async def test_a_file_is_taken_in_whole_and_audited(desk: Desk) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for begin in range(0, len(CONTENT), 7_000):
            yield CONTENT[begin : begin + 7_000]

    assert await desk.bring("admin", "kilo-3.bin", parts()) == (201, "")
    assert desk.kept() == {"kilo-3.bin": CONTENT}
    await desk.world.settle()
    assert audited(desk) == [("admin", "kilo-3.bin")]
    visit = desk.world.visit("admin")
    shown = str((await PAGES["/files"](visit)).main)
    assert 'data-firmware="kilo-3.bin"' in shown
    assert 'data-bytes-max="500000"' in shown
    assert "at most 0.5 MB" in shown


@pytest.mark.parametrize(
    ("user", "name", "body", "headers", "status", "says"),
    [
        ("op", "a.bin", CONTENT, {}, 403, "Your role"),
        ("admin", "a.bin", CONTENT, {"origin": "https://evil.example"}, 403, "did not come from this page"),
        ("admin", "../a.bin", CONTENT, {}, 400, "named with letters"),
        ("admin", "a.sig", CONTENT, {}, 400, "named with letters"),
        ("admin", "", CONTENT, {}, 400, "named with letters"),
        ("admin", "a.bin", b"", {}, 400, "the file is empty"),
        ("admin", "a.bin", CONTENT * 4, {}, 400, "at most 500,000 bytes"),
        ("admin", "a.bin", CONTENT * 4, {"cookie": "scada_session=admin; lang=fr"}, 400, "octets"),
    ],
)
async def test_what_is_refused_says_why_and_leaves_nothing(
    desk: Desk, user: str, name: str, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    code, text = await desk.bring(user, name, body, **headers)
    assert (code, says in text) == (status, True), text
    assert desk.kept() == {}
    await desk.world.settle()
    assert audited(desk) == []


async def test_without_a_session_nothing_is_read(desk: Desk) -> None:
    answer = await desk.client.post(
        "/files/firmware", params={"name": "a.bin"}, content=CONTENT, headers=PAGE
    )
    assert answer.status_code == 303
    assert desk.kept() == {}


async def test_a_file_that_chargers_are_fetching_stays(desk: Desk) -> None:
    desk.files.firmware("a.bin", b"old")
    await desk.files.offer("a.bin")
    code, text = await desk.bring("admin", "a.bin")
    assert (code, text) == (400, "1 chargers may be fetching a.bin: wait until they are done")
    assert desk.kept() == {"a.bin": b"old"}


async def test_an_upload_that_stalls_or_breaks_off_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SILENCE_S", 0.02)
    monkeypatch.setattr(uploads, "DRAIN_S", 0.02)
    sent: list[Any] = []
    scope = {
        "type": "http", "method": "POST", "path": "/files/firmware", "query_string": b"name=a.bin", "server": ("scada", 80),
        "scheme": "http", "headers": [(b"host", b"scada"), (b"cookie", b"scada_session=admin")], "client": None,
    }  # fmt: skip
    desk.world.accounts.sessions.add("admin")

    async def send(message: Any) -> None:
        sent.append(message)

    for then in ("silence", "http.disconnect"):
        messages: list[dict[str, Any]] = [{"type": "http.request", "body": CONTENT, "more_body": True}]

        async def receive(messages: Any = messages, then: str = then) -> dict[str, Any]:
            if messages:
                first: dict[str, Any] = messages.pop()
                return first
            if then == "silence":
                await asyncio.Event().wait()
            return {"type": then}

        respond = uploads.firmware(desk.world.services)
        answer = await respond(Request(scope, receive, send))
        assert answer.status_code == 400
        assert bool(answer.body) == (then == "silence")
        assert desk.kept() == {}


async def test_only_who_may_configure_is_offered_the_form(desk: Desk) -> None:
    assert 'data-action="upload"' in str((await PAGES["/files"](desk.world.visit("admin"))).main)
    engineer = replace(
        desk.world.visit("admin"),
        actor=replace(desk.world.actor("admin"), rights=frozenset({Right.SEE, Right.MAINTAIN})),
    )
    shown = await PAGES["/files"](engineer)
    assert shown.status == 200
    assert 'data-action="upload"' not in str(shown.main)
