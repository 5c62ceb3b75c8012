"""What stands in a mail, and what can never get into its headers."""

import email
import email.policy
import json
import os
import tomllib
from dataclasses import replace
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from scada.core.message_ports import OutboxRow
from scada.core.plant import Contact, OnCallSettings, Plant
from scada.core.records import Channel, OutboxRecord
from scada.core.tag import Tag
from scada.core.value import GOOD, SECOND_US, Quality
from scada.notify import Composer, LinkSigner, Mail
from scada.notify.compose import short
from scada.notify.facts import span
from scada.notify.message import Envelope, make_mail
from scada.notify.parcel import Parcel
from scada.notify.report import SAMPLE
from scada.notify.samples import sample
from scada.notify.templates import SHIPPED


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


NOW_US = 1_767_261_720_000_000


def _outbox_row(record: OutboxRecord, number: int = 1, state: str = "waiting") -> OutboxRow:
    return OutboxRow(
        id=number, record=record, state=state, attempts=0, next_try_us=0, last_answer="", subject=""
    )


def _compose(plant: Plant, folders: list[Path], *records: OutboxRecord, **options: Any) -> Mail:
    rows = tuple(_outbox_row(record, number) for number, record in enumerate(records, 1))
    figures = options.pop("figures", None)
    return Composer(plant, folders, **options).compose(Parcel(rows), NOW_US, figures)


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
    mail = _compose(plant, [helpers.templates], _row(language=language))
    message = _parse(mail.content)
    for word in words:
        assert word in _body(message, "plain")
        assert word in _body(message, "html")
    assert mail.text.split() == _body(message, "plain").split()


def test_values_are_escaped_in_html(plant: Plant, helpers: Any) -> None:
    row = _row(alarm={"comment": "<script>alert(1)</script>"})
    message = _parse(_compose(plant, [helpers.templates], row).content)
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
    mail = _compose(plant, [helpers.templates], row)
    message = _parse(mail.content)
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert len(message.keys()) == 10
    assert "\n" not in mail.subject


def test_a_value_is_no_template(plant: Plant, helpers: Any) -> None:
    mail = _compose(plant, [helpers.templates], _row(alarm={"comment": "{{ 7 * 191 }}"}))
    assert "{{ 7 * 191 }}" in mail.text
    assert "1337" not in mail.text


def test_long_identifiers_stay_whole(plant: Plant, helpers: Any) -> None:
    long = "<" + "Depot.CP01.C1.Temperature.HiHi." * 6 + "raised@scada.example.org>"
    head = long.replace("raised", "head")
    content = _compose(plant, [helpers.templates], _row(message_id=long, thread_id=head)).content
    for header, value in (("Message-ID", long), ("In-Reply-To", head), ("References", head)):
        assert f"\r\n{header}: {value}\r\n".encode() in b"\r\n" + content
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
    mail = _compose(plant, [tmp_path], _row())
    assert mail.subject == "raised: Charger offline"
    assert "Depot.CP01.Online" in mail.text
    assert "Look at the switch." in mail.text


def test_no_template_at_all_sends_the_facts(plant: Plant, tmp_path: Path) -> None:
    assert _compose(plant, [tmp_path], _row(snapshot="[")).text
    assert "Charger offline" in _compose(plant, [tmp_path], _row()).text


def test_a_template_that_fails_is_told_until_it_renders_well_again(
    plant: Plant, helpers: Any, tmp_path: Path
) -> None:
    told: list[tuple[str, bool]] = []
    (tmp_path / "alarm.txt").write_text("{{ nothing }}")
    composer = Composer(plant, [tmp_path, helpers.templates], health=lambda name, ok: told.append((name, ok)))
    assert "Depot.CP01.Online" in composer.compose(Parcel((_outbox_row(_row()),)), NOW_US).text
    (tmp_path / "alarm.txt").write_text("{{ message }} now")
    os.utime(tmp_path / "alarm.txt", (1, 1))
    assert composer.compose(Parcel((_outbox_row(_row()),)), NOW_US).text == "Charger offline now\n"
    assert told == [("alarm", False), ("alarm", True)]


