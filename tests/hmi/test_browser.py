"""In a real browser: values move, hostile texts of devices stay texts, and nothing is fetched from elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from scada.testing.browser import headless_browser

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(served: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of an administrator, and what went wrong in it."""
    trouble: list[str] = []
    async with headless_browser() as browser:
        page = await browser.new_page(base_url=served.url)

        async def refuse(dialog: Any) -> None:
            trouble.append(f"dialog {dialog.message}")
            await dialog.dismiss()

        page.on("dialog", refuse)
        page.on("pageerror", lambda error: trouble.append(f"error {error}"))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((served.url, "data:", "blob:"))
                else trouble.append(f"request {request.url}")
            ),
        )
        await page.goto("/login")
        await page.fill("[name=name]", "admin")
        await page.fill("[name=password]", "x")
        await page.click("[type=submit]")
        await page.wait_for_selector(".cp")
        yield page, trouble


async def test_values_move(page: tuple[Page, list[str]]) -> None:
    browser, trouble = page
    value = browser.locator('[data-select="Depot.CP01.C1"] .pw .live')
    first = await value.text_content()
    await browser.wait_for_function(
        """first => document.querySelector('[data-select="Depot.CP01.C1"] .pw .live').textContent !== first""",
        arg=first,
        timeout=5_000,
    )
    assert await browser.locator("[data-lost]").is_hidden()
    assert trouble == []


@pytest.mark.parametrize(
    "url",
    [
        "/site/Depot?connector=Depot.CP07.C1",
        "/charger/Depot.CP07",
        "/tags?q=CP07",
        "/alarms",
        "/alarm/Depot.CP07.C1.ErrorOverVoltage",
        "/alarms/journal",
        "/tag/Depot.CP07.C1.VendorErrorCode",
        "/sessions",
        "/mails",
    ],
)
async def test_hostile_texts_stay_texts(page: tuple[Page, list[str]], url: str) -> None:
    browser, trouble = page
    await browser.goto(url)
    await browser.wait_for_function(
        "(document.querySelector('[data-clock]')?.textContent ?? '--:--:--') !== '--:--:--'"
    )
    if url.startswith("/charger"):
        assert "<img src=x onerror=alert(1)>" in (await browser.text_content("main") or "")
    assert await browser.locator("main img").count() == 0
    assert trouble == []


async def test_selection_is_an_address(page: tuple[Page, list[str]]) -> None:
    browser, trouble = page
    await browser.wait_for_function(  # the page lives: before that nobody hears a click
        "(document.querySelector('[data-clock]')?.textContent ?? '--:--:--') !== '--:--:--'"
    )
    await browser.click('[data-select="Depot.CP03.C2"]')
    await browser.wait_for_selector('[data-command="RemoteStop"]')
    assert browser.url.endswith("?connector=Depot.CP03.C2")
    await browser.go_back()
    await browser.wait_for_selector(".detail .legend")
    assert trouble == []


async def test_lost_connection_is_said_and_heals(page: tuple[Page, list[str]]) -> None:
    browser, _ = page
    await browser.wait_for_function(
        "(document.querySelector('[data-clock]')?.textContent ?? '--:--:--') !== '--:--:--'"
    )
    await browser.context.set_offline(True)
    await browser.wait_for_selector("[data-lost]:not([hidden])", timeout=4_000)
    await browser.click('[data-select="Depot.CP03.C2"]')
    assert "Not sent" in (await browser.text_content(".toast") or "")
    await browser.context.set_offline(False)
    await browser.wait_for_selector("[data-lost][hidden]", state="attached", timeout=20_000)


async def test_a_page_without_the_right_to_see_is_live_and_empty(
    page: tuple[Page, list[str]],
) -> None:
    browser, trouble = page
    await browser.context.clear_cookies()
    await browser.goto("/login?next=/alarms")
    await browser.fill("[name=name]", "blind")
    await browser.fill("[name=password]", "x")
    await browser.click("[type=submit]")
    # The clock is set by the server's beat: the page is joined.
    await browser.wait_for_function(
        "() => /\\d/.test(document.querySelector('[data-clock]')?.textContent ?? '')"
    )
    assert "Your role does not include this page." in await browser.inner_text("main")
    assert await browser.locator("[data-lost]").is_hidden()
    assert await browser.locator(".side, .banner").count() == 0
    assert trouble == []


