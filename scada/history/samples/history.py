"""Samples as the rest of the program sees them: take, show, correct."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import insert

from scada.core.database import Sample
from scada.core.errors import BadRequest, JournalError, NotFound
from scada.core.plant import HistorySettings
from scada.core.ports import Correction, Point
from scada.core.value import Kind, TimeUs, Value
from scada.history.fit import fit
from scada.history.samples import query, tables
from scada.history.samples.buckets import DAY_US
from scada.history.samples.disk import Disk
from scada.history.samples.engine import Place, reader_engine
from scada.history.samples.keeper import Keeper
from scada.history.samples.store import SampleStore
from scada.history.samples.view import View, look
from scada.history.samples.writer import Writer

CORRECTIONS_MAX = 100_000
CORRECT_TIMEOUT_S = 30.0


def _now_us() -> int:
    return time.time_ns() // 1_000


class SampleHistory:
    """Implements `scada.core.ports.SampleSink`, and reads back what it wrote.

    Raises:
        StartError: `history.db` cannot be used. A PostgreSQL database that is away is no such error: samples
            wait on disk, and `state` says why.
    """

    def __init__(
        self,
        place: Place,
        settings: HistorySettings | None = None,
        *,
        now_us: Callable[[], int] = _now_us,
        disk: Disk | None = None,
    ) -> None:
        settings = settings or HistorySettings()
        self.disk = disk or Disk(place.directory, settings.free_bytes_min)
        self.keeper = Keeper(settings, self.disk)
        self._now_us = now_us
        self._reader = reader_engine(place)
        try:
            self.writer = Writer(
                place,
                spill_bytes_max=settings.spill_bytes_max,
                now_us=now_us,
                room=self.disk.room,
                keep=self.keeper.turn,
            )
        except BaseException:
            self._reader.dispose()
            raise

    @property
    def dropped(self) -> int:
        """Samples given up."""
        return self.writer.dropped

    @property
    def waiting(self) -> int:
        """Samples in the queue."""
        return self.writer.waiting

    @property
    def spill_bytes(self) -> int:
        """What waits on disk for the database."""
        return self.writer.spill.bytes

    @property
    def state(self) -> str:
        """What is wrong, in a sentence; empty: nothing."""
        if not self.disk.room():
            return "the disk is nearly full: samples are not written"
        return self.writer.state

    def append(self, samples: Sequence[Sample]) -> None:
        """Take samples over. Never waits for the disk, never raises."""
        self.writer.append(samples)

    def flush(self, timeout_s: float = 15.0) -> bool:
        """Wait until what was appended is on disk; False if the time is over first."""
        return self.writer.flush(timeout_s)

    def close(self) -> None:
        """Write what waits and close."""
        self.writer.close()
        self._reader.dispose()

    def last_values(self) -> list[tuple[str, Value, TimeUs]]:
        """(path, value, time) of the newest sample of each tag that has one with a value; none while the database is away."""
        store = self.writer.store
        return store.last_values() if store is not None else []

    def points(self, path: str, from_us: TimeUs, to_us: TimeUs, limit: int) -> list[Point]:
        """The newest `limit` samples of a tag in `from_us <= time < to_us`, oldest first. Blocks."""
        with self.view() as view:
            return query.points(view, path, from_us, to_us, limit)

    @contextmanager
    def view(self) -> Iterator[View]:
        """All samples as they are at this moment, for a thread that may block."""
        with look(self.writer.store, self._reader, self.writer.spill) as view:
            yield view

    def correct(self, corrections: Sequence[Correction]) -> None:
        """Put values in the place of samples. Blocks until they are in the database.

        Raises:
            BadRequest: too many, or a text for a number.
            NotFound: a tag has no history.
            JournalError: the database is away; nothing was changed.
        """
        if len(corrections) > CORRECTIONS_MAX:
            raise BadRequest(f"at most {CORRECTIONS_MAX} corrections at once")
        failures: list[Exception] = []

        def work(store: SampleStore) -> None:
            try:
                _correct(store, corrections, self._now_us())
            except (BadRequest, NotFound) as error:
                failures.append(error)

        if not self.writer.submit(work, CORRECT_TIMEOUT_S):
            raise JournalError(f"the history cannot be written now: {self.state or 'it is busy'}")
        if failures:
            raise failures[0]


def _correct(store: SampleStore, corrections: Sequence[Correction], now_us: int) -> None:
    rows = []
    for one in corrections:
        entries = store.entries(one.path)
        if not entries:
            raise NotFound(f"there is no history of {one.path}")
        tag_id, kind = entries[-1]
        is_text = kind == Kind.TEXT.value
        if one.value is not None and isinstance(one.value, str) is not is_text:
            raise BadRequest(f"{one.path} holds {'texts' if is_text else 'numbers'}")
        rows.append(
            {
                "tag_id": tag_id,
                "time_us": fit(one.time_us),
                "value": None if one.value is None or is_text else float(one.value),
                "text": fit(one.value).replace("\0", "\ufffd") if isinstance(one.value, str) else None,
                "quality": one.quality,
                "made_us": now_us,
                "user": one.user,
                "reason": one.reason,
            }
        )
    if not rows:
        return
    with store.engine.begin() as connection:
        connection.execute(insert(tables.correction), rows)
        store.mark_dirty(
            connection, {(row["tag_id"], row["time_us"] - row["time_us"] % DAY_US) for row in rows}
        )