def test_the_project_comes_first_and_the_language_before_the_rest(
    plant: Plant, helpers: Any, tmp_path: Path
) -> None:
    folders = [tmp_path, helpers.templates]
    (tmp_path / "alarm.subject").write_text("any language: {{ message }}")
    (tmp_path / "alarm.fr.subject").write_text("en français : {{ message }}")
    (tmp_path / "words.fr.toml").write_text('acknowledge = "Vu"\n[heads]\nraised = "AÏE"\n')
    assert _compose(plant, folders, _row()).subject == "any language: Charger offline"
    french = _compose(plant, folders, _row(language="fr"))
    assert french.subject == "en français : Borne hors ligne"
    assert "AÏE" in french.text
    assert "État" in french.text, "what the project does not change stays"


def test_a_template_of_the_project_needs_not_all_its_parts(
    plant: Plant, helpers: Any, tmp_path: Path
) -> None:
    (tmp_path / "boss.txt").write_text("Boss, {{ message }}!")
    mail = _compose(plant, [tmp_path, helpers.templates], _row(template="boss"))
    assert mail.text == "Boss, Charger offline!\n"
    assert mail.subject.startswith("ALARM: Charger offline")
    assert mail.html == ""


def test_values_of_tags_are_those_of_the_moment_of_sending(
    plant: Plant, helpers: Any, tmp_path: Path
) -> None:
    power = Tag(plant.definitions["Depot.Power"], 0)
    power.value, power.quality, power.source_us, power.server_us = 1234.56, GOOD, NOW_US - 3_000_000, NOW_US
    (tmp_path / "alarm.txt").write_text(
        "{{ tag('Depot.Power') }}|{{ value('Depot.Power') > 1000 }}|{{ quality('Depot.Power') }}"
        "|{{ age_s('Depot.Power') }}|{{ tag('Depot.' ~ 'Nowhere') }}|{{ value }}"
    )
    read = {"Depot.Power": power}.get
    folders = [tmp_path, helpers.templates]
    row = _row(alarm={"value": "87 °C"})
    assert _compose(plant, folders, row, read=read).text == "1,234.6 kW|True|Good|3.0|–|87 °C\n"
    power.value, power.quality = 7.0, int(Quality.UNCERTAIN_LAST_USABLE_VALUE)
    french = _compose(plant, folders, _row(language="fr"), read=read).text
    assert french.startswith("7,0 kW (pas à jour)|False|UncertainLastUsableValue")


def test_times_are_those_of_the_reader(plant: Plant, helpers: Any) -> None:
    for zone, words in (("America/Sao_Paulo", "07:00:00 UTC-03"), ("Asia/Tokyo", "19:00:00 JST")):
        contact = Contact(name="Ann", email="ann@example.org", language="en", timezone=zone)
        mail = _compose(replace(plant, contacts=(contact,)), [helpers.templates], _row())
        assert f"2026-01-01 {words}" in mail.text


@pytest.mark.parametrize("public_url", ["", "https://scada.plant.example/"])
def test_links_need_an_address(plant: Plant, helpers: Any, public_url: str) -> None:
    links = LinkSigner(b"k" * 32, 3600 * SECOND_US)
    plant = replace(plant, oncall=OnCallSettings(public_url=public_url))
    mail = _compose(plant, [helpers.templates], _row(), links=links if public_url else None)
    assert ("/a/" in mail.text) is bool(public_url)
    assert ("https://" in mail.html) is bool(public_url)
    if public_url:
        token = mail.text.partition("https://scada.plant.example/a/")[2].split()[0]
        link = links.read(token, NOW_US)
        assert link is not None
        assert (link.alarm, link.contact) == ("Depot.CP01.Online", "Ann")
        assert f'href="https://scada.plant.example/a/{token}"' in mail.html
        quiet = _compose(plant, [helpers.templates], _row(alarm={"state": "normal"}), links=links)
        assert "/a/" not in quiet.text, "there is nothing to acknowledge"


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("template", SHIPPED)
def test_every_shipped_template_renders(plant: Plant, helpers: Any, template: str, language: str) -> None:
    broken: list[str] = []
    kind = SHIPPED[template]
    parcel = sample(
        plant,
        template,
        "alarm" if kind == "sms" else kind,
        language=language,
        contact=None,
        now_us=NOW_US,
        channel=Channel.SMS if kind == "sms" else Channel.EMAIL,
    )
    composer = Composer(
        plant, [helpers.templates], health=lambda name, ok: None if ok else broken.append(name)
    )
    mail = composer.compose(parcel, NOW_US, SAMPLE)
    assert broken == []
    assert mail.subject
    assert mail.text.strip()
    assert mail.html.startswith("<!DOCTYPE html>") or kind == "sms"
    assert "{{" not in mail.html + mail.text
    assert "\n\n\n" not in mail.text


