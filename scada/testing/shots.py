"""`./dev shots [folder]`: pictures of every page of the model project, to be looked at.

The demo runs for it with its simulated site; each page is taken at three sizes, in both themes and languages, also
with a faceplate, an alarm and a session open. Bounded: a page that does not come within its time is said and passed
over, and the whole ends after `--minutes`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Error, Page

from scada.project import load, scaffold
from scada.runtime import logs
from scada.testing.browser import headless_browser
from scada.testing.system import PASSWORD, System, whole_system

SIZES = {"wall": (1920, 1080), "tablet": (1024, 768), "phone": (390, 844)}
THEMES = ("light", "dark")
LANGUAGES = ("en", "fr")
PAGE_MS = 8_000
SETTLE_MS = 500
"""For fragments and curves, after the page lives."""
WARM_UP_S = 20.0
"""For chargers to connect and vehicles to come: an empty site shows little."""
PAGES = (
    "/site/Depot",
    "/site/Depot?connector=Depot.CP03.C2",
    "/view/Depot",
    "/symbols",
    "/charger/Depot.CP03",
    "/alarms",
    "/alarms/suppressed",
    "/alarms/journal",
    "/alarms/figures",
    "/sessions",
    "/tokens",
    "/reservations",
    "/trends",
    "/reports",
    "/oncall",
    "/commissioning",
    "/pending",
    "/keys",
    "/campaigns",
    "/files",
    "/local-lists",
    "/test/Depot.CP03",
    "/test/Depot.CP03?tab=trace",
    "/tags",
    "/tag/Depot.CP03.C1.ActivePower",
    "/mails",
    "/search?q=CP",
    "/tickets",
    "/tickets?alarm=Depot.CP07.C1.ErrorOverVoltage",
    "/shift",
    "/shift/handover",
    "/audit",
    "/audit?tab=commands",
    "/system",
    "/not-normal",
    "/meters",
    "/timeline/Depot.CP03",
    "/users",
    "/users?user=olga",
    "/account",
    "/login",
    "/password",
    "/nowhere",
)


def name_of(url: str) -> str:
    """A file name out of an address."""
    return "".join(c if c.isalnum() else "_" for c in url).strip("_") or "home"


async def main(arguments: Sequence[str]) -> int:
    """Take the pictures; 1: some did not come."""
    parser = argparse.ArgumentParser(prog="./dev shots", description="Pictures of every page.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".shots"))
    parser.add_argument("--minutes", type=float, default=20.0, help="end after so long")
    parser.add_argument("--pages", default="", help="only addresses that hold this text")
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--themes", default=",".join(THEMES))
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    given = parser.parse_args(arguments)
    logs.configure("error")
    given.folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "demo"
        scaffold(project)
        async with whole_system(load(project), simulate=True) as system, headless_browser() as browser:
            await asyncio.sleep(WARM_UP_S)
            try:
                async with asyncio.timeout(given.minutes * 60):
                    failed = await _all(system, browser, given)
            except TimeoutError:
                print(f"not done after {given.minutes:g} minutes", file=sys.stderr)
                failed = 1
    return 1 if failed else 0


async def _all(system: System, browser: Browser, given: Any) -> int:
    failed = 0
    for size in given.sizes.split(","):
        for theme in given.themes.split(","):
            for language in given.languages.split(","):
                folder = given.folder / f"{size}-{theme}-{language}"
                folder.mkdir(parents=True, exist_ok=True)
                width, height = SIZES[size]
                context = await browser.new_context(
                    viewport={"width": width, "height": height}, locale=language, color_scheme=theme
                )
                began = time.monotonic()
                failed += await _walk(system, context, folder, theme, language, given.pages)
                print(f"{folder}: {time.monotonic() - began:.0f} s", flush=True)
                await context.close()
    return failed


async def _walk(
    system: System, context: BrowserContext, folder: Path, theme: str, language: str, only: str
) -> int:
    page = await context.new_page()
    page.set_default_timeout(PAGE_MS)
    await page.goto(f"{system.http}/login")
    await page.fill("[name=name]", "admin")
    await page.fill("[name=password]", PASSWORD)
    await page.click("[type=submit]")
    await page.goto(f"{system.http}/prefs?theme={theme}&lang={language}&next=/tags")
    failed = 0
    for url in (*PAGES, *_found(system)):
        if only in url:
            failed += not await _take(page, system.http, url, folder / f"{name_of(url)}.png")
    return failed


def _found(system: System) -> list[str]:
    """What there is only while the site runs: an alarm and a session."""
    host = system.running.host
    views = host.board.views()
    sessions = host.core.sessions.open_transactions()
    return [f"/alarm/{one.path}" for one in views[:1]] + [f"/session/{one.id}" for one in sessions[:1]]


async def _take(page: Page, base: str, url: str, path: Path) -> bool:
    try:
        await page.goto(base + url)
        await page.wait_for_timeout(SETTLE_MS)
        await page.screenshot(path=path)
        return True
    except Error as error:
        print(f"{url}: {error.message.splitlines()[0]}", file=sys.stderr)
        return False


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
