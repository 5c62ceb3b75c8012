"""The thread that writes samples: queue → database, or, while that is away, queue → disk → database, in order.

`append` only puts into a queue: the plant never waits for a disk. What is in the database or in a spill file is
there after the process is killed; between `append` and that lie at most some seconds.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
import structlog
from sqlalchemy.exc import SQLAlchemyError

from scada.core.database import Sample
from scada.history.samples.batch import sorted_by_tag
from scada.history.samples.engine import HistoryAway, Place, explain
from scada.history.samples.intake import Intake
from scada.history.samples.spill import Record, Spill
from scada.history.samples.store import SampleStore

QUEUE_MAX = 1_000_000
"""Samples that may wait in memory; past it the oldest are given up. It fills only when the local disk stands still."""
FLUSH_EVERY_S = 1.0
FLUSH_ROWS = 20_000
"""So many waiting samples are written before the second is over."""
BATCH_MAX = 50_000
RETRY_S = 5.0
"""How often a database that is away is tried."""
CLOSE_TIMEOUT_S = 15.0

log = structlog.get_logger()


class Writer:
    """Takes samples, and keeps a store open for queries.

    Args:
        place: of the database; a PostgreSQL server that is away is tried again and again.
        spill_bytes_max: see `Spill`.
        now_us, monotonic: clocks.
        keep: does a little of what else there is to do with the store; True: there is more.
        room: whether samples may be written now; False: they are given up (the disk is needed for more important things).

    Raises:
        StartError: `history.db` cannot be used.

    Attributes:
        dropped: samples given up.
        state: what is wrong, in a sentence; empty: nothing.
    """

    def __init__(
        self,
        place: Place,
        *,
        spill_bytes_max: int,
        queue_max: int = QUEUE_MAX,
        now_us: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
        room: Callable[[], bool] = lambda: True,
        keep: Callable[[SampleStore, int], bool] = lambda _store, _now_us: False,
    ) -> None:
        self.place = place
        self.spill = Spill(place.directory / "spill", spill_bytes_max)
        self.intake = Intake()
        self.state = ""
        self.store: SampleStore | None = None
        self._keep = keep
        self._queue_max = queue_max
        self._now_us = now_us
        self._monotonic = monotonic
        self._room = room
        self._dropped = 0
        self._queue: deque[Sequence[Sample]] = deque()
        self._waiting = 0
        self._appended = 0
        self._done = 0
        """Samples that were appended, and of them those that are on disk or given up, since the start."""
        self._changed = threading.Condition()
        self._closing = False
        self._flush_now = False
        self._thread: threading.Thread | None = None
        self._retry_at = 0.0
        self._number = 0
        self._own_from: int | None = None
        """The first number of this run that was given before the database was ever reached."""
        self._mapping = np.empty(0, np.int32)
        self._works: deque[tuple[Callable[[SampleStore], object], threading.Event]] = deque()
        self._open()

    @property
    def dropped(self) -> int:
        """Samples given up."""
        return self._dropped + self.spill.dropped

    @property
    def waiting(self) -> int:
        """Samples in the queue."""
        return self._waiting

    def append(self, samples: Sequence[Sample]) -> None:
        """Take samples over. Never waits for the disk, never raises."""
        with self._changed:
            if self._closing:
                self._dropped += len(samples)
                return
            self._start()
            self._queue.append(samples)
            self._waiting += len(samples)
            self._appended += len(samples)
            while self._waiting > self._queue_max and len(self._queue) > 1:
                lost = len(self._queue.popleft())
                self._waiting -= lost
                self._dropped += lost
                self._done += lost
            if self._waiting >= FLUSH_ROWS:
                self._changed.notify()

    def flush(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Wait until what was appended is on disk, in the database or beside it; False if the time is over first."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            self._start()
            wanted = self._appended
            while self._done < wanted:
                self._flush_now = True
                self._changed.notify_all()
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(min(left, 0.2))
        return True

    def submit(self, work: Callable[[SampleStore], object], timeout_s: float) -> bool:
        """Have something done with the store on its thread; False if it was not done in time."""
        done = threading.Event()
        with self._changed:
            if self._closing:
                return False
            self._start()
            self._works.append((work, done))
            self._changed.notify_all()
        return done.wait(timeout_s)

    def start(self) -> None:
        """Begin before the first sample comes: a database that is away is looked for at once."""
        with self._changed:
            self._start()

    def close(self) -> None:
        """Write what waits, in at most `CLOSE_TIMEOUT_S`, and close."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
            if self._thread.is_alive():
                log.error("history_not_closed", waiting=self._waiting)
                return
        self.spill.close()
        if self.store is not None:
            self.store.close()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="history", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            chunks = self._next()
            if chunks:
                self._take(chunks)
            try:
                self._turn()
            except Exception:
                log.exception("history_turn_failed")  # the next turn goes on
            with self._changed:
                if self._closing and not self._queue:
                    return

    def _next(self) -> list[Sequence[Sample]]:
        """What is to be written next; empty when there is nothing."""

        def due() -> bool:
            return self._closing or self._flush_now or bool(self._works) or self._waiting >= FLUSH_ROWS

        with self._changed:
            self._changed.wait_for(due, FLUSH_EVERY_S)
            self._flush_now = False
            return self._pop()

    def _pop(self) -> list[Sequence[Sample]]:
        chunks: list[Sequence[Sample]] = []
        count = 0
        while self._queue and count < BATCH_MAX:
            chunk = self._queue.popleft()
            count += len(chunk)
            chunks.append(chunk)
        self._waiting -= count
        return chunks

    def _take(self, chunks: list[Sequence[Sample]]) -> None:
        """Bring samples to disk, or give them up."""
        try:
            self._store(chunks)
        except Exception:
            log.exception("history_batch_lost")
            self._dropped += sum(map(len, chunks))
        with self._changed:
            self._done += sum(map(len, chunks))
            self._changed.notify_all()

    def _store(self, chunks: list[Sequence[Sample]]) -> None:
        """Into the database if nothing waits before them, else behind what waits on disk."""
        samples = chunks[0] if len(chunks) == 1 else [sample for chunk in chunks for sample in chunk]
        if not samples:
            return
        if not self._room():
            self._dropped += len(samples)
            return
        batch = self.intake.batch(samples)
        record = Record(self._next_number(), self.intake.keys, batch)
        if self.spill.empty and self.store is not None and self._write(record, own=True):
            return
        try:
            self.spill.append(record)
        except OSError as error:
            self._dropped += len(samples)
            self._say(
                f"samples cannot be written to {self.place.directory / 'spill'} ({error.strerror or error})"
            )

    def _next_number(self) -> int:
        base = self.store.written if self.store is not None else 0
        self._number = max(self._number + 1, base + 1, self._now_us())
        if self.store is None and self._own_from is None:
            self._own_from = self._number
        return self._number

    def _turn(self) -> None:
        """What else there is to do: look for the database, catch up, make blocks, work of others."""
        if self.store is None and not self._open():
            return
        if not self.spill.empty and not self._catch_up():
            return
        assert self.store is not None
        try:
            if self.store.due(self._now_us()):
                self.store.compact(self._now_us())
            while self._works:
                work, done = self._works.popleft()
                try:
                    work(self.store)
                finally:
                    done.set()
            if not self._closing and self._keep(self.store, self._now_us()):
                self._flush_now = True
        except (SQLAlchemyError, HistoryAway, OSError) as error:
            self._failed(error)
            return
        self._say("")

    def _open(self) -> bool:
        if self._monotonic() < self._retry_at:
            return False
        try:
            self.store = SampleStore(self.place)
        except (SQLAlchemyError, HistoryAway, OSError) as error:
            self._failed(error)
            return False
        for said in self.store.damaged:
            log.error("history_journal_damaged", what=said)
        return True

    def _catch_up(self) -> bool:
        """Bring what waits on disk into the database, oldest first; what comes meanwhile goes behind it."""
        if self._monotonic() < self._retry_at:
            return False
        while (path := self.spill.oldest()) is not None:
            for record in self.spill.read(path):
                if self._closing or not self._write(record, own=False):
                    return False
                with self._changed:
                    chunks = self._pop() if self._waiting >= FLUSH_ROWS else []
                if chunks:
                    self._take(chunks)
            self.spill.remove(path)
        log.info("history_caught_up")
        return True

    def _write(self, record: Record, *, own: bool) -> bool:
        """Write a record; False if the database does not take it now."""
        if self._monotonic() < self._retry_at:
            return False
        assert self.store is not None
        try:
            batch = record.batch
            mapping = self._mapped() if own else np.array(self.store.ids(record.keys), np.int32)
            number = record.number
            if self._own_from is not None and number >= self._own_from and number <= self.store.written:
                # It was given before the database was seen, by a clock behind that of an earlier run.
                number = self.store.written + 1
            self.store.write(
                sorted_by_tag(mapping[batch.ids], batch.times, batch.values, batch.quality, batch.texts),
                number,
            )
        except (SQLAlchemyError, HistoryAway, OSError) as error:
            self._failed(error)
            return False
        return True

    def _mapped(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        assert self.store is not None
        keys = self.intake.keys
        if len(self._mapping) < len(keys):
            self._mapping = np.array(self.store.ids(keys), np.int32)
        return self._mapping

    def _failed(self, error: Exception) -> None:
        self._retry_at = self._monotonic() + RETRY_S
        self._say(explain(self.place, error) if isinstance(error, SQLAlchemyError) else str(error))

    def _say(self, state: str) -> None:
        """Say once when it goes wrong and once when it works again."""
        if state and not self.state:
            log.error("history_away", why=state)
        elif self.state and not state:
            log.info("history_works_again", dropped=self.dropped)
        self.state = state