def test_both_languages_have_the_same_words(helpers: Any) -> None:
    def names(file: Path) -> set[str]:
        words = tomllib.loads(file.read_text("utf-8"))
        return {
            f"{name}.{one}"
            for name, part in words.items()
            for one in (part if isinstance(part, dict) else [""])
        }

    assert names(helpers.templates / "words.en.toml") == names(helpers.templates / "words.fr.toml")


def test_a_short_message_fits_its_alphabet() -> None:
    assert short("x" * 200) == "x" * 157 + "..."
    assert short("alarme · à l'entrée – 5 °C") == "alarme - à l'entrée - 5 C"
    assert len(short("тревога " * 50)) == 70


def test_how_long() -> None:
    minute = 60 * SECOND_US
    assert [span(n) for n in (-5, 45 * SECOND_US, 12 * minute, 125 * minute, 76 * 60 * minute)] == [
        "0 s", "45 s", "12 min", "2 h 05 min", "3 d 4 h",
    ]  # fmt: skip


def test_what_a_device_sends_stays_data(plant: Plant, helpers: Any) -> None:
    data = {"a\r\nBcc: x": "<script>{{ 7 * 191 }}", "deep": {"a": {"b": {"c": {"d": 1}}}}, "n": 5}
    snapshot = {"kind": "boot", "path": "Depot.CP01", "site": "Depot", "data": data, "time_us": NOW_US}
    mail = _compose(
        plant, [helpers.templates], _row(template="event", cause=0, snapshot=json.dumps(snapshot))
    )
    assert "<script>" not in mail.html
    assert "1337" not in mail.text + mail.html
    assert _parse(mail.content)["Bcc"] is None
    assert mail.subject == "Charger booted: CP01 (Bay 1) · North depot"


@pytest.mark.parametrize(
    "subject",
    [
        "ALARM: Over-current protection tripped · CP07 C2 (Fast charger) · Depot North",
        "Récapitulatif : 2 alarmes, 2 non acquittées · Défaut à la terre : protection différentielle déclenchée",
        "Still not acknowledged (25 s): A webhook does not answer · Demo",
        "充电桩 " * 20,
        "plain " * 20,
    ],
)
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    envelope = Envelope(
        sender_name="EV", sender="a@b.example", to="Ann", recipient="c@d.example",
        message_id="<x@y>", threads=(), time_us=NOW_US,
    )  # fmt: skip
    mail = make_mail(envelope, subject, "text", "")
    assert all(len(line) <= 78 for line in mail.content.split(b"\r\n") if line)
    for policy in (email.policy.default, email.policy.compat32):
        read = email.message_from_bytes(mail.content, policy=policy)["Subject"]
        assert str(make_header(decode_header(read.replace("\n", "").replace("\r", "")))) == subject.strip()


def test_a_reminder_of_several_says_that_it_is_one(plant: Plant, helpers: Any) -> None:
    rows = [_row(alarm={"step": 1}), _row(alarm={"step": 1, "alarm": "Depot.CP02.Online"})]
    mail = _compose(plant, [helpers.templates], *rows)
    assert mail.subject.startswith("Still not acknowledged (2 min)")
    assert mail.text.count("Still not acknowledged") == 2
    assert mail.html.count("Still not acknowledged") == 2
