from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
import pytest_asyncio

from scada.testing.plants import small_plant
from scada.testing.system import System, whole_system


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    async with whole_system(small_plant(tmp_path_factory.mktemp("system"))) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def client(system: System) -> AsyncIterator[httpx2.AsyncClient]:
    base = f"{system.http}/api/v1"
    async with httpx2.AsyncClient(base_url=base, trust_env=False, headers=system.basic("admin")) as made:
        yield made
