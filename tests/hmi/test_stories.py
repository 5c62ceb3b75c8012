"""What operators do about alarms, in a real browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from scada.testing.browser import headless_browser

pytestmark = pytest.mark.browser

expect.set_options(timeout=15_000)
LogIn = Callable[[str], Awaitable[Page]]
JOINED = "(document.querySelector('[data-clock]')?.textContent ?? '--:--:--') !== '--:--:--'"


@pytest.fixture
async def log_in(served: Any) -> AsyncIterator[LogIn]:
    """A page of an account; what goes wrong in it fails the test."""
    trouble: list[str] = []
    async with headless_browser() as browser:

        async def open_page(name: str) -> Page:
            return await _logged_in(await browser.new_page(base_url=served.url), name, trouble)

        yield open_page
    assert trouble == []


async def _logged_in(page: Page, name: str, trouble: list[str]) -> Page:
    page.on("pageerror", lambda error: trouble.append(str(error)))
    await page.goto("/login")
    await page.fill("[name=name]", name)
    await page.fill("[name=password]", "x")
    await page.click("[type=submit]")
    await page.wait_for_selector(".cp")
    return page


def row(page: Page, path: str) -> Any:
    return page.locator(f'[data-alarm="{path}"]')


async def test_an_operator_shelves_an_alarm_and_takes_it_off_the_shelf(log_in: LogIn) -> None:
    path = "Depot.CP03.C1.ErrorOverVoltage"
    page = await log_in("op")
    await page.goto("/alarms?branch=Depot.CP03.C1")
    await row(page, path).locator("[data-action=alarm-details]").click()
    detail = page.locator(f'[data-slot="alarm-{path}"]')
    await expect(detail).to_contain_text("Cause")
    await expect(detail).to_contain_text("raised")
    await detail.get_by_role("button", name="Shelve …").click()
    dialog = page.locator("dialog[open]")
    await expect(dialog).to_contain_text("CP03 · C1")
    await dialog.get_by_role("button", name="Shelve", exact=True).click()
    await expect(dialog).to_be_visible()  # a reason is needed: the browser does not send the form
    await dialog.locator("[name=span_s]").select_option("3600")
    await dialog.locator("[name=reason]").fill("electrician knows")
    await dialog.locator("[name=reason]").press("Enter")
    await expect(row(page, path)).to_have_count(0)
    await page.goto("/alarms/suppressed")
    held = page.locator(f'[data-held="{path}"]')
    await expect(held).to_contain_text("electrician knows")
    await expect(held).to_contain_text("op")
    await expect(held).to_contain_text("(0:59")  # the time left runs
    await held.get_by_role("button", name="Unshelve").click()
    await expect(held).to_have_count(0)
    await page.goto("/alarms?branch=Depot.CP03.C1")
    await expect(row(page, path)).to_have_count(1)


async def test_a_charger_is_taken_out_of_service_and_put_back(log_in: LogIn) -> None:
    page = await log_in("op")
    other = await log_in("op")  # a colleague who looks at the site
    await page.goto("/charger/Depot.CP04")
    await page.wait_for_function(JOINED)
    await page.get_by_role("button", name="Take out of service …").first.click()
    dialog = page.locator("dialog[open]")
    await dialog.locator("[name=reason]").fill("new <b>cable</b>")
    await dialog.get_by_role("button", name="Take out of service").click()
    badge = page.locator('.heading [data-outage="Depot.CP04"] .outage-badge')
    await expect(badge).to_contain_text("Out of service")
    await expect(badge).to_have_attribute("title", "out of service by op: new <b>cable</b>")
    # What lies in it is out of service too, on every page.
    await expect(other.locator('[data-select="Depot.CP04.C2"] .outage-badge')).to_be_visible()
    await page.goto("/alarms/suppressed")
    held = page.locator('[data-held="Depot.CP04"]')
    await expect(held).to_contain_text("until somebody ends it")
    await held.get_by_role("button", name="Return to service").click()
    await expect(held).to_have_count(0)
    await expect(other.locator('[data-select="Depot.CP04.C2"] .outage-badge')).to_have_count(0)


async def test_all_that_is_shown_is_acknowledged_with_a_comment(log_in: LogIn) -> None:
    page = await log_in("op")
    await page.goto("/alarms?branch=Depot.CP05")
    rows = page.locator("[data-alarm]")
    await expect(rows.first).to_be_visible()
    count = await rows.count()
    await page.fill("[data-ack-comment]", "all known")
    await page.get_by_role("button", name="Acknowledge all shown").click()
    await expect(page.locator("dialog[open]")).to_contain_text(f"{count} alarms")
    await page.locator("dialog[open]").get_by_role("button", name="Confirm").click()
    await expect(page.locator("[data-alarm].ack")).to_have_count(count)
    await page.goto("/alarms/journal?branch=Depot.CP05&event=acknowledged")
    await expect(page.locator("[data-slot=journal] tbody tr")).to_have_count(count)
    await expect(page.locator("[data-slot=journal] tbody tr").first).to_contain_text("all known")


async def test_the_journal_keeps_itself_up(log_in: LogIn) -> None:
    page = await log_in("op")
    acting = await log_in("op")
    await page.goto("/alarms/journal?branch=Depot.CP06&event=commented")
    await page.wait_for_function(JOINED)
    await acting.goto("/alarm/Depot.CP06.C1.ErrorOverVoltage")
    await acting.get_by_role("button", name="Comment …").click()
    await acting.locator("dialog[open] [name=comment]").fill("seen from the road")
    await acting.locator("dialog[open] [type=submit]").click()
    await expect(page.locator("[data-slot=journal]")).to_contain_text("seen from the road")
    await expect(acting.locator(".alarm-history")).to_contain_text("seen from the road")


async def test_a_limited_role_sees_its_levels_only(log_in: LogIn) -> None:
    low, high = "Depot.CP07.C2.ErrorOther", "Depot.CP07.C1.ErrorOverVoltage"
    admin = await log_in("admin")
    await admin.goto("/alarms?branch=Depot.CP07")
    await expect(row(admin, low)).to_have_count(1)
    night = await log_in("night")
    await night.goto("/alarms?branch=Depot.CP07")
    await expect(row(night, high)).to_have_count(1)
    await expect(row(night, low)).to_have_count(0)
    answer = await night.goto(f"/alarm/{low}")
    assert answer is not None
    assert answer.status == 404
    await night.goto("/alarms/journal?branch=Depot.CP07.C2")
    await expect(night.locator("#main")).to_contain_text("no transition that fits")


async def test_a_forced_value_is_seen_to_be_forced(log_in: LogIn) -> None:
    page = await log_in("admin")
    await page.goto("/tag/Depot.CP02.C1.Temperature")
    await page.get_by_role("button", name="Force …").click()
    dialog = page.locator("dialog[open]")
    await dialog.locator("[name=value]").fill("33,5")
    await dialog.locator("[name=span_s]").select_option("900")
    await dialog.locator("[name=reason]").fill("sensor is dead")
    await dialog.get_by_role("button", name="Force", exact=True).click()
    await expect(page.locator("[data-slot=tag-status]")).to_contain_text("sensor is dead")
    guest = await log_in("guest")  # who reads French
    await guest.goto("/charger/Depot.CP02#C1")
    await guest.locator("#C1 summary").click()
    value = guest.locator('tr:has(a[href="/tag/Depot.CP02.C1.Temperature"]) td.value .live')
    await expect(value).to_have_text("33,5")
    await expect(value).to_have_attribute("data-q", "forced")
    await expect(value).to_have_attribute("title", re.compile("sensor is dead"))
    await page.get_by_role("button", name="Release").click()
    await expect(value).not_to_have_attribute("data-q", "forced")


async def test_a_flood_of_10000_alarms_stays_usable(flooded: tuple[Any, Path]) -> None:
    served, now = flooded
    trouble: list[str] = []
    async with headless_browser() as browser:
        page = await _logged_in(await browser.new_page(base_url=served.url), "admin", trouble)
        await page.goto("/alarms")
        await page.wait_for_function(JOINED)
        now.touch()
        total = page.locator(".tabs [data-count=total]")
        await page.wait_for_function(
            "Number(document.querySelector('.tabs [data-count=total]').textContent) > 10000", timeout=30_000
        )
        # Bounded rows, whole counts, kinds as groups, and the one that matters in the banner.
        assert await page.locator("[data-alarm]").count() == 200
        whole = await total.text_content()
        await expect(page.locator("[data-alarmlist-note]")).to_contain_text(f"200 of {whole}")
        await expect(page.locator('[data-group="flood_3"]')).to_contain_text("500")
        await expect(page.locator("[data-banner] .prio.p1")).to_be_visible()
        await expect(page.locator("[data-lost]")).to_be_hidden()
        # A group leads to its alarms, and is acknowledged as one.
        await page.locator('[data-group="flood_3"]').get_by_role("button", name="Acknowledge").click()
        await page.locator("dialog[open] [type=submit]").click()
        await expect(page.locator('[data-group="flood_3"] td:nth-child(4)')).to_have_text("0", timeout=30_000)
        await page.get_by_role("button", name="Acknowledge all shown").click()
        await page.locator("dialog[open]").get_by_role("button", name="Confirm").click()
        await expect(page.locator(".counters [data-count=unacknowledged]")).to_have_text("0", timeout=60_000)
    assert trouble == []
