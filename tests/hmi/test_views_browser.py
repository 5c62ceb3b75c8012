"""Views and the station screen in a real browser: drawn values move, marks are drawn, the keyboard opens and closes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page

from scada.testing.browser import headless_browser

pytestmark = pytest.mark.browser

CP01 = '.placed[data-select="Depot.CP01.C1"]'


@pytest.fixture
async def page(served: Any) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of nobody yet, and what went wrong in it."""
    trouble: list[str] = []
    async with headless_browser() as browser:
        page = await browser.new_page(base_url=served.url)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        yield page, trouble


async def test_a_drawn_connector_lives_and_opens_its_faceplate_by_keyboard(
    page: tuple[Page, list[str]],
) -> None:
    browser, trouble = page
    await browser.goto("/login?next=/view/Depot")
    await browser.fill("[name=name]", "op")
    await browser.fill("[name=password]", "x")
    await browser.click("[type=submit]")
    await browser.wait_for_function("document.querySelector('[data-clock]')?.textContent.match(/\\d/)")
    figure = browser.locator(f"{CP01} .figure .live")
    first = await figure.text_content()
    await browser.wait_for_function(
        "([place, was]) => document.querySelector(place).textContent !== was",
        arg=[f"{CP01} .figure .live", first],
    )
    assert await browser.get_attribute(CP01, "data-state") == "Faulted"
    # The mark: shape, number and words, never the colour alone.
    mark = browser.locator(f"{CP01} .mark-svg")
    assert await mark.locator(".shape").count() == 1
    assert (await mark.locator("text").text_content() or "").isdigit()
    assert "not acknowledged" in (await mark.locator("title").text_content() or "")
    await browser.focus(CP01)
    await browser.keyboard.press("Enter")
    await browser.wait_for_selector("[data-slot=panel] .panel-alarms")
    assert browser.url.endswith("?connector=Depot.CP01.C1")
    await browser.keyboard.press("Escape")
    await browser.wait_for_selector(".detail .legend")
    assert browser.url.endswith("/view/Depot")
    assert await browser.evaluate("document.activeElement.dataset.select") == "Depot.CP01.C1"
    assert trouble == []


async def test_the_station_screen_says_when_it_is_cut_off_and_heals(page: tuple[Page, list[str]]) -> None:
    browser, trouble = page
    await browser.goto("/screen/Depot?lang=en")
    assert await browser.locator("[data-bay]").count() == 12
    assert await browser.locator("[data-screen-lost]").is_hidden()
    await browser.context.set_offline(True)
    await browser.wait_for_selector("[data-screen-lost]:not([hidden])")
    await browser.context.set_offline(False)
    await browser.wait_for_selector("[data-screen-lost][hidden]", state="attached")
    assert trouble == []
