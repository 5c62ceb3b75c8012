"""Reading caught mails."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from scada.hmi.mailbox import MAIL_BYTES_MAX, list_mails, read_mail


def put(folder: Path, key: str, raw: bytes) -> None:
    (folder / "new").mkdir(exist_ok=True)
    (folder / "new" / key).write_bytes(raw)


def test_both_parts_are_read(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", "b@x.example", "Défaut à CP05"
    message["Date"] = "Sat, 21 Nov 2026 10:00:00 +0000"
    message.set_content("plain")
    message.add_alternative("<p>rich</p>", subtype="html")
    put(tmp_path, "1.M1.host", message.as_bytes())
    (mail,) = list_mails(tmp_path)
    assert (mail.subject, mail.text.strip(), mail.html.strip()) == ("Défaut à CP05", "plain", "<p>rich</p>")
    assert mail.time_us == 1_795_255_200_000_000
    assert read_mail(tmp_path, mail.key) == mail


def test_rubbish_is_listed_not_raised(tmp_path: Path) -> None:
    put(tmp_path, "1.a", b"\xff\xfe\x00 no mail at all")
    put(tmp_path, "2.b", b"Content-Type: text/plain; charset=nonsense\r\n\r\nx")
    put(tmp_path, "3.c", b"Subject: long\r\n\r\n" + b"x" * (MAIL_BYTES_MAX + 10))
    put(tmp_path, "4.d", b"Date: never\r\nSubject: =?utf-8?b?!!!?=\r\n\r\nx")
    assert len(list_mails(tmp_path)) == 4
    long = read_mail(tmp_path, "3.c")
    assert long is not None
    assert long.text == ""


def test_no_way_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "box" / "new").mkdir(parents=True)
    for key in ("../../secret", "/etc/passwd", "..", ".", "", "a/b", "a\0b"):
        assert read_mail(tmp_path / "box", key) is None
