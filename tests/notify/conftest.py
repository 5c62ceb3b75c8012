import asyncio
import base64
import contextlib
import email
import email.policy
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from scada.core.plant import (
    Charger,
    Connector,
    Contact,
    Current,
    Feeder,
    Level,
    Mail,
    MailRelay,
    OnCallProfile,
    OnCallSettings,
    Plant,
    Site,
)
from scada.core.ports import Clock
from scada.core.records import OutboxRecord
from scada.core.tag import AlarmDefinition, Source, TagDefinition
from scada.core.value import Kind
from scada.history import CoreStore, open_core
from scada.notify import LinkSigner, Notifier, NotifierServices
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.testing import ports

TEMPLATES = Path(__file__).parents[2] / "alarms" / "mail"


class MailServer:
    """A real SMTP server that keeps what it takes and can be told how to answer.

    Attributes:
        rcpt: address → answer to RCPT; `*`: to every other.
        slow: addresses whose RCPT is answered only when `hurry` is set.
        reached: addresses in the order in which RCPT came.
    """

    def __init__(self, **options: Any) -> None:
        self.slow: set[str] = set()
        self.hurry = asyncio.Event()
        self.reached: list[str] = []
        self.tokens: list[str] = []
        self.token = ""
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.rcpt: dict[str, str] = {}
        self.data = ""
        self.drop = False
        self.port = ports.free_port()
        self._options = options
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        options = dict(self._options)
        context = options.pop("implicit", None)

        def make() -> SMTP:
            self.connections += 1
            return SMTP(self, hostname="mail.test", **options)

        self._server = await asyncio.get_running_loop().create_server(
            make, "127.0.0.1", self.port, ssl=context
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def handle_RCPT(  # noqa: N802 (a hook of aiosmtpd)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.reached.append(address)
        if address in self.slow:
            await self.hurry.wait()
        answer = self.rcpt.get(address) or self.rcpt.get("*")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def auth_XOAUTH2(self, server: SMTP, arguments: list[str]) -> AuthResult:  # noqa: N802 (a hook of aiosmtpd)
        """The log-in with a token: `user=NAME^Aauth=Bearer TOKEN^A^A` in base64."""
        text = base64.b64decode(arguments[1]).decode()
        self.tokens.append(text.partition("auth=Bearer ")[2].rstrip("\x01"))
        if self.tokens[-1] != self.token:
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=text)

    async def handle_DATA(  # noqa: N802 (a hook of aiosmtpd)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.drop:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 gone"
        if self.data:
            return self.data
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append(message)
        self.recipients += envelope.rcpt_tos
        return "250 taken"


def authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
) -> AuthResult:
    good = (data.login, data.password) == (b"scada", b"secret")
    return AuthResult(success=good, handled=False)


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    one = MailServer()
    await one.start()
    yield one
    await one.stop()


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


def make_plant(port: int, *more: MailRelay, **relay: Any) -> Plant:
    connector = Connector(
        number=1, path="Depot.CP01.C1", plug="Type 2", current=Current.AC, phases=3, current_max_a=32,
        power_max_kw=22,
    )  # fmt: skip
    charger = Charger(
        path="Depot.CP01", name="CP01", site="Depot", identity="CP01", device_type="ac22",
        label={"en": "Bay 1", "fr": "Place 1"}, feeder="Main", connectors=(connector,),
    )  # fmt: skip
    site = Site(
        path="Depot", label={"en": "North depot", "fr": "Dépôt nord"}, timezone="Europe/Paris", limit_a=100,
        feeders=(Feeder(name="Main", label={}, limit_a=100),), chargers=(charger,), meters=(),
    )  # fmt: skip
    offline = AlarmDefinition(
        level=20,
        abnormal=False,
        message={"en": "Charger offline", "fr": "Borne hors ligne"},
        cause={"en": "No network, or no power."},
        consequence={"en": "Cannot be supervised <now>."},
        guidance={"en": "Look at the switch."},
    )
    # Without delays, and mailed like any other if nothing held it back: the worst case.
    mail_lost = AlarmDefinition(level=20, abnormal=False, message={"en": "Mail cannot be sent"})
    hot = AlarmDefinition(level=10, message={"en": "Too hot"})
    own = [
        TagDefinition(path=f"Depot.CP01.C1.{name}", kind=kind, source=Source.INTERNAL)
        for name, kind in (
            ("TransactionId", Kind.REGISTER),
            ("IdTag", Kind.TEXT),
            ("InTransaction", Kind.BIT),
            ("SessionStart", Kind.REGISTER),
            ("SessionEnergy", Kind.REGISTER),
        )
    ]
    return Plant(
        name="Model",
        label={"en": "Model depot"},
        languages=("en", "fr"),
        timezone="Europe/Paris",
        sites=(site,),
        tags=(
            *own,
            TagDefinition(path="System.MailOk", kind=Kind.BIT, source=Source.INTERNAL, alarm=mail_lost),
            TagDefinition(path="System.MailTemplateOk", kind=Kind.BIT, source=Source.INTERNAL),
            TagDefinition(path="System.WebhookOk", kind=Kind.BIT, source=Source.INTERNAL),
            TagDefinition(
                path="Depot.Power",
                kind=Kind.REGISTER,
                source=Source.DRIVER,
                site="Depot",
                unit="kW",
                decimals=1,
            ),
            TagDefinition(
                path="Depot.CP01.Online", kind=Kind.BIT, source=Source.DRIVER, site="Depot", alarm=offline
            ),
            TagDefinition(
                path="Depot.CP01.Hot", kind=Kind.BIT, source=Source.DRIVER, site="Depot", alarm=hot
            ),
        ),
        levels=(
            Level(number=20, name={"en": "Urgent", "fr": "Urgent"}, priority="high", severity=700),
            Level(number=10, name={"en": "Minor"}, priority="low", severity=300),
        ),
        contacts=(
            Contact(name="Ann", email="ann@example.org", language="en", timezone="Europe/Paris"),
            Contact(name="Benoît", email="benoit@example.org", language="fr", timezone="Europe/Paris"),
        ),
        profiles=(
            OnCallProfile(
                name="all",
                to=("Ann",),
                levels=(0, 29),
                states=("raised", "acknowledged", "returned"),
                window_us=0,
            ),
            OnCallProfile(name="urgent", to=("Benoît",), levels=(20, 29), window_us=0),
        ),
        oncall=OnCallSettings(restart_window_us=0),
        mail=Mail(
            sender="scada@example.org",
            relays=(MailRelay(host="127.0.0.1", port=port, **{"security": "none", **relay}), *more),
        ),
    )


class Site1:
    """A running plant with its sender of messages."""

    def __init__(
        self,
        plant: Plant,
        store: CoreStore,
        secrets: dict[str, str],
        context: ssl.SSLContext | None,
        clock: Clock | None = None,
        folders: Sequence[Path] = (TEMPLATES,),
    ) -> None:
        self.plant = plant
        self.store = store
        self.secrets = secrets
        self.host = PlantHost(plant, store.restart(), clock or SystemClock(), store.journal, store.samples)
        self.links = LinkSigner(b"k" * 32, plant.oncall.link_valid_us) if plant.oncall.public_url else None
        self.notifier = Notifier(
            NotifierServices(
                plant=plant,
                host=self.host,
                outbox=store.outbox,
                archive=store.archive,
                folders=folders,
                secret=lambda reference: self.secrets.get(reference),
                links=self.links,
                duties=lambda _: {"Day and night": ("Ann",)},
                tls_context=context,
                retry_first_s=0.1,
                poll_s=0.05,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def put(self, *records: OutboxRecord) -> None:
        """Lay rows into the outbox as the core would."""
        await asyncio.to_thread(self.store.journal.commit, records)
        self.notifier.wake()

    def bit(self, name: str, value: bool) -> None:
        tag = self.host.tags[f"Depot.CP01.{name}"]
        now_us = self.host.clock.now_us()
        self.host.write([(tag, value, 0, now_us)])

    def start(self) -> None:
        self._task = asyncio.create_task(self.notifier.run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    @property
    def mail_ok(self) -> object:
        return self.host.tags["System.MailOk"].value

    async def rows(self) -> dict[str, Any]:
        page = await self.store.archive.outbox(100, None)
        return {f"{row.record.contact}.{row.record.cause}": row for row in page.items}


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for a condition (a coroutine function or a plain one)."""
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if isinstance(answer, Awaitable):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(0.01)


def make_row(number: int, **changes: Any) -> OutboxRecord:
    """A row about an alarm, as the on-call core makes them; `alarm` changes its snapshot."""
    snapshot = {
        "sequence": number,
        "time_us": 1_767_261_600_000_000 + number,
        "alarm": "Depot.CP01.Online",
        "site": "Depot",
        "level": 20,
        "event": "raised",
        "state": "active_unacknowledged",
        "raised_us": 1_767_261_600_000_000,
        "value": "",
        "user": "",
        "comment": "",
    } | changes.pop("alarm", {})
    values: dict[str, Any] = {
        "message_id": f"<{number}@scada>",
        "thread_id": "",
        "created_us": SystemClock().now_us(),
        "contact": "Ann",
        "recipient": "ann@example.org",
        "language": "en",
        "template": "alarm",
        "cause": number,
        "snapshot": json.dumps(snapshot),
        "level": snapshot["level"],
    }
    return OutboxRecord(**(values | changes))


Start = Callable[..., Awaitable[Site1]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    opened: list[Site1] = []

    async def make(
        port: int,
        *more: MailRelay,
        secrets: dict[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        clock: Clock | None = None,
        changes: dict[str, Any] | None = None,
        folders: Sequence[Path] = (TEMPLATES,),
        **relay: Any,
    ) -> Site1:
        plant = replace(make_plant(port, *more, **relay), **(changes or {}))
        site = Site1(plant, open_core(tmp_path), secrets or {}, context, clock, folders)
        opened.append(site)
        site.start()
        return site

    yield make
    for site in opened:
        await site.stop()
        await site.host.close()
        await asyncio.to_thread(site.store.close)


@pytest.fixture
def helpers() -> Any:
    class Helpers:
        wait = staticmethod(until)
        server = MailServer
        login = staticmethod(authenticate)
        plant = staticmethod(make_plant)
        templates = TEMPLATES
        row = staticmethod(make_row)

    return Helpers


@pytest.fixture
def plant() -> Plant:
    return make_plant(25)
