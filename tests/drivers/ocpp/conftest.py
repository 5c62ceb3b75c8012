from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from scada.testing import Central, central_system, small_plant


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Central]:
    folder = tmp_path_factory.mktemp("central")
    async with central_system(small_plant(folder), folder / "data") as running:
        yield running
