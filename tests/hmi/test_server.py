"""The mounted HMI over HTTP: door, cookies, headers. Browser stories stand in tests/scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

PASSWORD = "x"


@pytest.fixture
async def browser(served: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=served.url) as client:
        yield client


async def log_in(browser: httpx2.AsyncClient, name: str = "op", **fields: str) -> httpx2.Response:
    return await browser.post("/login", data={"name": name, "password": PASSWORD, **fields})


@pytest.mark.parametrize("path", ["/", "/site/Depot", "/alarms?state=unack", "/mails/body?id=1", "/nothing"])
async def test_no_page_without_a_session(browser: httpx2.AsyncClient, path: str) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=/")


async def test_log_in_leads_back_and_its_cookie_is_kept_from_scripts(browser: httpx2.AsyncClient) -> None:
    answer = await log_in(browser, next="/alarms?state=unack")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/alarms?state=unack"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    page = await browser.get("/site/Depot")
    assert page.status_code == 200
    assert "Depot North" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"


async def test_wrong_password_is_a_sentence_in_the_readers_language(browser: httpx2.AsyncClient) -> None:
    answer = await browser.post(
        "/login",
        data={"name": '"><script>', "password": "no"},
        headers={"accept-language": "fr-FR,fr;q=0.9,en;q=0.8"},
    )
    assert answer.status_code == 403
    assert "mot de passe est faux" in answer.text
    assert "<script" not in answer.text
    assert "set-cookie" not in answer.headers


async def test_forms_of_other_sites_are_refused(browser: httpx2.AsyncClient) -> None:
    data = {"name": "op", "password": PASSWORD}
    answer = await browser.post("/login", data=data, headers={"origin": "https://evil.example"})
    assert answer.status_code == 400
    await log_in(browser)
    await browser.post("/logout", headers={"origin": "https://evil.example"})
    browser.cookies.clear()
    await log_in(browser)
    assert (await browser.get("/site/Depot")).status_code == 200


async def test_oversized_forms_are_refused(browser: httpx2.AsyncClient) -> None:
    answer = await browser.post("/login", data={"name": "x" * 20_000, "password": PASSWORD})
    assert answer.status_code == 400
    assert len(answer.text) < 5_000


async def test_log_out_ends_the_session(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    token = browser.cookies["scada_session"]
    assert (await browser.post("/logout")).status_code == 303
    answer = await browser.get("/site/Depot", headers={"cookie": f"scada_session={token}"})
    assert answer.status_code == 303


async def test_language_and_theme_are_cookies(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    answer = await browser.get("/prefs?lang=fr&theme=dark&next=//evil.example")
    assert answer.headers["location"] == "/"
    page = await browser.get("/alarms")
    assert "Alarmes" in page.text
    await browser.get("/prefs?lang=klingon&theme=pink")
    assert browser.cookies["lang"] == "fr"
    assert browser.cookies["theme"] == "dark"


async def test_unknown_pages_are_said_to_be_unknown(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    for path in ("/site/Nowhere", "/charger/<script>", "/no/such/page"):
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert "<script>alert" not in answer.text


async def test_mails_html_can_do_nothing(browser: httpx2.AsyncClient, served: Any) -> None:
    (served.mails / "1.M1.h").write_bytes(b"Content-Type: text/html\r\n\r\n<script>alert(1)</script>")
    await log_in(browser)
    answer = await browser.get("/mails/body?id=1.M1.h")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox")
    assert "allow-scripts" not in policy
    assert (await browser.get("/mails/body?id=../../x")).status_code == 404


async def test_style_and_scripts_are_open_and_local(browser: httpx2.AsyncClient) -> None:
    login = await browser.get("/login")
    assert "default-src 'none'" in login.headers["content-security-policy"]
    assert (await browser.get("/hmi/static/hmi.css")).status_code == 200
    await log_in(browser)
    page = (await browser.get("/site/Depot")).text
    assert "https://" not in page.replace("https://github.com", "")


async def test_sockets_of_other_sites_are_refused(served: Any) -> None:
    url = served.url.replace("http", "ws") + "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    async with connect(url, origin=served.url, proxy=None):
        pass
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, origin=Origin("http://evil.example"), proxy=None)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "path", ["/site/Depot", "/charger/Depot.CP07", "/alarms", "/tags", "/mails", "/search?q=CP"]
)
async def test_without_the_right_to_see_nothing_is_seen(browser: httpx2.AsyncClient, path: str) -> None:
    await log_in(browser, "blind")
    answer = await browser.get(path)
    assert answer.status_code == 403
    assert "Your role does not include this page." in answer.text
    assert "CP01" not in answer.text
    assert "Feeder A" not in answer.text
    assert "Connector faulted" not in answer.text


async def test_without_the_right_to_see_no_mail_is_read(browser: httpx2.AsyncClient, served: Any) -> None:
    (served.mails / "2.M2.h").write_bytes(b"Content-Type: text/html\r\n\r\n<p>alarm</p>")
    await log_in(browser, "blind")
    assert (await browser.get("/mails/body?id=2.M2.h")).status_code == 403
    await log_in(browser, "guest")
    assert (await browser.get("/mails/body?id=2.M2.h")).status_code == 200


async def test_the_journal_comes_as_a_file_in_the_readers_language(browser: httpx2.AsyncClient) -> None:
    await log_in(browser, "guest")  # who reads French
    answer = await browser.get("/alarms/journal.csv?branch=Depot.CP01")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="alarm-journal.csv"' in answer.headers["content-disposition"]
    head, *rows = answer.text.splitlines()
    assert head.startswith("\ufeffN°,Date,")
    assert any("Depot.CP01.C1.ErrorOverVoltage" in row and "apparition" in row for row in rows)
    assert all("Depot.CP01" in row for row in rows)


@pytest.mark.parametrize("path", ["/alarms/journal.csv", "/mails/outbox.csv", "/oncall/preview"])
async def test_files_are_for_who_may_see(browser: httpx2.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 303
    await log_in(browser, "blind")
    assert (await browser.get(path)).status_code == 403


async def test_a_limited_role_exports_what_it_sees(browser: httpx2.AsyncClient) -> None:
    await log_in(browser, "night")
    text = (await browser.get("/alarms/journal.csv")).text
    assert "ErrorOverVoltage" in text
    assert "ErrorOther" not in text


async def test_a_preview_can_do_nothing(browser: httpx2.AsyncClient) -> None:
    await log_in(browser)
    answer = await browser.get("/oncall/preview?template=alarm&preview=en")
    assert answer.text == "<p>rich</p>"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (await browser.get("/oncall/preview?template=../x&preview=en")).status_code == 404
