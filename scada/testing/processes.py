"""The program as users start it: a process of its own, spoken to over its doors."""

from __future__ import annotations

import multiprocessing
import os
import re
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

START_TIMEOUT_S = 60.0
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


_COMMANDS = multiprocessing.get_context("forkserver")
# A command's process begins with the modules loaded: they take some seconds on a busy machine, a command a few tenths.
_COMMANDS.set_forkserver_preload(["scada.cli", "scada.app", "scada.project", "httpx2"])


def scada(
    *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end and return what it printed.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        printed = Path(folder, "out"), Path(folder, "err")
        process = _COMMANDS.Process(
            target=_command,
            args=(arguments, {**os.environ, **(env or {})}, str(Path.cwd()), *map(str, printed)),
        )
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["scada", *arguments], timeout_s)
        out, err = (path.read_text() for path in printed)
        return subprocess.CompletedProcess(["scada", *arguments], process.exitcode, out, err)


def _command(
    arguments: tuple[str, ...], environment: dict[str, str], directory: str, out: str, err: str
) -> None:
    """In the command's own process: become `python -m scada`."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    for number, (path, how) in enumerate(((os.devnull, os.O_RDONLY), (out, _NEW), (err, _NEW))):
        os.dup2(os.open(path, how, 0o600), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 (multiprocessing has closed it)
    sys.argv = ["scada", *arguments]
    runpy.run_module("scada", run_name="__main__")


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
