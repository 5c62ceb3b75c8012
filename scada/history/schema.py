"""Tables of `core.db`, as the migrations make them; a test holds `core` against those.

Times are integers, microseconds since 1970-01-01 UTC; energies are integers, watt hours (SQLite knows neither
time zones nor decimals).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)
from sqlalchemy import text as sql

core = MetaData()
WIDE = BigInteger().with_variant(Integer, "sqlite")
"""Numbers of rows: 64 bits. SQLite's INTEGER has them, and only under that name a primary key is the row's number."""


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="")


def _key(name: str) -> Column[int]:
    return Column(name, WIDE, primary_key=True)


def _ref(name: str) -> Column[int]:
    return Column(name, WIDE, nullable=False, default=0)


def _time(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, default=0)


alarm_journal = Table(
    "alarm_journal",
    core,
    _key("sequence"),
    _time("time_us"),
    _text("alarm"),
    _text("site"),
    Column("level", Integer, nullable=False),
    _text("domain"),
    _text("nature"),
    _text("event"),
    _text("state"),
    _time("raised_us"),
    _ref("first_out"),
    _text("value"),
    _text("user"),
    _text("origin"),
    _text("comment"),
    Column("until_us", BigInteger),
    Index("ix_alarm_journal_alarm", "alarm", "sequence"),
    Index("ix_alarm_journal_site", "site", "sequence"),
    Index("ix_alarm_journal_event", "event", "time_us"),
    Index("ix_alarm_journal_time", "time_us"),
    Index(
        "ix_alarm_journal_user",
        "user",
        "sequence",
        sqlite_where=sql("user <> ''"),
        postgresql_where=sql("user <> ''"),
    ),
)

alarm_state = Table(
    "alarm_state",
    core,
    Column("alarm", Text, primary_key=True),
    _text("state"),
    _time("raised_us"),
    Column("sequence", Integer, nullable=False),
    Column("first_out", Integer, nullable=False, default=0),
    _time("changed_us"),
    _text("value"),
    _text("user"),
    _text("acknowledged_by"),
    _text("comment"),
    Column("until_us", BigInteger),
)
"""Where each alarm stands: its newest row of the journal, kept so that a restart need not read the journal."""

hold = Table(
    "hold",
    core,
    Column("kind", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    _text("user"),
    _text("origin"),
    _text("reason"),
    _time("since_us"),
    Column("until_us", BigInteger),
    _text("value"),
)
"""What operators hold now: shelved alarms, branches out of service, forced tags. An end deletes the row."""

retained = Table(
    "retained",
    core,
    Column("path", Text, primary_key=True),
    _text("value"),
    _time("time_us"),
)

document = Table(
    "document",
    core,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    _text("body"),
    _time("time_us"),
)
"""Small states by kind and key. An empty body deletes the row."""

escalation = Table(
    "escalation",
    core,
    Column("alarm", Text, primary_key=True),
    Column("profile", Text, primary_key=True),
    _time("raised_us"),
    Column("step", Integer, nullable=False),
    Column("ended", Boolean, nullable=False, default=False),
)

transaction = Table(
    "charging_transaction",
    core,
    _key("id"),
    _text("charger"),
    Column("connector", Integer, nullable=False),
    _text("site"),
    _text("id_tag"),
    _time("started_us"),
    Column("meter_start_wh", BigInteger, nullable=False),
    _text("state"),
    Column("stopped_us", BigInteger),
    Column("meter_stop_wh", BigInteger),
    Column("energy_wh", BigInteger, nullable=False),
    _text("reason"),
    _text("authorized_by"),
    _text("flags"),
    _time("updated_us"),
    _ref("visit"),
    _text("vehicle"),
    _text("parent"),
    _text("plan"),
    _ref("reservation"),
    Column("soc_start", Float),
    Column("soc_end", Float),
    _text("charger_id"),
    _text("ordered_by"),
    _text("stopped_by"),
    _text("stop_condition"),
    Column("late", Boolean, nullable=False, default=False),
    Column("correction_wh", BigInteger, nullable=False, default=0),
    Index("ix_charging_transaction_visit", "visit"),
    Index("ix_charging_transaction_started", "started_us", "id"),
    Index("ix_charging_transaction_charger", "charger", "started_us", "id"),
    Index("ix_charging_transaction_state", "state", "id"),
    Index("ix_charging_transaction_site", "site", "started_us", "id"),
    Index("ix_charging_transaction_token", sql("lower(id_tag)"), sql("started_us"), sql("id")),
    Index(
        "ix_charging_transaction_odd",
        "started_us",
        "id",
        sqlite_where=sql("flags <> ''"),
        postgresql_where=sql("flags <> ''"),
    ),
    Index(
        "ix_charging_transaction_vehicle",
        "vehicle",
        "started_us",
        "id",
        sqlite_where=sql("vehicle <> ''"),
        postgresql_where=sql("vehicle <> ''"),
    ),
    Index("ix_charging_transaction_updated", "updated_us"),
)

session_figures = Table(
    "session_figures",
    core,
    _key("id"),
    _time("computed_us"),
    _time("charging_us"),
    Column("power_mean_kw", Float),
    Column("power_max_kw", Float),
    _text("tariff"),
    _text("currency"),
    _text("cost"),
    _text("cost_parts"),
    _text("meter"),
    Column("meter_start_wh", BigInteger),
    Column("meter_stop_wh", BigInteger),
    Column("meter_difference_wh", BigInteger),
    _text("flags"),
    _text("quarters"),
    Index("ix_session_figures_computed", "computed_us"),
)
"""What was worked out of a transaction after it ended, under its number."""

feed = Table(
    "feed",
    core,
    Column("position", Integer, primary_key=True),
    _text("source"),
    _text("row_key"),
    Index("ix_feed_row", "source", "row_key"),
    sqlite_autoincrement=True,
)
"""Rows that PostgreSQL does not have yet, in the order of their commits; written by triggers (`scada.history.feed`)."""

feed_state = Table("feed_state", core, Column("name", Text, primary_key=True), _text("value"))

visit = Table(
    "visit",
    core,
    _key("id"),
    _text("charger"),
    Column("connector", Integer, nullable=False),
    _text("site"),
    _time("began_us"),
    Column("ended_us", BigInteger),
    _text("vehicle"),
    _text("vehicle_id"),
    _time("updated_us"),
    Index("ix_visit_began", "began_us", "id"),
    Index("ix_visit_charger", "charger", "began_us", "id"),
    Index("ix_visit_ended", "ended_us"),
)

outbox = Table(
    "outbox",
    core,
    Column("id", Integer, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),
    _text("thread_id"),
    _time("created_us"),
    _text("contact"),
    _text("recipient"),
    _text("language"),
    _text("template"),
    Column("cause", Integer, nullable=False),
    _text("snapshot"),
    Column("channel", Text, nullable=False, default="email"),
    _text("profile"),
    _time("not_before_us"),
    Column("level", Integer, nullable=False, default=0),
    Column("urgent", Boolean, nullable=False, default=False),
    Column("state", Text, nullable=False, default="waiting"),
    Column("attempts", Integer, nullable=False, default=0),
    _time("next_try_us"),
    _text("last_answer"),
    _text("subject"),
    _text("text"),
    Column("sent_with", Integer, nullable=False, default=0),
    _time("sent_us"),
    Index("ix_outbox_due", "state", "next_try_us", "id"),
    Index("ix_outbox_queue", "contact", "recipient", "channel", "state", "sent_us"),
    sqlite_autoincrement=True,
)

command = Table(
    "command",
    core,
    Column("id", Text, primary_key=True),
    _time("issued_us"),
    Column("ended_us", BigInteger),
    _text("name"),
    _text("target"),
    _text("arguments"),
    _text("user"),
    _text("origin"),
    _text("outcome"),
    _text("text"),
    Index("ix_command_issued", "issued_us", "id"),
)

audit = Table(
    "audit",
    core,
    _key("id"),
    _time("time_us"),
    _text("user"),
    _text("origin"),
    _text("action"),
    _text("object"),
    _text("old"),
    _text("new"),
    _text("outcome"),
    Index("ix_audit_time", "time_us"),
    Index("ix_audit_user", "user", "id"),
    Index("ix_audit_object", "object", "id"),
    sqlite_autoincrement=True,
)

user = Table(
    "user",
    core,
    Column("name", Text, primary_key=True),
    _text("role"),
    _text("password_hash"),
    _text("language"),
    Column("disabled", Boolean, nullable=False, default=False),
    _text("theme"),
    Column("must_change", Boolean, nullable=False, default=False),
    _time("last_log_in_us"),
)
