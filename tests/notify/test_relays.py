"""Several relays, log-ins with tokens, and recipients who are slow or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scada.core.plant import Contact, MailRelay
from scada.core.records import Channel


def other(port: int, **changes: Any) -> MailRelay:
    return MailRelay(host="127.0.0.1", port=port, security="none", **changes)


async def row(site: Any, key: str = "Ann.1") -> Any:
    return (await site.rows()).get(key)


async def until_state(site: Any, helpers: Any, state: str, key: str = "Ann.1") -> Any:
    async def reached() -> bool:
        one = await row(site, key)
        return one is not None and one.state == state

    await helpers.wait(reached)
    return await row(site, key)


async def test_the_next_relay_takes_over_and_the_first_is_tried_again(
    free_port: int, server: Any, start: Any, helpers: Any
) -> None:
    site = await start(free_port, other(server.port))
    site.bit("Hot", True)
    await helpers.wait(lambda: len(server.mails) == 1)
    sent = await until_state(site, helpers, "sent")
    assert sent.last_answer.startswith(f"127.0.0.1:{server.port}: ")
    assert site.mail_ok is True
    first = helpers.server()
    first.port = free_port
    await first.start()
    try:
        number = 10
        while not first.mails:
            await site.put(helpers.row(number))
            await helpers.wait(lambda wanted=number - 8: len(server.mails) + len(first.mails) == wanted)
            number += 1
    finally:
        await site.stop()
        await first.stop()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_relay_that_refuses_the_log_in_is_passed_over(server: Any, start: Any, helpers: Any) -> None:
    strict = helpers.server(authenticator=helpers.login, auth_required=True, auth_require_tls=False)
    await strict.start()
    try:
        site = await start(
            strict.port,
            other(server.port),
            username="scada",
            password_ref="env:MAIL",
            secrets={"env:MAIL": "wrong"},
        )
        site.bit("Hot", True)
        await helpers.wait(lambda: len(server.mails) == 1)
        assert site.mail_ok is True
        assert not strict.mails
    finally:
        await site.stop()
        await strict.stop()


async def test_a_mail_that_one_relay_refuses_is_offered_to_the_next(
    server: Any, start: Any, helpers: Any
) -> None:
    first = helpers.server()
    first.rcpt["*"] = "550 relaying denied"
    await first.start()
    try:
        site = await start(first.port, other(server.port))
        site.bit("Online", False)
        await helpers.wait(lambda: len(server.mails) == 2)
        assert site.mail_ok is True
    finally:
        await site.stop()
        await first.stop()


async def test_for_good_is_only_what_every_relay_says(
    free_port: int, server: Any, start: Any, helpers: Any
) -> None:
    server.rcpt["ann@example.org"] = "550 no such user"
    site = await start(server.port, other(free_port))
    site.bit("Hot", True)

    async def tried() -> bool:
        one = await row(site)
        return one is not None and one.attempts >= 1

    await helpers.wait(tried)
    assert (await row(site)).state == "waiting"


async def test_a_relay_that_refuses_everybody_is_an_alarm_and_costs_no_more_messages(
    server: Any, start: Any, helpers: Any, plant: Any
) -> None:
    server.rcpt["*"] = "550 relaying denied"
    contacts = tuple(Contact(name=f"C{n}", email=f"c{n}@example.org", language="en") for n in range(5))
    site = await start(server.port, changes={"contacts": contacts, "profiles": ()})
    rows = [helpers.row(n, contact=f"C{n}", recipient=f"c{n}@example.org") for n in range(5)]
    await site.put(*rows)
    await helpers.wait(lambda: site.mail_ok is False)
    await until_state(site, helpers, "failed", "C0.0")
    server.rcpt.clear()
    await helpers.wait(lambda: site.mail_ok is True)
    await helpers.wait(lambda: sorted(server.recipients) == [f"c{n}@example.org" for n in (2, 3, 4)])
    assert {key: one.state for key, one in (await site.rows()).items() if one.state == "failed"}.keys() == {
        "C0.0",
        "C1.1",
    }


async def test_one_who_is_refused_or_slow_delays_nobody_else(server: Any, start: Any, helpers: Any) -> None:
    server.slow.add("slow@example.org")
    server.rcpt["bad@example.org"] = "550 no such user"
    site = await start(server.port)
    await site.put(
        helpers.row(1, contact="Slow", recipient="slow@example.org"),
        helpers.row(2, contact="Bad", recipient="bad@example.org"),
        helpers.row(3),
    )
    await helpers.wait(lambda: server.recipients == ["ann@example.org"])
    assert server.reached[0] == "slow@example.org"
    assert (await row(site, "Slow.1")).state == "waiting"
    server.hurry.set()
    await until_state(site, helpers, "sent", "Slow.1")
    assert (await row(site, "Bad.2")).state == "failed"
    assert server.recipients == ["ann@example.org", "slow@example.org"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_a_token_is_read_anew_at_each_log_in(start: Any, helpers: Any) -> None:
    server = helpers.server(
        auth_required=True, auth_require_tls=False, auth_exclude_mechanism=["LOGIN", "PLAIN"]
    )
    server.token = "second"
    await server.start()
    site = await start(
        server.port,
        username="scada",
        auth="xoauth2",
        password_ref="file:token",
        secrets={"file:token": "first"},
    )
    try:
        site.bit("Hot", True)
        await helpers.wait(lambda: site.mail_ok is False)
        assert set(server.tokens) == {"first"}
        site.secrets["file:token"] = "second"
        await helpers.wait(lambda: len(server.mails) == 1)
        assert server.tokens[-1] == "second"
        one = await until_state(site, helpers, "sent")
        assert "first" not in one.last_answer
    finally:
        await site.stop()
        await server.stop()


async def test_a_secret_that_is_not_there_keeps_the_mail(server: Any, start: Any, helpers: Any) -> None:
    site = await start(server.port, username="scada", password_ref="env:GONE")
    site.bit("Hot", True)
    await helpers.wait(lambda: site.mail_ok is False)
    assert server.connections == 0


async def test_a_short_message_is_one_plain_line(server: Any, start: Any, helpers: Any) -> None:
    site = await start(server.port)
    long = {"value": "x" * 300}
    await site.put(
        replace(helpers.row(1, alarm=long), channel=Channel.SMS, recipient="123@sms.example"),
        replace(
            helpers.row(2, contact="Zoë", language="fr"), channel=Channel.SMS, recipient="456@sms.example"
        ),
    )
    await helpers.wait(lambda: len(server.mails) == 2)
    by_address = {mail["To"].addresses[0].addr_spec: mail for mail in server.mails}
    mail = by_address["123@sms.example"]
    assert mail.get_content_type() == "text/plain"
    assert mail["Subject"] == ""
    text = mail.get_content()
    assert text.startswith("ALARM: Charger offline, CP01 (Bay 1), North depot, xxx")
    assert text.count("\n") == 1
    assert len(text.strip()) == 160
    # Letters that the alphabet of short messages lacks would more than halve it: they lose their accents.
    assert "Dépot nord" in by_address["456@sms.example"].get_content()
