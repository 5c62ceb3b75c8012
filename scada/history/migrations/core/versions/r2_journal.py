"""Alarms, holds, retained values, escalations, transactions, outbox, commands, audit, accounts.

Where the tables are copied to PostgreSQL, only the five that are fed there are made.
"""

from alembic import op
from sqlalchemy import Column, Integer, Text, text

from scada.history.migrations.core.columns import count, flag, maybe, moment, number, words

revision = "2"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _alarms()
    _charging()
    _deeds()
    if op.get_bind().dialect.name == "sqlite":
        _states()
        _outbox()


def _alarms() -> None:
    op.create_table(
        "alarm_journal",
        Column("sequence", Integer, primary_key=True),
        moment("time_us"),
        words("alarm"),
        words("site"),
        number("level"),
        words("domain"),
        words("nature"),
        words("event"),
        words("state"),
        moment("raised_us"),
        count("first_out"),
        words("value"),
        words("user"),
        words("origin"),
        words("comment"),
        maybe("until_us"),
    )
    op.create_index("ix_alarm_journal_alarm", "alarm_journal", ["alarm", "sequence"])
    op.create_index("ix_alarm_journal_site", "alarm_journal", ["site", "sequence"])
    op.create_index("ix_alarm_journal_event", "alarm_journal", ["event", "time_us"])
    op.create_index("ix_alarm_journal_time", "alarm_journal", ["time_us"])
    by_somebody = text("\"user\" <> ''")
    op.create_index(
        "ix_alarm_journal_user",
        "alarm_journal",
        ["user", "sequence"],
        sqlite_where=by_somebody,
        postgresql_where=by_somebody,
    )


def _charging() -> None:
    op.create_table(
        "charging_transaction",
        Column("id", Integer, primary_key=True),
        words("charger"),
        number("connector"),
        words("site"),
        words("id_tag"),
        moment("started_us"),
        moment("meter_start_wh"),
        words("state"),
        maybe("stopped_us"),
        maybe("meter_stop_wh"),
        moment("energy_wh"),
        words("reason"),
        words("authorized_by"),
        words("flags"),
        moment("updated_us"),
    )
    op.create_index("ix_charging_transaction_started", "charging_transaction", ["started_us", "id"])
    op.create_index(
        "ix_charging_transaction_charger", "charging_transaction", ["charger", "started_us", "id"]
    )
    op.create_index("ix_charging_transaction_state", "charging_transaction", ["state", "id"])


def _deeds() -> None:
    op.create_table(
        "command",
        Column("id", Text, primary_key=True),
        moment("issued_us"),
        maybe("ended_us"),
        words("name"),
        words("target"),
        words("arguments"),
        words("user"),
        words("origin"),
        words("outcome"),
        words("text"),
    )
    op.create_index("ix_command_issued", "command", ["issued_us", "id"])
    op.create_table(
        "audit",
        Column("id", Integer, primary_key=True),
        moment("time_us"),
        words("user"),
        words("origin"),
        words("action"),
        words("object"),
        words("old"),
        words("new"),
        words("outcome"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_time", "audit", ["time_us"])
    op.create_index("ix_audit_user", "audit", ["user", "id"])
    op.create_index("ix_audit_object", "audit", ["object", "id"])


def _states() -> None:
    op.create_table(
        "alarm_state",
        Column("alarm", Text, primary_key=True),
        words("state"),
        moment("raised_us"),
        number("sequence"),
        count("first_out"),
        moment("changed_us"),
        words("value"),
        words("user"),
        words("acknowledged_by"),
        words("comment"),
        maybe("until_us"),
    )
    op.create_table(
        "hold",
        Column("kind", Text, primary_key=True),
        Column("path", Text, primary_key=True),
        words("user"),
        words("origin"),
        words("reason"),
        moment("since_us"),
        maybe("until_us"),
        words("value"),
    )
    op.create_table("retained", Column("path", Text, primary_key=True), words("value"), moment("time_us"))
    op.create_table(
        "escalation",
        Column("alarm", Text, primary_key=True),
        Column("profile", Text, primary_key=True),
        moment("raised_us"),
        number("step"),
        flag("ended"),
    )
    op.create_table(
        "user",
        Column("name", Text, primary_key=True),
        words("role"),
        words("password_hash"),
        words("language"),
        flag("disabled"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        Column("id", Integer, primary_key=True),
        Column("message_id", Text, nullable=False, unique=True),
        words("thread_id"),
        moment("created_us"),
        words("contact"),
        words("recipient"),
        words("language"),
        words("template"),
        number("cause"),
        words("snapshot"),
        Column("channel", Text, nullable=False, server_default="email"),
        words("profile"),
        moment("not_before_us"),
        count("level"),
        flag("urgent"),
        Column("state", Text, nullable=False, server_default="waiting"),
        count("attempts"),
        moment("next_try_us"),
        words("last_answer"),
        words("subject"),
        words("text"),
        count("sent_with"),
        moment("sent_us"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "next_try_us", "id"])
    op.create_index("ix_outbox_queue", "outbox", ["contact", "recipient", "channel", "state", "sent_us"])
