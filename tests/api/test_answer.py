"""Answers from outside over real HTTP: links in messages, and signed call-backs."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from scada.api import ApiServices, create_app
from scada.api.answer import ADDRESSES_MAX, _Bucket
from scada.core import signature
from scada.core.access import Actor, Right, Role
from scada.core.commissioning import Deviations
from scada.core.device_ports import LimitHabit
from scada.core.plant import Contact, Level, OnCallSettings, Plant
from scada.core.ports import JournalFilter, UserRow
from scada.core.records import AlarmTransition, Channel, OutboxRecord
from scada.core.tag import AlarmDefinition, Source, TagDefinition
from scada.core.value import GOOD, SECOND_US, Kind
from scada.drivers.ocpp.console import Console
from scada.drivers.ocpp.trace import Trace
from scada.drivers.ocpp.v16 import DIALECT as V16
from scada.history import CoreStore, open_core
from scada.identity import passwords
from scada.identity.accounts import Accounts
from scada.notify import LinkSigner
from scada.reports import Desk
from scada.runtime.allocation import LoadManagement
from scada.runtime.bookkeeper import Bookkeeper
from scada.runtime.campaigns import Campaigns
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.modes import Modes
from scada.runtime.reconciler import Reconciler
from scada.runtime.report_jobs import ReportJobs
from scada.runtime.requests import Acknowledge
from scada.runtime.router import CommandRouter
from scada.runtime.shift_log import ShiftLog
from scada.runtime.tickets import Tickets
from scada.testing import until
from scada.testing.clock import FakeClock

ALARM = "Plant.Hot"
SECRET = "of the hook"
BOB = Actor("bob", frozenset({Right.ACKNOWLEDGE}), "hmi 192.0.2.1")


def plant() -> Plant:
    hot = AlarmDefinition(
        level=20,
        message={"en": "Transformer <too> hot", "fr": "Transformateur trop chaud"},
        guidance={"en": "Open the vents.", "fr": "Ouvrir les volets."},
    )
    return Plant(
        name="P",
        label={"en": "North plant", "fr": "Site nord"},
        languages=("en", "fr"),
        timezone="UTC",
        sites=(),
        tags=(TagDefinition(path=ALARM, kind=Kind.BIT, source=Source.DRIVER, alarm=hot),),
        levels=(Level(number=20, name={"en": "Urgent"}, priority="high", severity=700),),
        contacts=(
            Contact(name="Ann Lee", email="ann@plant.example", language="en", timezone="Europe/Paris", webhook_secret_ref="env:HOOK"),
            Contact(name="Benoît", email="benoit@plant.example", language="fr"),
        ),
        oncall=OnCallSettings(public_url="https://scada.plant.example"),
        roles={"guest": Role(rights=frozenset({Right.SEE}))},
    )  # fmt: skip


@dataclass
class Door:
    """A served interface with what stands behind it."""

    host: PlantHost
    store: CoreStore
    clock: FakeClock
    links: LinkSigner
    client: httpx2.AsyncClient

    def bit(self, value: bool) -> None:
        self.host.write([(self.host.tags[ALARM], value, GOOD, self.clock.now_us())])

    async def raise_alarm(self) -> str:
        """Raise it; returns a token of Ann's."""
        self.bit(True)
        await until(lambda: self.host.board.get(ALARM) is not None)
        return self.token()

    def token(self, contact: str = "Ann Lee") -> str:
        view = self.host.board.get(ALARM)
        assert view is not None
        return self.links.make(ALARM, view.raised_us, contact, self.clock.now_us())

    async def journal(self) -> list[AlarmTransition]:
        page = await self.store.archive.alarm_journal(JournalFilter(), 100, None)
        return list(reversed(page.items))

    async def events(self) -> list[str]:
        return [row.event.value for row in await self.journal()]

    async def call(self, body: Any, secret: str = SECRET, contact: str = "Ann Lee", **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = {signature.HEADER: signature.sign(secret, self.clock.now_us(), content)}
        return await self.client.post(
            f"/api/v1/oncall/callback/{contact}", content=content, headers={**signed, **headers}
        )


class NothingKnown:
    """No driver has told anything of a charger."""

    def report(self, charger: str) -> None:
        return None

    def deviations(self, charger: str) -> Deviations:
        return Deviations()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    store = open_core(tmp_path)
    clock, made = FakeClock(), plant()
    host = PlantHost(made, store.restart(), clock, store.journal, store.samples)
    store.users.put(UserRow("gus", "guest", passwords.hash_password("correct horse"), "en", False))

    async def audit(_: Any) -> None: ...

    accounts = Accounts(store.users, made.roles, clock, audit)
    await accounts.refresh()
    links = LinkSigner(b"k" * 32, 3600 * SECOND_US)
    router = CommandRouter(host)
    application = create_app(
        ApiServices(
            plant=made,
            host=host,
            router=router,
            campaigns=Campaigns(host, router, Documents(host, ()), accounts.actor_named, lambda _: {}),
            sharing=LoadManagement(
                host.plant, host, router, Documents(host, ()), lambda _charger, _number: LimitHabit()
            ),
            tickets=Tickets(host, Documents(host, ())),
            modes=Modes(host, router, Documents(host, ())),
            shift_log=ShiftLog(host, store.archive),
            configuration=lambda _: {},
            accounts=accounts,
            archive=store.archive,
            sessions=store.sessions,
            reports=(desk := Desk(made, store.archive, store.sessions, clock)),
            report_jobs=ReportJobs(desk, clock),
            reconciler=Reconciler(
                made,
                host,
                store.archive,
                store.sessions,
                Bookkeeper(made, host, store.archive, store.sessions),
                Documents(host, ()),
            ),
            console=Console(made, Trace(clock, 1), lambda _: V16),
            knowledge=NothingKnown(),
            version="0",
            status=dict,
            links=links,
            secret={"env:HOOK": SECRET}.get,
        )
    )
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield Door(host, store, clock, links, client)
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await host.close()
    await asyncio.to_thread(store.close)


async def test_a_scanner_opens_the_link_a_hundred_times_and_nothing_happens(door: Door) -> None:
    token = await door.raise_alarm()
    for number in range(100):
        method = "HEAD" if number % 10 == 0 else "GET"
        assert (await door.client.request(method, f"/a/{token}")).status_code == 200
    assert await door.events() == ["raised"]
    assert (await door.client.post(f"/a/{token}")).status_code == 200, "and the person can still answer"
    assert await door.events() == ["raised", "acknowledged"]


async def test_the_page_says_what_it_is_about_and_can_do_nothing_else(door: Door) -> None:
    token = await door.raise_alarm()
    answer = await door.client.get(f"/a/{token}")
    page = answer.text
    assert "Transformer &lt;too&gt; hot" in page
    assert "Open the vents." in page
    assert "active, not acknowledged" in page
    assert '<a href="/alarms">' in page
    assert page.count("<button") == 1
    assert "<script" not in page
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    french = (await door.client.get(f"/a/{door.token('Benoît')}")).text
    assert "Transformateur trop chaud" in french
    assert "Acquitter" in french
    assert '<html lang="fr">' in french


async def test_the_button_acknowledges_in_the_persons_name_once(door: Door) -> None:
    token = await door.raise_alarm()
    done = await door.client.post(f"/a/{token}")
    assert "Thank you." in done.text
    row = (await door.journal())[-1]
    assert (row.event.value, row.user) == ("acknowledged", "Ann Lee")
    assert row.origin == "mail 127.0.0.1"
    again = await door.client.post(f"/a/{token}")
    assert "You have acknowledged it already." in again.text
    assert "<button" not in again.text
    other = await door.client.get(f"/a/{door.token('Benoît')}")
    assert "Ann Lee" in other.text
    assert await door.events() == ["raised", "acknowledged"]


async def test_acknowledged_by_another_meanwhile(door: Door) -> None:
    token = await door.raise_alarm()
    await door.host.request(Acknowledge((ALARM,), BOB, ""))
    for method in ("GET", "POST"):
        page = (await door.client.request(method, f"/a/{token}")).text
        assert "It was acknowledged by bob." in page
        assert "<button" not in page
    door.bit(False)
    await until(lambda: door.host.board.get(ALARM) is None)
    assert "It was acknowledged by bob." in (await door.client.get(f"/a/{token}")).text


async def test_a_returned_alarm_can_still_be_acknowledged_and_then_is_over(door: Door) -> None:
    token = await door.raise_alarm()
    door.bit(False)
    await until(lambda: (view := door.host.board.get(ALARM)) is not None and not view.state.active)
    assert "returned, not acknowledged" in (await door.client.get(f"/a/{token}")).text
    assert "Thank you." in (await door.client.post(f"/a/{token}")).text
    assert door.host.board.get(ALARM) is None
    assert "You have acknowledged it already." in (await door.client.get(f"/a/{token}")).text


async def test_a_link_is_for_one_occurrence(door: Door) -> None:
    old = await door.raise_alarm()
    await door.host.request(Acknowledge((ALARM,), BOB, ""))
    door.bit(False)
    await until(lambda: door.host.board.get(ALARM) is None)
    door.clock.leap(60)
    await door.raise_alarm()
    assert "It was acknowledged by bob." in (await door.client.post(f"/a/{old}")).text
    foreign = door.links.make(ALARM, 12345, "Ann Lee", door.clock.now_us())
    page = (await door.client.post(f"/a/{foreign}")).text
    assert "That alarm is over. It came again since" in page
    view = door.host.board.get(ALARM)
    assert view is not None
    assert view.state.unacknowledged


async def test_what_is_no_link_tells_nothing(door: Door) -> None:
    token = await door.raise_alarm()
    stranger = LinkSigner(b"x" * 32, 3600 * SECOND_US)
    view = door.host.board.get(ALARM)
    assert view is not None
    now_us = door.clock.now_us()
    bad = [
        "x",
        token[:-3],
        "x" * 5_000,
        stranger.make(ALARM, view.raised_us, "Ann Lee", now_us),
        door.links.make("Plant.Nowhere", view.raised_us, "Ann Lee", now_us),
        door.links.make(ALARM, view.raised_us, "Nobody", now_us),
    ]
    for one in bad:
        for method in ("GET", "POST"):
            answer = await door.client.request(method, f"/a/{one}")
            assert answer.status_code == 404
            assert "Transformer" not in answer.text
            assert "North plant" not in answer.text
    door.clock.leap(3600)
    for method in ("GET", "POST"):
        answer = await door.client.request(method, f"/a/{token}")
        assert answer.status_code == 410
        assert "Transformer" not in answer.text
    assert await door.events() == ["raised"]


async def test_who_guesses_is_slowed_down(door: Door) -> None:
    token = await door.raise_alarm()
    codes = [(await door.client.get(f"/a/{number}")).status_code for number in range(35)]
    assert codes == [404] * 30 + [429] * 5
    assert (await door.client.post(f"/a/{token}")).status_code == 429
    assert (await door.call({})).status_code == 429
    door.clock.leap(61)
    assert (await door.client.post(f"/a/{token}")).status_code == 200


def test_the_memory_of_addresses_is_bounded() -> None:
    bucket = _Bucket(FakeClock().now_us)
    for number in range(ADDRESSES_MAX + 100):
        bucket.take(str(number), 1)
    assert len(bucket._spent) == ADDRESSES_MAX


async def test_a_signed_call_acknowledges(door: Door) -> None:
    token = await door.raise_alarm()
    answer = await door.call({"action": "acknowledge", "token": token})
    assert answer.json() == {
        "acknowledged": True,
        "alarm": ALARM,
        "state": "active_acknowledged",
        "acknowledged_by": "Ann Lee",
    }
    assert (await door.journal())[-1].origin == "webhook 127.0.0.1"
    assert (await door.call({"action": "acknowledge", "token": token})).status_code == 409, (
        "the same call again"
    )
    door.clock.leap(1)
    again = await door.call({"action": "acknowledge", "token": token})
    assert (again.status_code, again.json()["acknowledged"]) == (200, False)


async def test_a_call_that_is_not_right_does_nothing(door: Door) -> None:
    token = await door.raise_alarm()
    body = {"action": "acknowledge", "token": token}
    content = json.dumps(body).encode()
    late = signature.sign(SECRET, door.clock.now_us() - 301 * SECOND_US, content)
    foreign = door.token("Benoît")
    cases = [
        (await door.call(body, secret="wrong"), 401),
        (await door.call(body, contact="Benoît"), 401),
        (await door.call(body, contact="Nobody"), 401),
        (await door.call(body, **{signature.HEADER: late}), 401),
        (await door.call(body, **{signature.HEADER: ""}), 401),
        (await door.call(b"no json"), 400),
        (await door.call(b"[" * 9_000), 400),
        (await door.call({"action": "shelve", "token": token}), 400),
        (await door.call({"action": "acknowledge", "token": "x"}), 404),
        (await door.call({"action": "acknowledge", "token": foreign}), 404),
        (await door.call(b"x" * 20_000), 413),
    ]
    assert [answer.status_code for answer, _ in cases] == [code for _, code in cases]
    door.clock.leap(3600)
    assert (await door.call(body)).status_code == 410
    assert await door.events() == ["raised"]


async def test_the_log_of_messages_as_json_and_as_a_table(door: Door) -> None:
    record = OutboxRecord(
        message_id="<1@scada>",
        thread_id="",
        created_us=door.clock.now_us(),
        contact="=cmd()",
        recipient="https://hook.plant.example/x",
        language="en",
        template="alarm",
        cause=7,
        snapshot="{}",
        channel=Channel.WEBHOOK,
        profile="night",
        level=20,
        urgent=True,
    )
    await asyncio.to_thread(door.store.journal.commit, [record])
    await door.store.outbox.bind(1, [1])
    await door.store.outbox.settle(
        1,
        state="sent",
        answer='200 "OK", taken',
        next_try_us=0,
        subject="@SUM(A1)",
        sent_us=door.clock.now_us(),
    )
    assert (await door.client.get("/api/v1/outbox")).status_code == 401
    login = httpx2.BasicAuth("gus", "correct horse")
    (item,) = (await door.client.get("/api/v1/outbox", auth=login)).json()["items"]
    assert item["channel"] == "webhook"
    assert (item["state"], item["attempts"], item["sent_with"], item["urgent"]) == ("sent", 1, 0, True)
    assert item["sent"] == item["created"]
    assert item["next_try"] is None
    table = await door.client.get("/api/v1/outbox.csv", auth=login)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    (row,) = csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert row["contact"] == "'=cmd()"
    assert row["subject"] == "'@SUM(A1)"
    assert row["last_answer"] == '200 "OK", taken'
    assert row["cause"] == "7"
