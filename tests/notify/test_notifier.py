"""A mail about an alarm goes out through a real server, whatever that server does meanwhile."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scada.core.access import Actor, Right
from scada.core.ports import JournalFilter
from scada.runtime.requests import Acknowledge

BOB = Actor("bob", frozenset({Right.ACKNOWLEDGE}), "hmi")


async def test_a_raised_alarm_is_mailed_to_each_contact(server: Any, start: Any, helpers: Any) -> None:
    site = await start(server.port)
    site.bit("Online", False)
    await helpers.wait(lambda: len(server.mails) == 2)
    by_contact = {mail["To"].addresses[0].display_name: mail for mail in server.mails}
    ann = by_contact["Ann"]
    assert ann["Subject"] == "ALARM: Charger offline · CP01 (Bay 1) · North depot"
    assert ann["Auto-Submitted"] == "auto-generated"
    assert ann["From"].addresses[0].addr_spec == "scada@example.org"
    assert by_contact["Benoît"]["Subject"] == "ALARME : Borne hors ligne · CP01 (Place 1) · Dépôt nord"
    assert server.connections == 1
    assert site.mail_ok is True

    async def settled() -> bool:
        return all(row.state == "sent" for row in (await site.rows()).values())

    await helpers.wait(settled)
    row = (await site.rows())["Ann.1"]
    assert (row.attempts, row.subject) == (1, ann["Subject"])
    assert "taken" in row.last_answer
    assert "Look at the switch." in row.text


async def test_mails_about_one_occurrence_are_one_conversation(server: Any, start: Any, helpers: Any) -> None:
    site = await start(server.port)
    site.bit("Hot", True)
    await helpers.wait(lambda: len(server.mails) == 1)
    await site.host.request(Acknowledge(("Depot.CP01.Hot",), BOB, "going there"))
    await helpers.wait(lambda: len(server.mails) == 2)
    site.bit("Hot", False)
    await helpers.wait(lambda: len(server.mails) == 3)
    raised, acknowledged, returned = server.mails
    assert acknowledged["In-Reply-To"] == raised["Message-ID"] == returned["References"]
    assert len({mail["Message-ID"] for mail in server.mails}) == 3
    text = acknowledged.get_body(("plain",)).get_content()
    assert "bob" in text
    assert "going there" in text


async def test_refused_for_now_is_tried_again_with_the_same_id(server: Any, start: Any, helpers: Any) -> None:
    server.data = "451 try later"
    site = await start(server.port)
    site.bit("Hot", True)

    async def tried_twice() -> bool:
        rows = await site.rows()
        return bool(rows) and rows["Ann.1"].attempts >= 2

    await helpers.wait(tried_twice)
    row = (await site.rows())["Ann.1"]
    assert row.state == "waiting"
    assert row.last_answer == "451 try later"
    assert site.mail_ok is False
    server.data = ""
    await helpers.wait(lambda: server.mails)
    await helpers.wait(lambda: site.mail_ok is True)
    assert server.mails[0]["Message-ID"] == row.record.message_id


async def test_refused_for_good_fails_and_the_others_go_out(server: Any, start: Any, helpers: Any) -> None:
    server.rcpt["ann@example.org"] = "550 no such user"
    site = await start(server.port)
    site.bit("Online", False)
    await helpers.wait(lambda: server.recipients == ["benoit@example.org"])

    async def failed() -> bool:
        return bool((await site.rows())["Ann.1"].state == "failed")

    await helpers.wait(failed)
    row = (await site.rows())["Ann.1"]
    assert (row.attempts, row.last_answer) == (1, "550 no such user")


async def test_one_wrong_address_makes_no_storm(server: Any, start: Any, helpers: Any) -> None:
    server.rcpt["ann@example.org"] = "550 no such user"
    site = await start(server.port)
    for _ in range(3):
        for value in (False, True):
            site.bit("Online", value)
            site.bit("Hot", not value)
            await asyncio.sleep(0)

    async def settled() -> bool:
        rows = await site.rows()
        return len(rows) > 1 and all(row.state != "waiting" for row in rows.values())

    await helpers.wait(settled)
    page = await site.store.archive.alarm_journal(JournalFilter(), 100, None)
    causes = {transition.sequence for transition in page.items}
    rows = await site.rows()
    assert "System.MailOk" not in {transition.alarm for transition in page.items}
    assert site.mail_ok is True
    assert {row.record.cause for row in rows.values()} <= causes
    assert len(rows) <= 2 * len(causes)
    assert all(row.attempts == 1 for row in rows.values())
    sent = [row for row in rows.values() if row.state == "sent"]
    assert len(server.mails) == sum(row.sent_with == 0 for row in sent) > 0


async def test_a_lost_mail_path_is_an_alarm_that_is_not_mailed(
    free_port: int, start: Any, helpers: Any
) -> None:
    site = await start(free_port)
    site.bit("Hot", True)
    await helpers.wait(lambda: site.mail_ok is False)
    server = helpers.server()
    server.port = free_port
    server.rcpt["ann@example.org"] = "550 no such user"
    await server.start()
    try:
        # The server judges an address: it is there again, though no mail was taken yet.
        await helpers.wait(lambda: site.mail_ok is True)

        async def journalled() -> list[str]:
            page = await site.store.archive.alarm_journal(JournalFilter(alarm="System.MailOk"), 100, None)
            return [transition.event.value for transition in reversed(page.items)]

        async def came_and_went() -> bool:
            return await journalled() == ["raised", "returned"]

        await helpers.wait(came_and_went)
        site.bit("Online", False)
        await helpers.wait(lambda: len(server.mails) == 1)
        rows = await site.rows()
        assert {row.record.recipient for row in rows.values()} == {"ann@example.org", "benoit@example.org"}
        assert len(rows) == 3
        assert await journalled() == ["raised", "returned"]
    finally:
        await site.stop()
        await server.stop()


async def test_a_recipient_refused_for_now_is_tried_again(server: Any, start: Any, helpers: Any) -> None:
    server.rcpt["ann@example.org"] = "450 mailbox busy"
    site = await start(server.port)
    site.bit("Hot", True)

    async def tried() -> bool:
        rows = await site.rows()
        return bool(rows) and rows["Ann.1"].attempts >= 1

    await helpers.wait(tried)
    server.rcpt.clear()
    await helpers.wait(lambda: server.recipients == ["ann@example.org"])


async def test_a_dropped_connection(server: Any, start: Any, helpers: Any) -> None:
    server.drop = True
    site = await start(server.port)
    site.bit("Hot", True)
    await helpers.wait(lambda: site.mail_ok is False)
    server.drop = False
    await helpers.wait(lambda: len(server.mails) == 1)


async def test_a_server_that_is_away_and_comes_back(free_port: int, start: Any, helpers: Any) -> None:
    site = await start(free_port)
    site.bit("Hot", True)
    await helpers.wait(lambda: site.mail_ok is False)
    site.bit("Online", False)
    server = helpers.server()
    server.port = free_port
    await server.start()
    try:
        await helpers.wait(lambda: len(server.mails) == 2)
        assert server.recipients == ["ann@example.org", "benoit@example.org"]
        # What came meanwhile for the same reader is one message, the most pressing first.
        text = server.mails[0].get_body(("plain",)).get_content()
        assert text.index("Charger offline") < text.index("Too hot")
        await helpers.wait(lambda: site.mail_ok is True)
    finally:
        await site.stop()
        await server.stop()


async def test_what_waited_over_a_restart_goes_out_once(server: Any, start: Any, helpers: Any) -> None:
    site = await start(server.port)
    await site.stop()
    site.bit("Hot", True)

    async def written() -> bool:
        return bool(await site.rows())

    await helpers.wait(written)
    site.start()
    await helpers.wait(lambda: len(server.mails) == 1)

    async def sent() -> bool:
        return bool((await site.rows())["Ann.1"].state == "sent")

    await helpers.wait(sent)
    await site.stop()
    site.start()
    site.bit("Online", False)
    await helpers.wait(lambda: len(server.mails) == 3)
    assert len({mail["Message-ID"] for mail in server.mails}) == 3


async def test_an_outbox_that_cannot_be_written_doubles_nothing(
    server: Any, start: Any, helpers: Any
) -> None:
    site = await start(server.port)
    with site.store._writer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE UPDATE ON outbox BEGIN SELECT raise(FAIL, 'full'); END"
        )
    site.bit("Online", False)
    # A full disk silences no alarm: each reader gets his message, and nothing else until it can be noted.
    await helpers.wait(lambda: len(server.mails) == 2)
    site.bit("Hot", True)
    with site.store._writer.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full")
    await helpers.wait(lambda: len(server.mails) == 3)
    assert "Too hot" in server.mails[2]["Subject"]
    assert server.recipients.pop(2) == "ann@example.org"
    assert sorted(server.recipients) == ["ann@example.org", "benoit@example.org"]


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_encryption_and_log_in(tmp_path: Path, start: Any, helpers: Any, security: str) -> None:
    pem = _certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    options = (
        {"tls_context": context, "require_starttls": True}
        if security == "starttls"
        else {"implicit": context, "auth_require_tls": False}
    )
    server = helpers.server(authenticator=helpers.login, auth_required=True, **options)
    await server.start()
    trust = ssl.create_default_context(cafile=str(pem))
    site = await start(
        server.port,
        secrets={"env:MAIL": "secret"},
        context=trust,
        security=security,
        username="scada",
        password_ref="env:MAIL",
    )
    try:
        site.bit("Hot", True)
        await helpers.wait(lambda: len(server.mails) == 1)
    finally:
        await site.stop()
        await server.stop()


@pytest.mark.parametrize("fault", ["password", "certificate", "no encryption"])
async def test_a_log_in_that_fails_keeps_the_mail(
    tmp_path: Path, start: Any, helpers: Any, fault: str
) -> None:
    pem = _certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    tls = {} if fault == "no encryption" else {"tls_context": context, "require_starttls": True}
    server = helpers.server(authenticator=helpers.login, auth_required=bool(tls), **tls)
    await server.start()
    trust = None if fault == "certificate" else ssl.create_default_context(cafile=str(pem))
    password = "wrong" if fault == "password" else "secret"
    site = await start(
        server.port,
        secrets={"env:MAIL": password},
        context=trust,
        security="starttls",
        username="scada",
        password_ref="env:MAIL",
    )
    try:
        site.bit("Hot", True)
        await helpers.wait(lambda: site.mail_ok is False)

        async def noted() -> bool:
            rows = await site.rows()
            return bool(rows) and bool(rows["Ann.1"].last_answer)

        await helpers.wait(noted)
        row = (await site.rows())["Ann.1"]
        assert row.state == "waiting"
        assert "secret" not in row.last_answer
        assert not server.mails
    finally:
        await site.stop()
        await server.stop()
