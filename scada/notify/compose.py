"""Outbox rows to mails: templates, plain text as a last resort, headers.

Values of an alarm may come from a charger. They enter only as data of a sandboxed template, without control
characters, so none can become a header, a second mail or code.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scada.core.path import leaf
from scada.core.plant import Plant
from scada.core.records import OutboxRecord
from scada.core.tag import AlarmDefinition
from scada.core.value import SECOND_US, TimeUs

SUBJECT_LENGTH_MAX = 180
FIELD_LENGTH_MAX = 2_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes out: the wire's bytes, and what the log of the outbox keeps."""

    recipient: str
    subject: str
    text: str
    content: bytes


class _MailPolicy(EmailPolicy):
    """RFC 5322 with CRLF; identifiers are never folded or encoded, for a changed one breaks the conversation."""

    _ids = ("message-id", "in-reply-to", "references")

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in self._ids:
            return f"{name}: {value}{self.linesep}"
        folded: str = super().fold(name, value)
        return folded

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in self._ids:
            return self.fold(name, value).encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _MailPolicy(linesep=SMTP.linesep, cte_type="7bit", utf8=False)


class Composer:
    """Makes the mails of a plant.

    Args:
        templates: folder with `<template>.<language>.subject`, `.txt` and `.html`.
    """

    def __init__(self, plant: Plant, templates: Path) -> None:
        self._plant = plant
        loader: BaseLoader = FileSystemLoader(templates)
        self._text = _environment(loader, autoescape=False)
        self._html = _environment(loader, autoescape=True)
        self._levels = {level.number: level for level in plant.levels}
        self._sites = {site.path: site for site in plant.sites}

    def compose(self, record: OutboxRecord) -> Mail:
        """The mail of an outbox row. A template that fails is replaced by a plain list of the facts."""
        facts = self._facts(record)
        try:
            subject = self._render(self._text, record, "subject", facts)
            text = self._render(self._text, record, "txt", facts)
            html = self._render(self._html, record, "html", facts)
        except Exception as error:  # templates are the project's: whatever they raise, the alarm goes out
            log.error("mail_template_failed", template=record.template, error=str(error))
            subject = f"{facts['event']}: {facts['message']}"
            text = "\n".join(f"{name}: {fact}" for name, fact in facts.items() if fact != "")
            html = ""
        subject = _one_line(subject, SUBJECT_LENGTH_MAX)
        return Mail(
            record.recipient,
            subject,
            text,
            self._message(record, subject, text, html).as_bytes(policy=_POLICY),
        )

    def _render(
        self, environment: Environment, record: OutboxRecord, part: str, facts: Mapping[str, Any]
    ) -> str:
        names = [
            f"{record.template}.{language}.{part}"
            for language in dict.fromkeys((record.language, self._plant.languages[0], "en"))
        ]
        try:
            template = environment.select_template(names)
        except TemplateNotFound:
            raise FileNotFoundError(f"none of {', '.join(names)}") from None
        return template.render(facts)

    def _message(self, record: OutboxRecord, subject: str, text: str, html: str) -> EmailMessage:
        message = EmailMessage(policy=_POLICY)
        message["From"] = _address("EV-SCADA " + self._plant.name, self._plant.mail.sender)
        message["To"] = _address(record.contact, record.recipient)
        message["Subject"] = subject
        message["Date"] = datetime.fromtimestamp(record.created_us / SECOND_US, UTC)
        message["Message-ID"] = _identifier(record.message_id)
        if record.thread_id:
            message["In-Reply-To"] = _identifier(record.thread_id)
            message["References"] = _identifier(record.thread_id)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: no absence note comes back
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        return message

    def _facts(self, record: OutboxRecord) -> dict[str, Any]:
        """What a template may use: texts and numbers, each on one line."""
        try:
            alarm = json.loads(record.snapshot)
        except ValueError:
            alarm = {}
        plant, language = self._plant, record.language
        path = str(alarm.get("alarm", ""))
        definition = plant.definitions.get(path)
        texts = (definition.alarm if definition else None) or AlarmDefinition(level=0)
        label = plant.text(definition.label, language) if definition else ""
        site = self._sites.get(str(alarm.get("site", "")))
        zone = ZoneInfo(site.timezone if site else plant.timezone)
        level = self._levels.get(alarm.get("level", 0))
        facts = {
            "message": plant.text(texts.message, language) or label or path or record.template,
            "event": alarm.get("event", ""),
            "state": alarm.get("state", ""),
            "time": _time(alarm.get("time_us", record.created_us), zone),
            "raised": _time(alarm.get("raised_us", record.created_us), zone),
            "site": plant.text(site.label, language) or site.path
            if site
            else plant.text(plant.label, language),
            "device": self._device(path, language),
            "level": alarm.get("level", 0),
            "level_name": plant.text(level.name, language) if level else "",
            "priority": level.priority if level else "",
            "value": alarm.get("value", ""),
            "user": alarm.get("user", ""),
            "comment": alarm.get("comment", ""),
            "cause": plant.text(texts.cause, language),
            "consequence": plant.text(texts.consequence, language),
            "guidance": plant.text(texts.guidance, language),
            "alarm": path,
            "sequence": alarm.get("sequence", record.cause),
            "project": plant.text(plant.label, language) or plant.name,
        }
        return {
            name: _one_line(fact, FIELD_LENGTH_MAX) if isinstance(fact, str) else fact
            for name, fact in facts.items()
        }

    def _device(self, path: str, language: str) -> str:
        """The charger (with connector) or meter that an alarm is about, or empty."""
        plant = self._plant
        place = plant.place_of(path)
        if place in plant.connectors_by_path:
            charger, connector = plant.connectors_by_path[place]
            return _named(f"{charger.name} {leaf(connector.path)}", plant.text(charger.label, language))
        if place in plant.chargers_by_path:
            charger = plant.chargers_by_path[place]
            return _named(charger.name, plant.text(charger.label, language))
        meter = next((meter for meter in plant.meters() if meter.path == place), None)
        return _named(meter.name, plant.text(meter.label, language)) if meter else ""


def _named(name: str, label: str) -> str:
    """The tag name, which is unique in its site, and the label, which need not be."""
    return f"{name} ({label})" if label and label != name else name


def _environment(loader: BaseLoader, *, autoescape: bool) -> Environment:
    return ImmutableSandboxedEnvironment(loader=loader, undefined=StrictUndefined, autoescape=autoescape)


def _one_line(text: str, length_max: int) -> str:
    """Without control characters and line separators, and not longer than the bound."""
    kept = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} else c for c in text)
    kept = " ".join(kept.split())
    return kept if len(kept) <= length_max else kept[: length_max - 1] + "…"


def _identifier(text: str) -> str:
    """A Message-ID: printable ASCII without blanks, short enough for a line of its own."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and not c.isspace())[:900]


def _address(name: str, address: str) -> str | Address:
    """A mailbox. An address that is none raises ValueError."""
    return Address(_one_line(name, 80), addr_spec=address)


def _time(time_us: TimeUs, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_us / SECOND_US, zone).strftime("%Y-%m-%d %H:%M:%S %Z")
