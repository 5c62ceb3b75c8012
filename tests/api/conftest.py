from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
import pytest_asyncio

from scada.core.access import Right, Role
from scada.core.plant import FileSettings
from scada.core.ports import UserRow
from scada.identity import passwords
from scada.testing.plants import small_plant
from scada.testing.system import PASSWORD, System, whole_system

NIGHT = Role(
    rights=frozenset({Right.SEE, Right.ACKNOWLEDGE, Right.MASK}),
    see=(20, 29),
    acknowledge=(20, 23),
    mask=(20, 23),
)
"""Sees high and critical alarms, and may do something about high ones only."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    plant = small_plant(tmp_path_factory.mktemp("system"))
    plant = replace(plant, files=FileSettings(http_port=0, ftp_port=0, firmware_bytes_max=2_000_000))
    plant = replace(plant, roles={**plant.roles, "night": NIGHT})
    async with whole_system(plant) as running:
        users = running.running.store.users
        users.put(UserRow("nora", "night", passwords.hash_password(PASSWORD), "en", False))
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def client(system: System) -> AsyncIterator[httpx2.AsyncClient]:
    base = f"{system.http}/api/v1"
    headers = system.basic("admin")
    async with httpx2.AsyncClient(base_url=base, trust_env=False, timeout=30, headers=headers) as made:
        yield made
