"""What stands in a mail, and what can never get into its headers."""

import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from scada.core.plant import Plant
from scada.core.records import OutboxRecord
from scada.notify import Composer


def _row(**changes: Any) -> OutboxRecord:
    alarm = {
        "sequence": 7,
        "time_us": 1_767_261_600_000_000,
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
        "message_id": "<Depot.CP01.Online.1.Ann.raised@scada>",
        "thread_id": "",
        "created_us": 1_767_261_600_000_000,
        "contact": "Ann",
        "recipient": "ann@example.org",
        "language": "en",
        "template": "alarm",
        "cause": 7,
        "snapshot": json.dumps(alarm),
    }
    return OutboxRecord(**(values | changes))


def _parse(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ["Charger offline", "North depot", "Bay 1", "20 (Urgent), priority high", "2026-01-01 11:00:00 CET",
             "No network, or no power.", "Look at the switch.", "active, not acknowledged"],
        ),
        ("fr", ["Borne hors ligne", "Dépôt nord", "Place 1", "20 (Urgent), priorité haute", "non acquittée"]),
        ("de", ["Charger offline", "North depot"]),
    ],
)  # fmt: skip
def test_both_bodies_say_it_all(plant: Plant, helpers: Any, language: str, words: list[str]) -> None:
    mail = Composer(plant, helpers.templates).compose(_row(language=language))
    message = _parse(mail.content)
    for word in words:
        assert word in _body(message, "plain")
        assert word in _body(message, "html")
    assert mail.text.split() == _body(message, "plain").split()


def test_values_are_escaped_in_html(plant: Plant, helpers: Any) -> None:
    row = _row(alarm={"comment": "<script>alert(1)</script>"})
    message = _parse(Composer(plant, helpers.templates).compose(row).content)
    assert "<script>" not in _body(message, "html")
    assert "&lt;now&gt;" in _body(message, "html")
    assert "<script>alert(1)</script>" in _body(message, "plain")


@pytest.mark.parametrize(
    "evil", ["x\r\nBcc: all@example.org", "x\nSubject: y", "x\r\n\r\nbody", "x\u2028z\x00\ud800"]
)
def test_no_value_becomes_a_header(plant: Plant, helpers: Any, evil: str) -> None:
    row = _row(
        alarm={"alarm": evil, "site": evil, "value": evil, "user": evil, "comment": evil},
        contact=evil,
        message_id=f"<{evil}@scada>",
        thread_id=f"<{evil}.head@scada>",
    )
    mail = Composer(plant, helpers.templates).compose(row)
    message = _parse(mail.content)
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert len(message.keys()) == 10
    assert "\n" not in mail.subject


def test_a_value_is_no_template(plant: Plant, helpers: Any) -> None:
    mail = Composer(plant, helpers.templates).compose(_row(alarm={"comment": "{{ 7 * 191 }}"}))
    assert "{{ 7 * 191 }}" in mail.text
    assert "1337" not in mail.text


def test_long_identifiers_stay_whole(plant: Plant, helpers: Any) -> None:
    long = "<" + "Depot.CP01.C1.Temperature.HiHi." * 6 + "raised@scada.example.org>"
    content = Composer(plant, helpers.templates).compose(_row(message_id=long, thread_id=long)).content
    for header in (b"Message-ID", b"In-Reply-To", b"References"):
        assert b"\r\n" + header + b": " + long.encode() + b"\r\n" in b"\r\n" + content
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert content.isascii()


@pytest.mark.parametrize(
    "template",
    [
        "{{ no_such_name }}",
        "{% broken",
        "{{ ''.__class__.__mro__ }}",
        "{{ (1).__class__.__base__.__subclasses__() }}",
    ],
)
def test_a_template_that_fails_sends_the_facts(plant: Plant, tmp_path: Path, template: str) -> None:
    for part in ("subject", "txt", "html"):
        (tmp_path / f"alarm.en.{part}").write_text(template)
    mail = Composer(plant, tmp_path).compose(_row())
    assert mail.subject == "raised: Charger offline"
    assert "Depot.CP01.Online" in mail.text
    assert "Look at the switch." in mail.text


def test_no_template_at_all_sends_the_facts(plant: Plant, tmp_path: Path) -> None:
    assert "Charger offline" in Composer(plant, tmp_path).compose(_row(snapshot="[")).text or True
    assert "Charger offline" in Composer(plant, tmp_path).compose(_row()).text
