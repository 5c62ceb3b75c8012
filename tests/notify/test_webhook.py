"""Webhooks over real HTTP: signed, tried again, and no trouble for mail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from scada.core import signature
from scada.core.plant import Contact, OnCallSettings
from scada.core.records import Channel
from scada.core.value import SECOND_US
from scada.testing.ports import free_port

SECRET = "of the hook"


class HookServer:
    """A real HTTP server that keeps what it is posted and answers as it is told.

    Attributes:
        status: of the answers, first line.
        silent: the body is read and nothing is answered.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = "200 OK"
        self.headers = ""
        self.body = b"taken"
        self.silent = False
        self.port = free_port()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append((first, headers, body))
            if not self.silent:
                answer = f"HTTP/1.1 {self.status}\r\n{self.headers}Content-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
                writer.write(answer.encode() + self.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def hook() -> AsyncIterator[HookServer]:
    one = HookServer()
    await one.start()
    yield one
    await one.stop()


def changes(port: int, **more: Any) -> dict[str, Any]:
    contact = Contact(
        name="Ann",
        email="ann@example.org",
        language="en",
        webhook=f"http://127.0.0.1:{port}/hook",
        webhook_secret_ref="env:HOOK",
    )
    settings = OnCallSettings(public_url="https://scada.plant.example", restart_window_us=0)
    return {"contacts": (contact,), "profiles": (), "oncall": settings} | more


def row(helpers: Any, hook_port: int, number: int, **more: Any) -> Any:
    made = helpers.row(number, **more)
    return replace(made, channel=Channel.WEBHOOK, recipient=f"http://127.0.0.1:{hook_port}/hook")


async def until_state(site: Any, helpers: Any, state: str, key: str) -> Any:
    async def reached() -> bool:
        one = (await site.rows()).get(key)
        return one is not None and one.state == state

    await helpers.wait(reached)
    return (await site.rows())[key]


async def test_a_message_is_posted_signed_with_what_is_needed_to_answer(
    hook: HookServer, server: Any, start: Any, helpers: Any
) -> None:
    site = await start(server.port, changes=changes(hook.port), secrets={"env:HOOK": SECRET})
    await site.put(row(helpers, hook.port, 1))
    sent = await until_state(site, helpers, "sent", "Ann.1")
    assert sent.last_answer == "200 OK taken"
    ((first, headers, content),) = hook.requests
    assert first == "POST /hook HTTP/1.1"
    assert headers["content-type"] == "application/json"
    now_us = site.host.clock.now_us()
    assert signature.verify(SECRET, headers[signature.HEADER.lower()], content, now_us)
    assert not signature.verify("another", headers[signature.HEADER.lower()], content, now_us)
    body = json.loads(content)
    assert body["id"] == "<1@scada>"
    assert body["subject"] == "ALARM: Charger offline · CP01 (Bay 1) · North depot"
    assert body["callback_url"] == "https://scada.plant.example/api/v1/oncall/callback/Ann"
    (message,) = body["messages"]
    assert message["snapshot"]["alarm"] == "Depot.CP01.Online"
    link = site.links.read(message["token"], now_us)
    assert (link.alarm, link.contact, link.expired) == ("Depot.CP01.Online", "Ann", False)
    assert site.host.tags["System.WebhookOk"].value is True


async def test_rows_that_wait_are_one_request_with_each_of_them(
    hook: HookServer, server: Any, start: Any, helpers: Any
) -> None:
    site = await start(server.port, changes=changes(hook.port), secrets={"env:HOOK": SECRET})
    await site.stop()
    back = {"event": "returned", "state": "normal"}
    await site.put(row(helpers, hook.port, 1), row(helpers, hook.port, 2, alarm=back))
    site.start()
    await until_state(site, helpers, "sent", "Ann.2")
    ((_, _, content),) = hook.requests
    assert [one["snapshot"]["event"] for one in json.loads(content)["messages"]] == ["raised", "returned"]


@pytest.mark.parametrize(
    "trouble", ["500 Internal Server Error", "404 Not Found", "302 Found", "gone", "silent"]
)
async def test_a_webhook_that_fails_is_tried_again_and_is_no_matter_of_mail(
    hook: HookServer, server: Any, start: Any, helpers: Any, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await start(server.port, changes=changes(hook.port), secrets={"env:HOOK": SECRET})
    elsewhere = HookServer()
    await elsewhere.start()
    if trouble == "gone":
        await hook.stop()
    elif trouble == "silent":
        monkeypatch.setattr("scada.notify.webhook.TIMEOUT_S", 0.2)
        hook.silent = True
    else:
        hook.status = trouble
        hook.headers = f"Location: http://127.0.0.1:{elsewhere.port}/\r\n"
    try:
        await site.put(row(helpers, hook.port, 1), helpers.row(2))
        await helpers.wait(lambda: site.host.tags["System.WebhookOk"].value is False)
        await helpers.wait(lambda: len(server.mails) == 1)
        assert site.mail_ok is True
        assert elsewhere.requests == [], "no redirect is followed"
        hook.status, hook.headers, hook.silent = "204 No Content", "", False
        await hook.start() if trouble == "gone" else None
        await until_state(site, helpers, "sent", "Ann.1")
        await helpers.wait(lambda: site.host.tags["System.WebhookOk"].value is True)
        ids = {json.loads(content)["id"] for _, _, content in hook.requests}
        assert ids == {"<1@scada>"}
    finally:
        await elsewhere.stop()


async def test_what_the_receiver_will_not_have_fails_for_good(
    hook: HookServer, server: Any, start: Any, helpers: Any
) -> None:
    hook.status, hook.body = "400 Bad Request", b"<b>no such field</b>" * 100
    site = await start(server.port, changes=changes(hook.port), secrets={"env:HOOK": SECRET})
    await site.put(row(helpers, hook.port, 1))
    failed = await until_state(site, helpers, "failed", "Ann.1")
    assert failed.last_answer.startswith("400 Bad Request <b>no such field</b>")
    assert len(failed.last_answer) < 400
    assert site.host.tags["System.WebhookOk"].value is False


async def test_without_its_secret_nothing_is_posted_unsigned(
    hook: HookServer, server: Any, start: Any, helpers: Any
) -> None:
    site = await start(server.port, changes=changes(hook.port))
    await site.put(row(helpers, hook.port, 1))
    await helpers.wait(lambda: site.host.tags["System.WebhookOk"].value is False)
    assert hook.requests == []
    site.secrets["env:HOOK"] = SECRET
    await until_state(site, helpers, "sent", "Ann.1")


async def test_a_slow_mail_server_does_not_hold_up_webhooks(
    hook: HookServer, server: Any, start: Any, helpers: Any
) -> None:
    server.slow |= {f"m{n}@example.org" for n in range(6)}
    site = await start(server.port, changes=changes(hook.port), secrets={"env:HOOK": SECRET})
    mails = [helpers.row(n, contact=f"M{n}", recipient=f"m{n}@example.org") for n in range(6)]
    await site.put(*mails)
    await helpers.wait(lambda: server.reached)
    await site.put(row(helpers, hook.port, 99))
    await until_state(site, helpers, "sent", "Ann.99")
    assert server.mails == []
    server.hurry.set()


def test_a_signature_holds_for_its_body_and_its_time() -> None:
    now_us = 1_790_000_000 * SECOND_US
    header = signature.sign(SECRET, now_us, b"body")
    assert header.startswith("t=1790000000,v1=")
    assert signature.verify(SECRET, header, b"body", now_us + 299 * SECOND_US)
    assert not signature.verify(SECRET, header, b"body", now_us + 301 * SECOND_US)
    assert not signature.verify(SECRET, header, b"body", now_us - 301 * SECOND_US)
    assert not signature.verify(SECRET, header, b"other", now_us)
    assert not signature.verify(SECRET, header.replace("t=1790000000", "t=1790000001"), b"body", now_us)
    for bad in ("", "t=,v1=", header + "x", header.upper(), "t=١٧٩,v1=" + "0" * 64):
        assert not signature.verify(SECRET, bad, b"body", now_us)
