from __future__ import annotations

import asyncio

import pytest

from scada.runtime import supervise as module
from scada.runtime.supervise import supervise
from scada.testing import until


async def test_a_service_that_never_comes_up_is_never_said_to_be_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_FIRST_S", 0.01)
    monkeypatch.setattr(module, "RESTART_MAX_S", 0.02)
    tries = 0
    told: list[bool] = []

    async def broken() -> None:
        nonlocal tries
        tries += 1
        raise OSError("no such device")

    task = asyncio.create_task(supervise("Broken", broken, lambda _name, ok: told.append(ok)))
    await until(lambda: tries >= 5)
    task.cancel()
    assert told[0] is True
    assert set(told[1:]) == {False}


async def test_a_service_that_recovers_is_said_to_be_up_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RESTART_FIRST_S", 0.01)
    monkeypatch.setattr(module, "UP_AFTER_S", 0.05)
    tries = 0
    told: list[bool] = []

    async def shaky() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("once")
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(supervise("Shaky", shaky, lambda _name, ok: told.append(ok)))
    await until(lambda: told == [True, False, True])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
