"""The first tables of the sample store: `scada.history.samples.tables` says what they hold."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Column, Float, Integer, LargeBinary, SmallInteger, Text
from sqlalchemy.schema import PrimaryKeyConstraint, UniqueConstraint

revision = "1"
down_revision = None

_SHAPE: dict[str, Any] = {"sqlite_with_rowid": False, "postgresql_partition_by": "RANGE (t0)"}


def _number(name: str, kind: type[Integer] = BigInteger) -> Column[int]:
    return Column(name, kind, nullable=False)


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _data(name: str = "data") -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def upgrade() -> None:
    """Make all tables."""
    op.create_table("history_meta", Column("key", Text, primary_key=True), _words("value"))
    op.create_table(
        "history_tag",
        Column("id", Integer, primary_key=True),
        _words("path"),
        _words("kind"),
        _words("retention"),
        Column("block_us", BigInteger),
        Column("last_us", BigInteger),
        Column("last_value", Float),
        Column("last_text", Text),
        UniqueConstraint("path", "kind"),
    )
    op.create_table(
        "sample_hot",
        Column("id", Integer, primary_key=True),
        _number("n", Integer),
        _number("t0"),
        _number("t1"),
        _data(),
    )
    op.create_table(
        "history_block",
        _number("tag_id", Integer),
        _number("t0"),
        _number("seq"),
        _number("t1"),
        _number("n", Integer),
        Column("vmin", Float),
        Column("vmax", Float),
        Column("vavg", Float),
        _number("quality"),
        _data(),
        PrimaryKeyConstraint("tag_id", "t0", "seq"),
        **_SHAPE,
    )
    op.create_table(
        "rollup_minute",
        _number("tag_id", Integer),
        _number("t0"),
        _data(),
        PrimaryKeyConstraint("tag_id", "t0"),
        **_SHAPE,
    )
    op.create_table(
        "rollup_day",
        _number("tag_id", Integer),
        _number("t0"),
        _number("samples", Integer),
        _number("n", Integer),
        Column("vmin", Float),
        Column("vmax", Float),
        Column("vavg", Float),
        Column("vlast", Float),
        Column("weighted", Float),
        _number("covered_us"),
        _number("held", SmallInteger),
        _data("hours"),
        _data("quarters"),
        PrimaryKeyConstraint("tag_id", "t0"),
        **_SHAPE,
    )
    op.create_table(
        "rollup_dirty",
        _number("tag_id", Integer),
        _number("t0"),
        PrimaryKeyConstraint("tag_id", "t0"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sample_correction",
        Column("id", Integer, primary_key=True),
        _number("tag_id", Integer),
        _number("time_us"),
        Column("value", Float),
        Column("text", Text),
        _number("quality"),
        _number("made_us"),
        _words("user"),
        _words("reason"),
    )
    op.create_index("ix_sample_correction_tag", "sample_correction", ["tag_id", "time_us", "id"])
    if op.get_bind().dialect.name == "postgresql":
        for table in ("history_block", "rollup_minute", "rollup_day"):
            # Times that no month is made for: a clock at 1970 or in the year 9999.
            op.execute(f"CREATE TABLE {table}_other PARTITION OF {table} DEFAULT")
