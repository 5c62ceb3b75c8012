"""The disk of the data folder: how much is free, and a reserve for `core.db`.

When the disk is nearly full, samples are given up first. When it is full, the reserve is released: what charged
and what alarmed is still written then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import structlog

RESERVE_BYTES = 64 * 2**20
FULL_BYTES = 16 * 2**20
"""With less than this free the reserve is released."""
LOOK_EVERY_S = 2.0

log = structlog.get_logger()


class Disk:
    """Looks at the disk, at most each `LOOK_EVERY_S`.

    Args:
        floor_bytes: below it no samples are written; at least the reserve and `FULL_BYTES`.
        free: how many bytes are free in a folder.
        reserve_bytes: size of the file that keeps room for `core.db`.
    """

    def __init__(
        self,
        directory: Path,
        floor_bytes: int,
        *,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
        reserve_bytes: int = RESERVE_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        # What the reserve gives back when it is released is not for samples.
        self._floor = max(floor_bytes, reserve_bytes + FULL_BYTES)
        self._free = free
        self._reserve_bytes = reserve_bytes
        self._monotonic = monotonic
        self._looked_at = float("-inf")
        self._seen = 0
        self.look()

    @property
    def reserve(self) -> Path:
        """The file that keeps room."""
        return self._directory / "reserve"

    def room(self) -> bool:
        """Whether samples may be written."""
        self.look()
        return self._seen >= self._floor

    def comfortable(self) -> bool:
        """Whether there is more room than the least: below it old samples are given up already."""
        self.look()
        return self._seen >= self._floor + self._floor // 4

    def look(self) -> None:
        """See how much is free; release or fill the reserve."""
        now = self._monotonic()
        if now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        try:
            self._seen = self._free(self._directory)
        except OSError:
            self._seen = 0
            return
        if self._seen < FULL_BYTES and self.reserve.exists():
            with contextlib.suppress(OSError):
                self.reserve.unlink()
                log.error("disk_full_reserve_released")
        elif self._seen > self._floor + 2 * self._reserve_bytes and not self.reserve.exists():
            self._fill()

    def _fill(self) -> None:
        try:
            with self.reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._reserve_bytes)
        except (OSError, AttributeError) as error:  # a file system that cannot, or another platform
            log.warning("disk_reserve_not_made", why=str(error))
            with contextlib.suppress(OSError):
                self.reserve.unlink(missing_ok=True)
