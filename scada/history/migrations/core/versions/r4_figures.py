"""Figures of sessions (tariff, cost, power, the station's own meter), indexes of the search, the feed to PostgreSQL."""

from alembic import op
from sqlalchemy import Column, Float, Integer, Text, text

from scada.history.migrations.core.columns import maybe, moment, words

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Add them. Transactions of before get their figures from the daily job, as far as samples are still there."""
    op.create_table(
        "session_figures",
        Column("id", Integer, primary_key=True),
        moment("computed_us"),
        moment("charging_us"),
        Column("power_mean_kw", Float),
        Column("power_max_kw", Float),
        words("tariff"),
        words("currency"),
        words("cost"),
        words("cost_parts"),
        words("meter"),
        maybe("meter_start_wh"),
        maybe("meter_stop_wh"),
        maybe("meter_difference_wh"),
        words("flags"),
        words("quarters"),
    )
    op.create_index("ix_session_figures_computed", "session_figures", ["computed_us"])
    table = "charging_transaction"
    op.create_index("ix_charging_transaction_site", table, ["site", "started_us", "id"])
    op.create_index(
        "ix_charging_transaction_token", table, [text("lower(id_tag)"), text("started_us"), text("id")]
    )
    odd, known = text("flags <> ''"), text("vehicle <> ''")
    op.create_index(
        "ix_charging_transaction_odd", table, ["started_us", "id"], sqlite_where=odd, postgresql_where=odd
    )
    op.create_index(
        "ix_charging_transaction_vehicle",
        table,
        ["vehicle", "started_us", "id"],
        sqlite_where=known,
        postgresql_where=known,
    )
    op.create_index("ix_charging_transaction_updated", table, ["updated_us"])
    if op.get_bind().dialect.name == "sqlite":
        op.create_table(
            "feed",
            Column("position", Integer, primary_key=True),
            words("source"),
            words("row_key"),
            sqlite_autoincrement=True,
        )
        op.create_index("ix_feed_row", "feed", ["source", "row_key"])
        op.create_table("feed_state", Column("name", Text, primary_key=True), words("value"))
    else:
        op.create_table("feed_source", Column("name", Text, primary_key=True), words("value"))
