"""Token lists of a real file and a real HTTP server: good ones count, bad ones change nothing and are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from scada.app.tokens import TokenImports
from scada.core.plant import AuthorizationMode, ChargingSettings, TokenImport
from scada.core.value import SECOND_US
from scada.history import open_core
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost
from scada.testing import small_plant

GOOD = "id_tag,name,parent,expires\nIMP-1,One,G,\nIMP-2,Two,,2099-12-31\n"


@asynccontextmanager
async def answering(answers: list[str]) -> AsyncIterator[str]:
    """A server that gives the first answer that is left; its address. The request's head is checked for the key."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = answers.pop(0) if "authorization: bearer k" in head else ""
        status = "200 OK" if body else "403 Forbidden"
        text = body.encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode() + text
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/tokens.csv"


async def test_lists_of_a_file_and_of_a_server(tmp_path: Path) -> None:
    answers = [GOOD, "id_tag,parent\nIMP-3,\nIMP-3,\n", "<html>", "id_tag\nIMP-9\n"]
    async with answering(answers) as url:
        of_file = TokenImport(name="file", source="block.csv", every_us=60 * SECOND_US, block=True)
        of_url = TokenImport(name="url", source=url, every_us=60 * SECOND_US, authorization_ref="env:KEY")
        charging = ChargingSettings(imports=(of_file, of_url))
        plant = replace(small_plant(tmp_path), charging=charging)
        store = open_core(tmp_path / "data")
        try:
            host = PlantHost(plant, store.restart(), SystemClock(), store.journal, store.samples)
            imports = TokenImports(plant, host, lambda _: "Bearer k")

            def state(tag: str) -> str:
                now_us = host.clock.now_us()
                tokens = host.core.charging.tokens
                return tokens.check(tag, "Depot", AuthorizationMode.TOKENS, now_us).status.value

            last = host.tags["System.TokensImported"]

            def well() -> object:
                return host.tags["System.TokensOk"].value

            assert not await imports.fetch(of_file)  # it is not there yet
            assert (well(), last.value) == (False, None)
            assert await imports.fetch(of_url)
            assert well() is False  # the other one still fails
            assert (state("IMP-1"), state("IMP-2")) == ("Accepted", "Accepted")
            (plant.directory / "block.csv").write_text("id_tag\nIMP-2\n")
            assert await imports.fetch(of_file)
            assert well() is True
            assert last.value is not None
            assert state("IMP-2") == "Blocked"
            for _ in range(2):  # a token twice; no table at all
                assert not await imports.fetch(of_url)
                assert (well(), state("IMP-1"), state("IMP-3")) == (False, "Accepted", "Invalid")
            assert not await TokenImports(plant, host, lambda _: None).fetch(of_url)
            assert await imports.fetch(of_url)
            assert (state("IMP-1"), state("IMP-9")) == ("Invalid", "Accepted")
            await host.close()
            again = PlantHost(plant, store.restart(), SystemClock(), store.journal, store.samples)
            kept = {one.token.id_tag: one.source for one in again.core.charging.tokens.all()}
            assert (kept["IMP-9"], kept["IMP-2"], "IMP-1" in kept) == ("url", "file", False)
            await again.close()
        finally:
            store.close()
