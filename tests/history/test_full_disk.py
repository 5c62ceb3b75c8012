"""A disk that is full to the last byte: a small file system of its own, in a name space that ends with the program."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("full_disk_program.py")
MOUNT = 'mount -t tmpfs -o size=260m tmpfs "$1" && shift && exec "$@"'


def small_disk(folder: Path, *command: str) -> list[str]:
    return ["unshare", "-Urm", "sh", "-c", MOUNT, "sh", str(folder), *command]


def test_sessions_and_alarms_go_on_where_samples_are_given_up_and_all_heals(tmp_path: Path) -> None:
    if (
        not shutil.which("unshare")
        or subprocess.run(small_disk(tmp_path, "true"), capture_output=True).returncode
    ):
        pytest.skip("this machine lets nobody mount a file system of his own")
    done = subprocess.run(
        small_disk(tmp_path, sys.executable, str(PROGRAM), str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    # Nearly full: samples are given up, and counted; what keeps room for sessions and alarms stays.
    assert (told["dropped"], told["reserve_kept"]) == (1, True)
    # Full: the reserve is given to them, and to them alone.
    assert (told["full"], told["free_when_full"]) == (errno.ENOSPC, 0)
    assert told["reserve_released"]
    assert told["grown"] > 6_000_000  # more than had been there
    assert told["dropped_when_full"] == 2
    # Room again: samples are written, the reserve is kept anew, and nothing that was acknowledged is missing.
    assert told["values"] == [1.0, 3.0]
    assert told["acknowledged"] == 109
    assert told["next"] == [110, 110]
