"""Records that `core.db` no longer keeps, read from PostgreSQL, which does.

A server that is away costs one try in `PAUSE_S`: until the next, questions are answered at once with what is wrong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Connection, Text, all_, literal, select
from sqlalchemy import text as sql
from sqlalchemy.exc import DataError, SQLAlchemyError

from scada.core.errors import BadRequest, Unavailable
from scada.history import schema
from scada.history.floors import Floor, Listing
from scada.history.samples.engine import Place, explain, postgresql_engine

CONNECTIONS = 6
"""Of the three threads for queries, and of reports and exports."""
CONNECT_TIMEOUT_S = 2
PAGE_TIMEOUT_S = 5.0
"""For the statements of a page."""
LONG_TIMEOUT_S = 60.0
"""For those of reports and figures."""
PAUSE_S = 10.0
"""How long nobody tries again after a failure."""

T = TypeVar("T")


class Older:
    """The road to them. Safe in any thread; nothing is connected before the first question.

    Args:
        place: with the URL; without one every question is answered with `Unavailable`.
    """

    def __init__(self, place: Place | None) -> None:
        self._place = place
        url = place.url if place is not None else None
        self._engine = None
        if url is not None:
            self._engine = postgresql_engine(
                url,
                CONNECTIONS,
                CONNECT_TIMEOUT_S,
                isolation_level="REPEATABLE READ",
                execution_options={"postgresql_readonly": True},
            )
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._reason = ""
        self._seen = False

    def ask(self, question: Callable[[Connection], T], identity: str, timeout_s: float = PAGE_TIMEOUT_S) -> T:
        """What the question reads, in one transaction.

        Args:
            identity: of our `core.db`: the records of another one are not ours.
            timeout_s: for each of its statements.

        Raises:
            Unavailable: it cannot be read now.
            BadRequest: PostgreSQL cannot even hold what is asked for.
        """
        if self._engine is None or self._place is None:
            raise Unavailable(
                "older records are in the PostgreSQL database that they were fed to: set [history] url to read them"
            )
        with self._lock:
            if time.monotonic() < self._not_before:
                raise Unavailable(self._reason)
        try:
            with self._engine.connect() as connection:
                connection.execute(sql(f"SET LOCAL statement_timeout = {int(timeout_s * 1000)}"))
                if not self._seen:
                    self._see(connection, identity)
                return question(connection)
        except DataError as error:
            raise BadRequest(f"no record can hold what is asked for ({error.orig})") from error
        except SQLAlchemyError as error:
            raise self._fallen(f"older records cannot be read now: {explain(self._place, error)}") from error

    def close(self) -> None:
        """Let go of the connections."""
        if self._engine is not None:
            self._engine.dispose()

    def _see(self, connection: Connection, identity: str) -> None:
        owner = connection.execute(sql("SELECT value FROM feed_source WHERE name = 'identity'")).scalar()
        if owner != identity:
            raise self._fallen(
                f"older records cannot be read now: {self._place} is not, or not yet, fed by this core.db"
            )
        self._seen = True

    def _fallen(self, reason: str) -> Unavailable:
        with self._lock:
            self._not_before, self._reason, self._seen = time.monotonic() + PAUSE_S, reason, False
        return Unavailable(reason)


def identity_of(connection: Connection) -> str:
    """Who this `core.db` is to PostgreSQL; empty: it was never fed."""
    state = schema.feed_state
    return connection.scalar(select(state.c.value).where(state.c.name == "identity")) or ""


def gone(listing: Listing, floor: Floor, kept: Sequence[Any]) -> list[ColumnElement[bool]]:
    """Which rows there are no longer in `core.db`."""
    conditions: list[ColumnElement[bool]] = [listing.lead < floor.lead]
    if kept:
        kind = Text() if isinstance(kept[0], str) else BigInteger()
        conditions.append(listing.key != all_(literal(list(kept), ARRAY(kind))))
    return conditions
