"""Doors: the lock of a project and the listening sockets. All or nothing, with a sentence."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from scada.core.errors import StartError
from scada.core.plant import Plant


@contextmanager
def lock(file: Path) -> Iterator[TextIO]:
    """One supervisor a project: two would both write its journal."""
    with file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(
                f"another supervisor runs this project already ({file.parent.parent}): stop it first"
            ) from None
        yield handle


@contextmanager
def listening_sockets(plant: Plant) -> Iterator[dict[str, socket.socket]]:
    """The listening sockets, all or none: a port that is taken is found before anything starts."""
    network = plant.network
    sockets: dict[str, socket.socket] = {}
    try:
        for name, port in (
            ("http", network.http_port),
            ("ocpp", network.ocpp_port),
            ("opcua", network.opcua_port),
            ("ocpps", network.ocpps_port),
        ):
            if port is None:
                continue
            sockets[name] = bind(network.host, port, name)
        with file_sockets(plant) as more:
            yield {**sockets, **more}
    finally:
        for sock in sockets.values():
            sock.close()


@contextmanager
def file_sockets(plant: Plant) -> Iterator[dict[str, socket.socket]]:
    """The listening sockets of the file server's doors that the project opens."""
    files = plant.files
    sockets: dict[str, socket.socket] = {}
    try:
        for name, port in (("files_http", files.http_port), ("files_ftp", files.ftp_port)):
            if port is not None:
                sockets[name] = bind(files.host or plant.network.host, port, name)
        yield sockets
    finally:
        for sock in sockets.values():
            sock.close()


def bind(host: str, port: int, name: str) -> socket.socket:
    """A listening socket. Raises StartError with what to do."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise StartError(f"the address '{host}' cannot be used: {error}") from error
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise StartError(
            f"port {port} for {name} cannot be opened on {host} ({error.strerror}): "
            f"stop the program that uses it, or choose another with --{name}-port or in project.toml"
        ) from error
    # A bound socket that does not listen yet: two of us could both bind with SO_REUSEADDR, one cannot listen.
    try:
        sock.listen(1024)
    except OSError as error:
        sock.close()
        raise StartError(
            f"port {port} for {name} is in use on {host}: stop the program that uses it, "
            f"or choose another with --{name}-port or in project.toml"
        ) from error
    sock.setblocking(False)
    return sock


def port_of(sock: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(sock.getsockname()[1])
