"""The program as users start it: a process of its own, spoken to over its doors."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

START_TIMEOUT_S = 60.0


def scada(
    *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end and return what it printed."""
    return subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-m", "scada", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )


@dataclass
class Supervisor:
    """A running `scada run`."""

    process: subprocess.Popen[str]
    output: Path
    addresses: dict[str, str] = field(default_factory=dict)


@contextmanager
def supervisor(
    directory: Path,
    *options: str,
    password: str = "correct horse",  # noqa: S107
    ports: tuple[int, int, int] = (0, 0, 0),
) -> Iterator[Supervisor]:
    """Start `scada run`, wait until it says that it runs, end it at the end of the block.

    Args:
        ports: of HTTP, OCPP and OPC UA; 0: a free one.
    """
    output = directory.parent / f"{directory.name}.out"
    http, ocpp, opcua = map(str, ports)
    arguments = [
        "run",
        str(directory),
        "--http-port",
        http,
        "--ocpp-port",
        ocpp,
        "--opcua-port",
        opcua,
        *options,
    ]
    with output.open("w") as sink:
        process = _start(arguments, sink, {**os.environ, "SCADA_ADMIN_PASSWORD": password})
        try:
            yield Supervisor(process, output, _addresses(process, output))
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _start(arguments: list[str], sink: IO[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-m", "scada", *arguments],
        stdout=sink,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment,
    )


def _addresses(process: subprocess.Popen[str], output: Path) -> dict[str, str]:
    """What the program printed about where it listens: http, ocpp, opcua."""
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        text = output.read_text()
        if "Ctrl-C" in text:
            found = {
                "http": re.search(r"HMI +(http://\S+?)/\s", text),
                "ocpp": re.search(r"OCPP +(ws://\S+?)/<identity>", text),
                "opcua": re.search(r"OPC UA +(opc\.tcp://\S+)", text),
            }
            return {name: match.group(1) for name, match in found.items() if match}
        if process.poll() is not None:
            raise AssertionError(f"the program ended with {process.returncode}:\n{text}")
        time.sleep(0.05)  # another process: there is nothing to wait on but its output
    raise AssertionError(f"not started within {START_TIMEOUT_S:g} s:\n{output.read_text()}")
