"""Ports of 127.0.0.1 that must be known before something listens on them, or that must be found again after a stop.

A port that the system gave (port 0) and that was closed again is anybody's: the next connection that any process makes may
get it as its own end. So these come from below the range that the system gives out (32768 and up on Linux), and each
test process has a part of its own.
"""

from __future__ import annotations

import itertools
import os
import socket

FIRST_PORT = 21_000
PORTS_PER_PROCESS = 1_000
_PROCESSES = 10


def _own_part() -> int:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return FIRST_PORT + int(worker) % _PROCESSES * PORTS_PER_PROCESS


# Round and round in its own part; a second run on the same machine begins elsewhere.
_next = itertools.count(os.getpid() * 7)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens, and which the system gives to nobody.

    Raises:
        RuntimeError: each port of this process's part is taken.
    """
    first = _own_part()
    for step in itertools.islice(_next, PORTS_PER_PROCESS):
        port = first + step % PORTS_PER_PROCESS
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise RuntimeError(f"no port is free between {first} and {first + PORTS_PER_PROCESS}")
