from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from scada.testing.file_server import Files, file_server


@pytest_asyncio.fixture(loop_scope="session")
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    async with file_server(tmp_path) as running:
        yield running
