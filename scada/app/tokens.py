"""Lists of tokens that are fetched on a schedule, from a file or a URL, and put in the place of the ones before.

A list that cannot be fetched or is wrong anywhere changes nothing: the last good one holds, `System.TokensOk` says so,
and it is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx2 as httpx
import structlog

from scada.core.errors import ProjectError, ScadaError
from scada.core.plant import Plant, Token, TokenImport
from scada.core.value import GOOD, SECOND_US
from scada.project.tokens import read_tokens
from scada.runtime.charging_requests import ImportTokens
from scada.runtime.host import PlantHost

TIMEOUT_S = 30.0
"""Of a whole fetch."""
BYTES_MAX = 20_000_000
RETRY_S = 60.0
"""After a failure it is tried again so soon, or with its own interval where that is shorter."""

log = structlog.get_logger()


class TokenImports:
    """Fetches the lists of a plant.

    Args:
        secret: reference → secret, or None where it is not there.
        transport: in place of the network.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        secret: Callable[[str], str | None],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._plant, self._host, self._secret, self._transport = plant, host, secret, transport
        self._wrong: dict[str, str] = {}

    async def run(self) -> None:
        """Fetch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for one in self._plant.charging.imports:
                group.create_task(self._keep(one), name=f"tokens {one.name}")

    async def fetch(self, one: TokenImport) -> bool:
        """Fetch a list once; False: nothing was changed, and the log says why."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                text = await self._text(one)
                tokens = await asyncio.to_thread(self._read, one, text)
            changed, gone = await self._host.request(ImportTokens(one.name, tokens))
        except (OSError, TimeoutError, ValueError, httpx.HTTPError, ScadaError) as error:
            reason = _reason(error)
            if self._wrong.get(one.name) != reason:
                log.error("tokens_failed", tokens=one.name, reason=reason)
            self._wrong[one.name] = reason
            self._say()
            return False
        self._wrong.pop(one.name, None)
        if changed or gone:
            log.info("tokens_imported", tokens=one.name, number=len(tokens), changed=changed, gone=gone)
        self._say(imported=True)
        return True

    async def _keep(self, one: TokenImport) -> None:
        every_s = one.every_us / SECOND_US
        while True:
            well = await self.fetch(one)
            await asyncio.sleep(every_s if well else min(every_s, RETRY_S))

    async def _text(self, one: TokenImport) -> str:
        if "://" not in one.source:
            return await asyncio.to_thread(_file, self._plant.directory / one.source)
        headers = {}
        if one.authorization_ref:
            value = self._secret(one.authorization_ref)
            if value is None:
                raise OSError(f"the secret {one.authorization_ref} is not there")
            headers["Authorization"] = value
        async with (
            httpx.AsyncClient(
                timeout=TIMEOUT_S, follow_redirects=False, transport=self._transport, trust_env=False
            ) as client,
            client.stream("GET", one.source, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise OSError(f"the source answers {response.status_code}")
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > BYTES_MAX:
                    raise OSError(f"larger than {BYTES_MAX:,} bytes")
        return body.decode("utf-8-sig")

    def _read(self, one: TokenImport, text: str) -> list[Token]:
        return read_tokens(one.name, text, self._plant.timezone, blocked=one.block)

    def _say(self, *, imported: bool = False) -> None:
        tags, now_us = self._host.tags, self._host.clock.now_us()
        values = [("System.TokensOk", not self._wrong)]
        batch = [(tag, value, GOOD, now_us) for name, value in values if (tag := tags.get(name)) is not None]
        self._host.write(batch)
        last = tags.get("System.TokensImported")
        if imported and last is not None:
            self._host.write([(last, now_us / SECOND_US, GOOD, now_us)])


def _file(path: Path) -> str:
    if path.stat().st_size > BYTES_MAX:
        raise OSError(f"larger than {BYTES_MAX:,} bytes")
    return path.read_text(encoding="utf-8-sig")


def _reason(error: BaseException) -> str:
    if isinstance(error, ProjectError):
        more = len(error.problems) - 1
        return str(error.problems[0]) + (f" (and {more} more)" if more else "")
    return str(error) or type(error).__name__
