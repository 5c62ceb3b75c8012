"""Lists that go over the floor of `core.db`: a page of it, and of PostgreSQL what is no longer there, as one list.

The page, the floor and the keys kept below it are read in one transaction of `core.db`. What is deleted after that is
in the page already; what had been deleted before is below the floor and under no kept key, so it is in PostgreSQL.
No row is missed and none comes twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, select, tuple_

from scada.core.errors import Unavailable
from scada.core.value import TimeUs
from scada.history.floors import Floor, Listing, floor_of, kept_below
from scada.history.older import LONG_TIMEOUT_S, Older, gone, identity_of

WINDOW = 5_000
"""Rows that are looked through in one go."""
SEARCH_S = 0.06
"""How long one page may look through rows, in each of the two places; at least one window it does."""

Conditions = Sequence[ColumnElement[bool]]
Place = tuple[Any, ...]
"""Of a row in its list: the values that it is ordered by."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a list.

    Attributes:
        base: conditions that an index in order of the list serves.
        rest: those that each row is asked.
        from_us: rows are of this moment or later; None: of any.
        here: whatever fits is in `core.db` (what is open is not deleted).
    """

    listing: Listing
    base: Conditions
    rest: Conditions = ()
    from_us: TimeUs | None = None
    here: bool = False

    def above(self, floor: Floor) -> bool:
        """Nothing that was deleted can be meant."""
        return self.here or (self.from_us is not None and self.from_us > floor.time_us)


@dataclass(frozen=True, slots=True)
class Found:
    """A page: rows, the place after which the next one begins (None: there is nothing more), and whether all are here."""

    rows: Sequence[Any]
    next: Place | None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Below:
    """What of a list lies in PostgreSQL, as `core.db` was at one moment."""

    identity: str
    floor: Floor
    conditions: Conditions


def page(engine: Engine, older: Older, wanted: Wanted, limit: int, after: Place | None) -> Found:
    """Newest first. Where PostgreSQL cannot be read, what `core.db` has, not complete.

    Raises:
        BadRequest: what is asked for is no value of a record.
    """
    with engine.connect() as connection:
        here = look(connection, wanted, limit, after)
        below = _below(connection, wanted, here, limit)
    if below is None:
        return here
    more = Wanted(wanted.listing, [*wanted.base, *below.conditions], wanted.rest)
    try:
        there = older.ask(lambda connection: look(connection, more, limit, after), below.identity)
    except Unavailable:
        return Found(here.rows, here.next, complete=False)
    return _merged(wanted.listing, here, there, limit)


def look(connection: Connection, wanted: Wanted, limit: int, after: Place | None) -> Found:
    """A page of one database. Conditions without an index are asked of `WINDOW` rows at a time."""
    listing = wanted.listing
    ordered = select(listing.table).order_by(*(column.desc() for column in listing.order))
    ends = time.monotonic() + SEARCH_S
    found: list[Any] = []
    while True:
        query = _after(ordered.where(*wanted.base, *wanted.rest), listing, after)
        edge = _edge(connection, wanted, after) if wanted.rest else None
        if edge is not None:
            query = query.where(tuple_(*listing.order) >= tuple_(*edge))
        found += connection.execute(query.limit(limit + 1 - len(found))).all()
        if len(found) > limit:
            return Found(found[:limit], listing.place(found[limit - 1]))
        if edge is None:
            return Found(found, None)
        after = edge
        if len(found) == limit or time.monotonic() > ends:
            return Found(found, edge)


def _edge(connection: Connection, wanted: Wanted, after: Place | None) -> Place | None:
    """The place of the last row of the next window; None: there are fewer rows than that."""
    listing = wanted.listing
    columns = [listing.table.c[name] for name in listing.names]
    query = select(*columns).where(*wanted.base).order_by(*(column.desc() for column in listing.order))
    row = connection.execute(_after(query, listing, after).limit(1).offset(WINDOW - 1)).one_or_none()
    return listing.place(row) if row is not None else None


def _after(query: Select[Any], listing: Listing, after: Place | None) -> Select[Any]:
    return query if after is None else query.where(tuple_(*listing.order) < tuple_(*after))


def _below(connection: Connection, wanted: Wanted, here: Found, limit: int) -> Below | None:
    """What must be asked of PostgreSQL for this page; None: nothing."""
    floor = floor_of(connection, wanted.listing)
    if floor is None or wanted.above(floor):
        return None
    last = here.next
    if last is not None and last[0] >= floor.lead:
        return None
    return _under(connection, wanted.listing, floor)


def _under(connection: Connection, listing: Listing, floor: Floor) -> Below:
    kept = kept_below(connection, listing, floor)
    return Below(identity_of(connection), floor, gone(listing, floor, kept))


def _merged(listing: Listing, here: Found, there: Found, limit: int) -> Found:
    """Down to the higher of the two places: below it one of the two has not looked yet."""
    edges = [found.next for found in (here, there) if found.next is not None]
    edge = max(edges) if edges else None
    rows = sorted([*here.rows, *there.rows], key=listing.place, reverse=True)
    rows = [row for row in rows if edge is None or listing.place(row) >= edge]
    if len(rows) > limit:
        return Found(rows[:limit], listing.place(rows[limit - 1]))
    return Found(rows, edge)


def below(connection: Connection, wanted: Wanted) -> Below | None:
    """What of a list `core.db` has no longer; None: nothing of what is wanted."""
    floor = floor_of(connection, wanted.listing)
    if floor is None or wanted.above(floor):
        return None
    return _under(connection, wanted.listing, floor)


def walk(
    engine: Engine,
    older: Older,
    wanted: Wanted,
    limit: int,
    chunk: int,
    join: Callable[[Connection, Sequence[Any], Sequence[Any]], Sequence[Any]],
) -> Iterator[Any]:
    """Everything, oldest first, in parts; of more than `limit` the oldest.

    Args:
        join: makes items of the rows from here and those from there, in the transaction of `core.db`.

    Raises:
        Unavailable: what lies in PostgreSQL cannot be read.
    """
    listing = wanted.listing
    ordered = select(listing.table).order_by(*listing.order)
    after: Place | None = None
    while limit > 0:
        size = min(chunk, limit)
        query = ordered.where(*wanted.base, *wanted.rest).limit(size)
        if after is not None:
            query = query.where(tuple_(*listing.order) > tuple_(*after))
        with engine.connect() as connection:
            rows = list(connection.execute(query).all())
            under = below(connection, wanted)
            there: Sequence[Any] = ()
            if under is not None and (after is None or after[0] < under.floor.lead):
                there = _rows(older, query.where(*under.conditions), under)
                rows = sorted([*rows, *there], key=listing.place)[:size]
            items = join(connection, rows, there)
        yield from items
        if len(rows) < size:
            return
        limit -= len(rows)
        after = listing.place(rows[-1])


def _rows(older: Older, query: Select[Any], under: Below) -> Sequence[Any]:
    return older.ask(lambda other: other.execute(query).all(), under.identity, LONG_TIMEOUT_S)
