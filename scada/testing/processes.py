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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 60.0


WARM = multiprocessing.get_context("forkserver")
# Such a process begins with the modules loaded: they take some seconds on a busy machine, a command a few tenths.
WARM.set_forkserver_preload(["scada.cli", "scada.app", "scada.project", "httpx2"])


def scada(
    *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end and return what it printed.

    Raises:
        subprocess.TimeoutExpired: it did not end in time, and was killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _Warm(arguments, {**os.environ, **(env or {})}, out, err)
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(["scada", *arguments], code, out.read_text(), err.read_text())


class _Warm:
    """A process that begins with the program's modules; what is used of `subprocess.Popen` is the same."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], out: Path, err: Path) -> None:
        out.touch()
        err.touch()
        self._arguments = arguments
        self._process = WARM.Process(
            target=_become, args=(tuple(arguments), environment, str(Path.cwd()), str(out), str(err))
        )
        self._process.start()
        self.pid: int = self._process.pid or 0
        self.terminate, self.kill = self._process.terminate, self._process.kill

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(["scada", *self._arguments], timeout or 0)
        return code


def _become(
    arguments: tuple[str, ...], environment: dict[str, str], directory: str, out: str, err: str
) -> None:
    """In the process itself: become `python -m scada`."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    for number, path in enumerate((os.devnull, out, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 (multiprocessing has closed it)
    sys.argv = ["scada", *arguments]
    runpy.run_module("scada", run_name="__main__")


@dataclass
class Supervisor:
    """A running `scada run`."""

    process: subprocess.Popen[bytes] | _Warm
    output: Path
    addresses: dict[str, str] = field(default_factory=dict)


@contextmanager
def supervisor(
    directory: Path,
    *options: str,
    password: str = "correct horse",  # noqa: S107
    ports: tuple[int, int, int] = (0, 0, 0),
    own_interpreter: bool = False,
) -> Iterator[Supervisor]:
    """Start `scada run`, wait until it says that it runs, end it at the end of the block.

    Args:
        ports: of HTTP, OCPP and OPC UA; 0: a free one.
        own_interpreter: it is started as users do, which takes longer; for what it costs, and for what starts it anew.
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
    environment = {**os.environ, "SCADA_ADMIN_PASSWORD": password}
    output.write_text("")
    process: subprocess.Popen[bytes] | _Warm
    if own_interpreter:
        with output.open("a") as sink:
            process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-m", "scada", *arguments],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
            )
    else:
        process = _Warm(arguments, environment, output, output)
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


def _addresses(process: subprocess.Popen[bytes] | _Warm, output: Path) -> dict[str, str]:
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
