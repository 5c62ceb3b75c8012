"""Outbox rows to messages: templates, a plain list of the facts as a last resort, headers, JSON for webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from scada.core import moment
from scada.core.message_ports import OutboxRow
from scada.core.plant import Plant
from scada.core.records import Channel, OutboxRecord
from scada.core.value import TimeUs
from scada.notify.facts import FIELD_LENGTH_MAX, FactMaker, Facts, Reader, ReadTag, ValueText, flat
from scada.notify.links import LinkSigner
from scada.notify.message import TEXT_LENGTH_MAX, Attachment, Envelope, Mail, make_mail, one_line
from scada.notify.parcel import Parcel, snapshot_of
from scada.notify.templates import DEFAULT, SHIPPED, Library

SHOWN_MAX = 25
"""Alarms listed in one message; the rest is a number."""
SMS_LENGTH_MAX = 160
SMS_NOT_GSM_MAX = 70
"""With a letter outside the alphabet of GSM 03.38 a short message holds this much."""
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_PLAIN = str.maketrans("âêîôûëïç·–’«»", 'aeioueic---""', "\u202f°")

log = structlog.get_logger()
_Told = tuple[OutboxRecord, Mapping[str, Any]]
"""A row and what it tells."""


class Composer:
    """Makes the messages of a plant. Call it on the loop: it reads tags.

    Args:
        folders: of templates, the project's first.
        read: gives live tags to templates.
        links: for links to acknowledge with; None: messages carry none.
        health: told of a template that failed (False), and again when it renders well (True).
    """

    def __init__(
        self,
        plant: Plant,
        folders: Sequence[Path],
        *,
        read: ReadTag = lambda _: None,
        links: LinkSigner | None = None,
        health: Callable[[str, bool], None] = lambda _name, _ok: None,
    ) -> None:
        self._plant = plant
        self.library = Library(folders, plant.languages[0])
        self.maker = FactMaker(plant, read, links)
        self._health = health

    def compose(
        self,
        parcel: Parcel,
        now_us: TimeUs,
        figures: Mapping[str, Any] | None = None,
        attachments: Sequence[Attachment] = (),
    ) -> Mail:
        """The message of one or more outbox rows. A template that fails is replaced by a plain list of the facts.

        Args:
            figures: of a report (`scada.notify.report`).
            attachments: files that go with a mail; short messages and webhooks carry none.

        Raises:
            ValueError: the recipient's address is none.
        """
        template, record, facts = self._prepare(parcel, now_us, figures or {})
        try:
            subject, text, html = self.render(template, record, facts)
            self._health(template, True)
        except Exception as error:  # templates are the project's: whatever they raise, the alarm goes out
            log.error("mail_template_failed", template=template, error=str(error))
            self._health(template, False)
            subject, text, html = _plain(facts)
        carrier = parcel.carrier.record
        if carrier.channel is Channel.WEBHOOK:
            return self._json(parcel, template, facts, subject, text, now_us)
        sms = carrier.channel is Channel.SMS
        envelope = Envelope(
            sender_name="EV-SCADA " + self._plant.name,
            sender=self._plant.mail.sender,
            to=carrier.contact,
            recipient=carrier.recipient,
            message_id=carrier.message_id,
            threads=_threads(parcel),
            time_us=now_us,
        )
        if sms:
            line = short(text)
            return make_mail(envelope, line, line, "", header=False)
        return make_mail(
            envelope, subject, text[:TEXT_LENGTH_MAX], html[:TEXT_LENGTH_MAX], attachments=attachments
        )

    def render(self, template: str, record: OutboxRecord, facts: Facts) -> tuple[str, str, str]:
        """(subject, text, HTML) of a template; raises whatever it raises."""
        if record.channel is Channel.SMS:
            found = self.library.find("sms", "txt", record.language)
            if found is None:
                raise FileNotFoundError("there is no template sms.txt")
            return "", found.render(facts), ""
        parts = []
        for part in ("subject", "txt", "html"):
            found = self.library.find(template, part, record.language)
            if found is None and part != "html":
                found = self.library.find(DEFAULT[facts["kind"]], part, record.language)
            if found is None and part != "html":
                raise FileNotFoundError(f"there is no template {template}.{part}")
            parts.append(found.render(facts) if found else "")
        return parts[0], _tidy(parts[1]), parts[2]

    def facts(self, parcel: Parcel, now_us: TimeUs, figures: Mapping[str, Any]) -> Facts:
        """What the template of these rows is given."""
        return self._prepare(parcel, now_us, figures)[2]

    def _prepare(
        self, parcel: Parcel, now_us: TimeUs, figures: Mapping[str, Any]
    ) -> tuple[str, OutboxRecord, Facts]:
        """(template, row that it is about, facts)."""
        record = parcel.carrier.record
        reader = self.maker.reader(record)
        words = self.library.words(record.language)
        facts = self.maker.common(reader, words, now_us)
        snapshot = snapshot_of(record)
        template = record.template
        if "alarm" in snapshot:
            newest = _newest(parcel.rows)
            held = parcel.held
            facts["held_back"] = len(held)
            facts["held_since"] = reader.time(parcel.held_since_us)
            if len(newest) > 1 or held:
                template = "digest" if held else "several"
                more = self._several(newest, len(parcel.rows), reader, now_us)
            else:
                record, snapshot = newest[0]
                template = record.template
                more = self.maker.alarm(snapshot, record, reader, now_us)
                more["kind"] = "alarm"
        else:
            kind, more = self._other(snapshot, record, reader)
            more["kind"] = kind
            if kind == "report":
                more.update(figures)
        more["template"] = template
        more["value"] = ValueText(str(more.get("value", "")), facts["value"].read)
        return template, record, {**facts, **more}

    def _several(self, newest: Sequence[_Told], messages: int, reader: Reader, now_us: TimeUs) -> Facts:
        """The newest state of each alarm, most pressing first; those past the bound are only counted."""
        pressing = sorted(newest, key=lambda one: _rank(one[1]))
        shown = [
            self.maker.alarm(snapshot, record, reader, now_us) for record, snapshot in pressing[:SHOWN_MAX]
        ]
        states = (str(snapshot.get("state", "")) for _, snapshot in newest)
        unacknowledged = sum(state.endswith("unacknowledged") for state in states)
        return {
            "kind": "several",
            "alarms": shown,
            "first": shown[0],
            "total": len(newest),
            "more": len(newest) - len(shown),
            "messages": messages,
            "unacknowledged": unacknowledged,
            "priority": shown[0]["priority"],
        }

    def _other(self, snapshot: Mapping[str, Any], record: OutboxRecord, reader: Reader) -> tuple[str, Facts]:
        if snapshot.get("kind") == "report" and SHIPPED.get(record.template) != "test":
            site = str(snapshot.get("site", ""))
            from_us, time_us = snapshot.get("from_us"), snapshot.get("time_us")
            return "report", flat(
                {
                    "report": str(snapshot.get("report", "")),
                    "site_path": site,
                    "time": reader.time(time_us) or reader.time(record.created_us),
                    "from": reader.time(from_us),
                }
            )
        if "path" in snapshot and "kind" in snapshot:
            return "event", self.maker.event(snapshot, record, reader)
        if "action" in snapshot:
            return "action", self.maker.action(snapshot, record, reader)
        return "test", self.maker.test(snapshot, record, reader)

    def _json(
        self, parcel: Parcel, template: str, facts: Facts, subject: str, text: str, now_us: TimeUs
    ) -> Mail:
        carrier = parcel.carrier.record
        reader = self.maker.reader(carrier)
        messages: list[Facts] = []
        for row in parcel.rows:
            snapshot = snapshot_of(row.record)
            one: Facts = {
                "id": row.record.message_id,
                "template": row.record.template,
                "cause": row.record.cause,
            }
            if "alarm" in snapshot:
                told = self.maker.alarm(snapshot, row.record, reader, now_us)
                names = ("message", "site", "device", "priority", "token", "ack_url", "page_url")
                one |= {name: told[name] for name in names}
            messages.append(one | {"snapshot": flat(snapshot)})
        body = {
            "id": carrier.message_id,
            "template": template,
            "time": moment.text(now_us),
            "project": facts["project"],
            "contact": carrier.contact,
            "language": carrier.language,
            "subject": one_line(subject, 500),
            "text": text[:20_000],
            "held_back": len(parcel.held),
            "callback_url": self.maker.callback_url(carrier.contact),
            "messages": messages,
        }
        content = json.dumps(body, ensure_ascii=False, default=str).encode(errors="replace")
        return Mail(carrier.recipient, one_line(subject, 180), text[:TEXT_LENGTH_MAX], content)


def short(text: str) -> str:
    """One line that fits in one short message."""
    line = one_line(text, FIELD_LENGTH_MAX).translate(_PLAIN)
    bound = SMS_LENGTH_MAX if _GSM.issuperset(line) else SMS_NOT_GSM_MAX
    return one_line(line, bound, "...")


def _newest(rows: Sequence[OutboxRow]) -> list[_Told]:
    """The newest row of each alarm, in the order in which the alarms first stand there."""
    newest: dict[str, _Told] = {}
    for row in sorted(rows, key=lambda row: row.id):
        snapshot = snapshot_of(row.record)
        newest[str(snapshot.get("alarm"))] = (row.record, snapshot)
    return list(newest.values())


def _rank(snapshot: Mapping[str, Any]) -> tuple[bool, int, int]:
    """Not acknowledged first, then by level, then newest first."""
    level, time_us = snapshot.get("level"), snapshot.get("time_us")
    return (
        not str(snapshot.get("state", "")).endswith("unacknowledged"),
        -level if isinstance(level, int) else 0,
        -time_us if isinstance(time_us, int) else 0,
    )


def _threads(parcel: Parcel) -> list[str]:
    """The conversations of all rows, the carrier's own last."""
    heads = [row.record.thread_id or row.record.message_id for row in reversed(parcel.rows)]
    return [head for head in dict.fromkeys(heads) if head != parcel.carrier.record.message_id]


def _tidy(text: str) -> str:
    """Without blanks at the ends of lines, and never more than one empty line: templates need not care."""
    lines: list[str] = []
    for line in (one.rstrip() for one in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).rstrip() + "\n"


def _plain(facts: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject and text without any template."""
    about = facts.get("first", facts)
    head = about.get("message") or facts.get("text") or facts.get("report") or facts.get("template", "")
    lines = []
    for one in facts.get("alarms", [facts]):
        lines += [f"{name}: {fact}" for name, fact in one.items() if _tellable(name, fact)]
        lines.append("")
    if facts.get("more"):
        lines.append(f"+ {facts['more']}")
    if facts.get("held_back"):
        lines.append(f"held_back: {facts['held_back']} ({facts['held_since']})")
    total = f" (+{facts['total'] - 1})" if facts.get("total", 1) > 1 else ""
    return f"{about.get('event', '')}: {head}{total}".lstrip(": "), "\n".join(lines), ""


def _tellable(name: str, fact: object) -> bool:
    return (
        isinstance(fact, (str, int, float)) and fact not in ("", 0, False) and name not in ("token", "kind")
    )
