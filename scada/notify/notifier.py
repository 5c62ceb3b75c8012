"""The service that sends the outbox: a lane for mail (and mail to short messages), and one for webhooks."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from scada.core.message_ports import OutboxRow, OutboxStore
from scada.core.plant import Plant
from scada.core.ports import Archive
from scada.core.records import Channel
from scada.core.report_ports import ReportDesk
from scada.core.value import GOOD, TimeUs
from scada.notify.attachments import attachments
from scada.notify.compose import Composer
from scada.notify.lane import POLL_S, RETRY_FIRST_S, Lane, LaneSettings, Sent
from scada.notify.links import LinkSigner
from scada.notify.mail_post import MailPost
from scada.notify.message import Attachment, Mail
from scada.notify.parcel import Parcel, key_of, snapshot_of
from scada.notify.relay import Answer, Verdict
from scada.notify.report import SAMPLE, Duties, ReportFigures
from scada.notify.samples import sample
from scada.notify.templates import SHIPPED
from scada.notify.webhook import WebhookPost
from scada.runtime.host import PlantHost

MAIL_AT_ONCE = 4
PATIENCE_S = 2.0
"""A server that thinks about one mail for longer does not hold up the next, which goes over another connection."""
WEBHOOKS_AT_ONCE = 8
REFUSED_MAX = 3
"""So many different recipients refused in a row, and none taken: it is the relay that is wrong, not they."""
PER_HOUR = 30
"""For contacts that are no longer in the project."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class NotifierServices:
    """Handed over by the composition root.

    Attributes:
        folders: of templates, the project's first.
        secret: reference → secret, or None where it is not there; read anew each time. Called in a thread.
        links: makes links to acknowledge with; None: messages carry none (`public_url` is not set).
        reports: makes what timed reports carry as files; None: they carry none.
        duties: moment → rota → names of who is on call.
        tls_context: for servers whose certificate the system's authorities do not vouch for.
    """

    plant: Plant
    host: PlantHost
    outbox: OutboxStore
    archive: Archive
    folders: Sequence[Path]
    secret: Callable[[str], str | None]
    links: LinkSigner | None = None
    duties: Duties = field(default=lambda _: {})
    reports: ReportDesk | None = None
    tls_context: ssl.SSLContext | None = None
    retry_first_s: float = RETRY_FIRST_S
    poll_s: float = POLL_S