async def test_a_profile_with_two_steps_is_typed_and_drawn(page: tuple[Page, list[str]]) -> None:
    browser, trouble = page
    await browser.goto("/test/Depot.CP03?tab=profile")
    await browser.wait_for_function(
        "() => /\\d/.test(document.querySelector('[data-clock]')?.textContent ?? '')"
    )
    profile = "$.profiles[0].csChargingProfiles"
    period = f"{profile}.chargingSchedule.chargingSchedulePeriod"
    await browser.click(f'[data-items="{period}"] + [data-action="add-item"]')
    for name, value in {"chargingProfileId": "5", "stackLevel": "0"}.items():
        await browser.fill(f'[name="{profile}.{name}"]', value)
    await browser.fill('[name="$.profiles[0].connectorId"]', "2")
    await browser.select_option(f'[name="{profile}.chargingProfilePurpose"]', "TxDefaultProfile")
    await browser.select_option(f'[name="{profile}.chargingProfileKind"]', "Relative")
    await browser.select_option(f'[name="{profile}.chargingSchedule.chargingRateUnit"]', "A")
    for number, (start, limit) in enumerate((("0", "10"), ("3600", "6"))):
        await browser.fill(f'[name="{period}[{number}].startPeriod"]', start)
        await browser.fill(f'[name="{period}[{number}].limit"]', limit)
    await browser.select_option('[name="target"]', "Depot.CP03.C2")
    await browser.click('button[type="submit"]:not([data-deed]):not(.link):has-text("Draw")')
    await browser.wait_for_selector("[data-slot=curve] svg .curve")
    limits = await browser.locator("[data-slot=curve] td.value").all_inner_texts()
    assert limits == ["10.0 A", "6.0 A"]
    assert trouble == []


async def test_a_trend_is_drawn_zoomed_and_shared_by_its_address(page: tuple[Page, list[str]]) -> None:
    browser, trouble = page
    await browser.goto("/trends?tags=Depot.CP01.C1.ActivePower,Depot.CP01.C1.Temperature&span=600")
    await browser.wait_for_selector("[data-trend-plot] canvas")
    await browser.click("[data-trend-move=in]")
    assert "from=" in browser.url
    csv = await browser.get_attribute("[data-trend-csv]", "href")
    assert csv is not None
    answer = await browser.request.get(csv)
    assert (await answer.text()).lstrip("\ufeff").startswith("time,tag,value,unit,quality")
    await browser.reload()
    await browser.wait_for_selector("[data-trend-plot] canvas")
    assert await browser.locator("[data-trend-span][aria-pressed=true]").count() == 0
    await browser.click("[data-trend-span='3600']")
    assert "span=3600" in browser.url
    assert "from=" not in browser.url
    assert await browser.locator("[data-trend-trouble]").is_hidden()
    assert trouble == []


async def test_menus_open_one_at_a_time_and_by_the_keyboard(page: tuple[Page, list[str]]) -> None:
    browser, trouble = page
    menus = browser.locator("[data-menu]")
    await menus.nth(0).locator("summary").click()
    await menus.nth(1).locator("summary").click()
    assert await browser.locator("[data-menu][open]").count() == 1
    await browser.keyboard.press("ArrowDown")
    first = await browser.evaluate("document.activeElement.getAttribute('href')")
    assert first == "/sessions"
    await browser.keyboard.press("Escape")
    assert await browser.locator("[data-menu][open]").count() == 0
    assert await browser.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert trouble == []


async def test_a_firmware_file_is_brought_and_a_bad_one_is_said(
    page: tuple[Page, list[str]], tmp_path: Path
) -> None:
    browser, trouble = page
    file = tmp_path / "kilo 3.0.bin"
    file.write_bytes(b"firmware" * 10_000)
    await browser.goto("/files")
    form = browser.locator("form[data-action=upload]")
    await form.locator("[type=file]").set_input_files(file)
    name = form.locator("[name=name]")
    assert await name.input_value() == "kilo_3.0.bin"
    await name.fill("kilo.pem")
    await form.locator("[type=submit]").click()
    await expect(browser.locator(".toast.failed")).to_contain_text("does not end with")
    await name.fill("kilo-3.bin")
    await form.locator("[type=submit]").click()
    await expect(browser.locator(".toast.done")).to_contain_text("kilo-3.bin is on the server")
    await expect(browser.locator("[data-firmware-choice]")).to_have_value("kilo-3.bin")
    await expect(browser.locator('[data-firmware="kilo-3.bin"]')).to_be_visible(timeout=8_000)
    assert trouble == []
