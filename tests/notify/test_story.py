"""An alarm at night, from the first mail to the end: the whole way through core, outbox and a real mail server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scada.core.access import Actor, Right
from scada.core.plant import Contact, EscalationStep, OnCallProfile, OnCallSettings
from scada.core.value import SECOND_US
from scada.runtime.requests import Acknowledge
from scada.testing.clock import FakeClock

MINUTE_US = 60 * SECOND_US


def conversation(mails: list[Any], address: str) -> list[Any]:
    return [mail for mail in mails if mail["To"].addresses[0].addr_spec == address]


async def test_an_escalation_is_one_conversation_for_each_reader(
    server: Any, start: Any, helpers: Any
) -> None:
    """Ann does not answer, so Benoît is called; Cleo, the chief, sees the end of it only."""
    profile = OnCallProfile(
        name="night",
        to=("Ann",),
        levels=(0, 29),
        states=("raised", "acknowledged", "returned"),
        window_us=0,
        steps=(
            EscalationStep(after_us=5 * MINUTE_US, to=("Ann", "Benoît")),
            EscalationStep(after_us=15 * MINUTE_US, to=("Ann", "Benoît", "Cleo")),
        ),
    )
    contacts = tuple(
        Contact(
            name=name, email=f"{name[0].lower()}@plant.example", language=language, timezone="Europe/Paris"
        )
        for name, language in (("Ann", "en"), ("Benoît", "fr"), ("Cleo", "en"))
    )
    settings = OnCallSettings(public_url="https://scada.plant.example", restart_window_us=0)
    clock = FakeClock()
    site = await start(
        server.port, clock=clock, changes={"profiles": (profile,), "contacts": contacts, "oncall": settings}
    )

    def pass_time(minutes: float) -> None:
        clock.leap(minutes * 60)
        site.host.cycle()
        site.notifier.wake()

    site.bit("Online", False)
    await helpers.wait(lambda: len(server.mails) == 1)
    pass_time(5)
    await helpers.wait(lambda: len(server.mails) == 3)
    pass_time(10)
    await helpers.wait(lambda: len(server.mails) == 6)
    benoit = Actor("Benoît", frozenset({Right.ACKNOWLEDGE}), "mail 192.0.2.7")
    await site.host.request(Acknowledge(("Depot.CP01.Online",), benoit, "j'y vais"))
    await helpers.wait(lambda: len(server.mails) == 7)
    pass_time(60)
    site.bit("Online", True)
    await helpers.wait(lambda: len(server.mails) == 8)

    ann = conversation(server.mails, "a@plant.example")
    assert [mail["Subject"].partition(" · ")[0] for mail in ann] == [
        "ALARM: Charger offline",
        "Still not acknowledged (5 min): Charger offline",
        "Still not acknowledged (15 min): Charger offline",
        "Acknowledged: Charger offline",
        "Returned to normal: Charger offline",
    ]
    head = ann[0]["Message-ID"]
    assert ann[0]["In-Reply-To"] is None
    assert all(mail["In-Reply-To"] == head and head in mail["References"] for mail in ann[1:])
    assert "Benoît" in ann[3].get_body(("plain",)).get_content()
    assert "j'y vais" in ann[3].get_body(("plain",)).get_content()

    calls = conversation(server.mails, "b@plant.example")
    assert [mail["Subject"].partition(" · ")[0] for mail in calls] == [
        "Toujours pas acquittée (5 min) : Borne hors ligne",
        "Toujours pas acquittée (15 min) : Borne hors ligne",
    ]
    # He never got the first mail; his two hang on the same head, so that his program shows one conversation.
    assert len({mail["In-Reply-To"] for mail in calls}) == 1
    assert calls[0]["In-Reply-To"] != head
    assert len(conversation(server.mails, "c@plant.example")) == 1
    assert len({mail["Message-ID"] for mail in server.mails}) == 8

    token = (
        ann[1].get_body(("plain",)).get_content().partition("https://scada.plant.example/a/")[2].split()[0]
    )
    link = site.links.read(token, clock.now_us())
    assert (link.alarm, link.contact) == ("Depot.CP01.Online", "Ann")


async def test_a_lost_template_is_an_alarm_and_no_lost_message(
    server: Any, start: Any, helpers: Any, tmp_path: Any
) -> None:
    folder = tmp_path / "mail"
    folder.mkdir()
    (folder / "alarm.txt").write_text("{{ no_such_fact }}")
    site = await start(server.port, folders=(folder, helpers.templates))
    site.bit("Hot", True)
    await helpers.wait(lambda: len(server.mails) == 1)
    assert "message: Too hot" in server.mails[0].get_body(("plain",)).get_content()
    assert site.host.tags["System.MailTemplateOk"].value is False
    (folder / "alarm.txt").unlink()
    site.bit("Online", False)
    await helpers.wait(lambda: len(server.mails) == 3)
    assert site.host.tags["System.MailTemplateOk"].value is True


async def test_a_preview_sends_nothing_and_grants_nothing(server: Any, start: Any, helpers: Any) -> None:
    settings = replace(OnCallSettings(), public_url="https://scada.plant.example")
    site = await start(server.port, changes={"oncall": settings})
    mail = site.notifier.preview("alarm", "fr", "Benoît", "Depot.CP01.Hot")
    assert mail.recipient == "benoit@example.org"
    assert "Too hot" in mail.html
    assert "/a/" not in mail.text
    assert site.notifier.preview("nowhere", "en").subject
    assert await site.rows() == {}