class Notifier:
    """Sends the outbox."""

    def __init__(self, services: NotifierServices) -> None:
        self._plant = plant = services.plant
        self._host = services.host
        self._reports = services.reports
        self._composer = Composer(
            plant,
            services.folders,
            read=services.host.tags.get,
            links=services.links,
            health=self._template,
        )
        self._figures = ReportFigures(
            plant, services.host.board, services.archive, services.host.tags.get, services.duties
        )
        contacts = {contact.name: contact for contact in plant.contacts}

        async def secret(reference: str) -> str | None:
            return await asyncio.to_thread(services.secret, reference)

        self._mail = MailPost(plant.mail, secret, services.tls_context, retry_first_s=services.retry_first_s)
        self._webhooks = WebhookPost(contacts, secret)
        addresses = {address for one in contacts.values() for address in (one.email, one.sms) if address}
        self._refused_max = max(2, min(REFUSED_MAX, len(addresses)))
        self._refused: set[str] = set()
        """Recipients refused since one was last taken."""
        self._broken_templates: set[str] = set()
        self._broken_webhooks: set[str] = set()
        # Without a relay there is no mail path that could be said to work.
        self._well = {"mail": True} if plant.mail.relays else {}
        self._well |= {"mail_template": True, "webhook": True}

        def per_hour(name: str) -> int:
            return contacts[name].per_hour if name in contacts else PER_HOUR

        def lane(
            channels: tuple[Channel, ...], at_once: int, patience_s: float, send: Any, rest: Any
        ) -> Lane:
            settings = LaneSettings(
                channels=channels,
                at_once=at_once,
                patience_s=patience_s,
                retry_first_s=services.retry_first_s,
                poll_s=services.poll_s,
            )
            return Lane(
                settings,
                services.outbox,
                services.host.clock,
                send=send,
                rest=rest,
                per_hour=per_hour,
                moot=self._moot,
            )

        self._lanes = [
            lane((Channel.WEBHOOK,), WEBHOOKS_AT_ONCE, 0.0, self._send_webhook, self._webhooks.close)
        ]
        if plant.mail.relays:
            channels = (Channel.EMAIL, Channel.SMS)
            self._lanes.append(lane(channels, MAIL_AT_ONCE, PATIENCE_S, self._send_mail, self._mail.close))

    def _moot(self, row: OutboxRow) -> bool:
        """Whether a row says that an alarm stands which is suppressed by now: nothing suppressed is mailed."""
        snapshot = snapshot_of(row.record)
        if not str(snapshot.get("state", "")).startswith(("active", "latched")):
            return False
        view = self._host.board.get(str(snapshot.get("alarm", "")))
        return view is not None and view.state.suppressed

    def wake(self) -> None:
        """There may be a new row: look at once."""
        for lane in self._lanes:
            lane.wake()

    async def run(self) -> None:
        """Send until cancelled."""
        # The board moves when transitions are durable, and their messages are in the same transaction.
        end = self._host.board.subscribe(self.wake)
        for name, ok in self._well.items():
            self._show(name, ok)
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(lane.run())
        finally:
            end()
            await self._mail.close()
            await self._webhooks.close()

    def preview(self, template: str, language: str, contact: str = "", alarm: str = "") -> Mail:
        """A template as a contact would read it, with the facts of a sample or of an alarm of the plant.

        Args:
            contact: name; empty or unknown: a sample.
            alarm: path of its bit; empty or unknown: the first there is.

        Raises:
            ValueError: the contact's address is none.
        """
        parcel = sample(
            self._plant,
            template,
            self._kind(template),
            language=language,
            contact=next((one for one in self._plant.contacts if one.name == contact), None),
            now_us=self._host.clock.now_us(),
            alarm=alarm,
            channel=Channel.SMS if template == "sms" else Channel.EMAIL,
        )
        composer = Composer(
            self._plant, self._composer.library.folders, read=self._host.tags.get
        )  # without health: looking at a template is no message that failed, and its links would be real
        return composer.compose(parcel, self._host.clock.now_us(), SAMPLE)

    def _kind(self, template: str) -> str:
        """The kind of facts that a template is given: a project's own by who names it."""
        if any(report.template == template for report in self._plant.reports):
            return SHIPPED.get(template, "report")
        if any(notice.template == template for notice in self._plant.notices):
            return SHIPPED.get(template, "event")
        return SHIPPED.get(template, "alarm")

    async def _compose(self, parcel: Parcel, now_us: TimeUs) -> Mail:
        record = parcel.carrier.record
        snapshot = snapshot_of(record)
        figures: dict[str, Any] = {}
        if snapshot.get("kind") == "report":
            figures = await self._figures.gather(str(snapshot.get("site", "")), record.language, now_us)
            figures["not_attached"] = []
        attached: list[Attachment] = []
        if snapshot.get("kind") == "report" and record.channel is Channel.EMAIL and self._reports is not None:
            attached, figures["not_attached"] = await attachments(
                self._reports, self._plant, record, snapshot
            )
        return self._composer.compose(parcel, now_us, figures, attached)

    async def _send_mail(self, parcel: Parcel) -> Sent:
        try:
            mail = await self._compose(parcel, self._host.clock.now_us())
        except ValueError as error:
            return Sent(Answer(Verdict.REFUSED, f"cannot be sent: {error}"))
        answer = await self._mail.send(mail)
        if answer.verdict is Verdict.ACCEPTED:
            self._refused.clear()
            self._show("mail", True)
        elif answer.verdict is Verdict.REFUSED:
            self._refused.add(mail.recipient)
            if len(self._refused) < self._refused_max:
                # One row's fate: the server is there and judges. A wrong address must not look like a lost mail path.
                self._show("mail", True)
            else:
                self._show("mail", False, answer.text)
                answer = Answer(Verdict.LATER, answer.text)
        else:
            self._show("mail", False, answer.text)
        return Sent(answer, mail)

    async def _send_webhook(self, parcel: Parcel) -> Sent:
        now_us = self._host.clock.now_us()
        mail = await self._compose(parcel, now_us)
        contact, recipient, _ = key_of(parcel.carrier.record)
        answer = await self._webhooks.send(mail, contact, now_us)
        if answer.verdict is Verdict.ACCEPTED:
            self._broken_webhooks.discard(recipient)
        else:
            self._broken_webhooks.add(recipient)
        self._show("webhook", not self._broken_webhooks, answer.text)
        return Sent(answer, mail)

    def _template(self, name: str, ok: bool) -> None:
        if ok:
            self._broken_templates.discard(name)
        else:
            self._broken_templates.add(name)
        self._show("mail_template", not self._broken_templates, name)

    def _show(self, what: str, ok: bool, why: str = "") -> None:
        """How it stands with a way out as a tag, and once in the log when that changes."""
        if ok is not self._well[what]:
            self._well[what] = ok
            if ok:
                log.info("works_again", what=what)
            else:
                log.error("fails", what=what, reason=why)
        tag = self._host.tags.get(_TAGS[what])
        if tag is not None and (tag.value is not ok or tag.quality != GOOD):
            self._host.write([(tag, ok, GOOD, self._host.clock.now_us())])


_TAGS = {
    "mail": "System.MailOk",
    "mail_template": "System.MailTemplateOk",
    "webhook": "System.WebhookOk",
}
