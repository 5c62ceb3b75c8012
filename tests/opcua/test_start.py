"""Starting and stopping of the OPC UA server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from scada.core.errors import StartError
from scada.core.plant import Network
from scada.opcua import OpcUaServer
from scada.opcua.certificates import ensure_certificate


@contextmanager
def _taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


async def test_a_port_in_use(running: Any) -> None:
    with _taken() as port:
        plant = replace(running.plant, network=Network(opcua_port=port))
        server = OpcUaServer(plant, running.host, None, running.accounts, running.certificates)  # type: ignore[arg-type]
        with pytest.raises(StartError, match="another program may use the port"):
            await server.run()


async def test_it_starts_again_with_the_same_certificate(running: Any) -> None:
    before = (running.certificates / "opcua-certificate.pem").read_bytes()
    listeners = len(running.host._change_listeners)
    server = OpcUaServer(running.plant, running.host, None, running.accounts, running.certificates)  # type: ignore[arg-type]
    for _ in range(2):
        task = asyncio.create_task(server.run())
        async with asyncio.timeout(30):
            await server.listening.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.endpoint == ""
    assert (running.certificates / "opcua-certificate.pem").read_bytes() == before
    assert len(running.host._change_listeners) == listeners


def test_the_certificate_names_the_server(tmp_path: Path) -> None:
    path, _ = ensure_certificate(tmp_path / "new", "urn:ev-scada:x:server", "EV-SCADA x", "0.0.0.0")
    names = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:ev-scada:x:server"]
    assert "localhost" in names.value.get_values_for_type(x509.DNSName)


def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(StartError, match="cannot be written"):
        ensure_certificate(Path("/proc/self/x"), "urn:x", "x", "127.0.0.1")
