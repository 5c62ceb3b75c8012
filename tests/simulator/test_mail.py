import asyncio
import contextlib
import mailbox
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from scada.core.errors import StartError
from scada.simulator import mail
from scada.simulator.mail import MailCatcher


@asynccontextmanager
async def catcher(folder: Path) -> AsyncIterator[MailCatcher]:
    one, ready = MailCatcher(folder, 0), asyncio.Event()
    task = asyncio.create_task(one.run(ready))
    await asyncio.wait_for(ready.wait(), 5)
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def send(port: int, *subjects: str, text: str = "Température élevée") -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        for subject in subjects:
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "scada@a.example", "duty@a.example", subject
            message["Bcc"] = "night@a.example"
            message.set_content(text)
            client.send_message(message)


async def test_a_mail_is_kept_as_it_was_sent(tmp_path: Path) -> None:
    async with catcher(tmp_path / "data" / "mail") as one:
        await asyncio.to_thread(send, one.port, "Alarm é")
    box = mailbox.Maildir(tmp_path / "data" / "mail", create=False)
    (kept,) = list(box)
    box.close()
    assert "Alarm" in str(kept["Subject"])
    assert kept["X-Recipients"] == "duty@a.example, night@a.example"
    payload = kept.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().strip() == "Température élevée"


async def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "MAILS_MAX", 3)
    async with catcher(tmp_path / "mail") as one:
        await asyncio.to_thread(send, one.port, *(f"Mail {n}" for n in range(5)))
    box = mailbox.Maildir(tmp_path / "mail", create=False)
    assert len(box) == 3
    box.close()


async def test_a_giant_is_refused(tmp_path: Path) -> None:
    async with catcher(tmp_path / "mail") as one:
        with pytest.raises(smtplib.SMTPException):
            await asyncio.to_thread(send, one.port, "Giant", text="x" * 1_500_000)


async def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with catcher(tmp_path / "mail") as one:
        with pytest.raises(StartError, match="smtp_port"):
            await MailCatcher(tmp_path / "other", one.port).run()
