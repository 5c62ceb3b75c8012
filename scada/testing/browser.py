"""Headless Chromium for tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

ARGUMENTS = [
    "--no-sandbox",  # tests may run as root, against pages of our own
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str:
    """The path of Chromium. Without one a test is skipped, but in CI it fails."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name) if name else None
        if path:
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("CI needs Chromium: ./dev test installs it, or set CHROMIUM")
    pytest.skip("no Chromium (set CHROMIUM)")


@asynccontextmanager
async def headless_browser() -> AsyncIterator[Browser]:
    """A browser until the end of the block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
