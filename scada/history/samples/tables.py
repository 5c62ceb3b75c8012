"""Tables of the sample store: the same on SQLite and PostgreSQL.

Times are microseconds since 1970 UTC. What grows with time is partitioned by month on PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

PARTITIONED = ("history_block", "rollup_minute", "rollup_day")


def _key(name: str, kind: Any = BigInteger) -> Column[int]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _number(name: str, kind: Any = BigInteger) -> Column[int]:
    return Column(name, kind, nullable=False)


meta = Table(
    "history_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""`application`, `project` (who owns this database) and `written` (number of the last batch)."""

tag = Table(
    "history_tag",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("retention", Text, nullable=False),
    Column("block_us", BigInteger),
    Column("last_us", BigInteger),
    Column("last_value", Float),
    Column("last_text", Text),
    UniqueConstraint("path", "kind"),
)
"""The dictionary. A tag whose kind changes begins a new entry: old samples keep their meaning.

`block_us`: time of the newest sample in blocks. `last_*`: the newest one with a value in them.
"""

hot = Table(
    "sample_hot",
    metadata,
    Column("id", Integer, primary_key=True),
    _number("n", Integer),
    _number("t0"),
    _number("t1"),
    Column("data", LargeBinary, nullable=False),
)
"""The journal: a row a batch of all tags (`batch.pack`), until they are blocks."""

block = Table(
    "history_block",
    metadata,
    _key("tag_id", Integer),
    _key("t0"),
    _key("seq"),
    _number("t1"),
    _number("n", Integer),
    Column("vmin", Float),
    Column("vmax", Float),
    Column("vavg", Float),
    _number("quality"),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (t0)",
)
"""Samples of one tag within one month (`codec.encode`). Late samples have blocks of their own, which overlap others;
of two samples of the same time the one with the higher `seq` came later. `quality`: the worst of the block.
"""

minute = Table(
    "rollup_minute",
    metadata,
    _key("tag_id", Integer),
    _key("t0"),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (t0)",
)
"""The minutes of a day (UTC) of one tag (`buckets.pack`)."""

day = Table(
    "rollup_day",
    metadata,
    _key("tag_id", Integer),
    _key("t0"),
    _number("samples", Integer),
    _number("n", Integer),
    Column("vmin", Float),
    Column("vmax", Float),
    Column("vavg", Float),
    Column("vlast", Float),
    Column("weighted", Float),
    _number("covered_us"),
    _number("held", SmallInteger),
    Column("hours", LargeBinary, nullable=False),
    Column("quarters", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    postgresql_partition_by="RANGE (t0)",
)
"""A day (UTC) of one tag with its hours and quarters of an hour."""

dirty = Table(
    "rollup_dirty",
    metadata,
    _key("tag_id", Integer),
    _key("t0"),
    sqlite_with_rowid=False,
)
"""Days whose roll-ups do not tell all: they are read from the samples until they are worked out anew."""

correction = Table(
    "sample_correction",
    metadata,
    Column("id", Integer, primary_key=True),
    _number("tag_id", Integer),
    _number("time_us"),
    Column("value", Float),
    Column("text", Text),
    _number("quality"),
    _number("made_us"),
    Column("user", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_sample_correction_tag", "tag_id", "time_us", "id"),
)
"""What people or a reconciliation put in a sample's place, or where none was. The sample itself stays."""

message = Table(
    "ocpp_message",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _number("time_us"),
    _words("charger"),
    _words("identity"),
    Column("sent", Boolean, nullable=False),
    _words("kind"),
    _words("action"),
    _words("message_id"),
    _words("body"),
    Index("ix_ocpp_message_time", "time_us", "id"),
    Index("ix_ocpp_message_charger", "charger", "time_us", "id"),
)
"""Frames between us and the chargers, without their secrets (`scada.history.messages`)."""
