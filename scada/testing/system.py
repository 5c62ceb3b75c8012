"""The whole product in this process, on free ports, for tests that go in by its doors."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from unittest import mock

from scada import app
from scada.app import Running
from scada.core.plant import Plant
from scada.core.ports import UserRow
from scada.identity import passwords

PASSWORD = "correct horse"  # noqa: S105 (of accounts that live as long as a test)
USERS = {"admin": "administrator", "olga": "operator", "gus": "guest"}


@dataclass
class System:
    """A running product."""

    running: Running
    http: str
    ocpp: str
    opcua: str

    def basic(self, user: str) -> dict[str, str]:
        """Headers of a user for the REST interface."""
        credentials = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        return {"Authorization": f"Basic {credentials}"}


@asynccontextmanager
async def whole_system(plant: Plant, *, simulate: bool = False) -> AsyncIterator[System]:
    """Start the product on a plant and stop it at the end of the block. Once a process: the HMI is one."""
    with mock.patch.dict(os.environ, {app.ADMIN_PASSWORD_VARIABLE: PASSWORD}):
        async with app.start(plant, simulate=simulate) as running:
            hashed = passwords.hash_password(PASSWORD)
            for name, role in USERS.items():  # the accounts are read anew each second, and at log-in
                if name != "admin":
                    running.store.users.put(UserRow(name, role, hashed, "en", False))
            ports = running.ports
            yield System(
                running=running,
                http=f"http://127.0.0.1:{ports['http']}",
                ocpp=f"ws://127.0.0.1:{ports['ocpp']}{plant.network.ocpp_path}",
                opcua=f"opc.tcp://127.0.0.1:{ports['opcua']}/",
            )
