"""Sessions from plug-in to unplug, what is known of a transaction beyond its meters, and small states by key."""

from alembic import op
from sqlalchemy import Column, Float, Integer, Text

from scada.history.migrations.core.columns import count, flag, maybe, moment, number, words

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Add them. Transactions of before belong to no visit."""
    for column in (
        count("visit"),
        words("vehicle"),
        words("parent"),
        words("plan"),
        count("reservation"),
        Column[float]("soc_start", Float),
        Column[float]("soc_end", Float),
        words("charger_id"),
        words("ordered_by"),
        words("stopped_by"),
        words("stop_condition"),
        flag("late"),
        moment("correction_wh"),
    ):
        op.add_column("charging_transaction", column)
    op.create_index("ix_charging_transaction_visit", "charging_transaction", ["visit"])
    op.create_table(
        "visit",
        Column("id", Integer, primary_key=True),
        words("charger"),
        number("connector"),
        words("site"),
        moment("began_us"),
        maybe("ended_us"),
        words("vehicle"),
        words("vehicle_id"),
        moment("updated_us"),
    )
    op.create_index("ix_visit_began", "visit", ["began_us", "id"])
    op.create_index("ix_visit_charger", "visit", ["charger", "began_us", "id"])
    op.create_index("ix_visit_ended", "visit", ["ended_us"])
    if op.get_bind().dialect.name == "sqlite":
        op.create_table(
            "document",
            Column("kind", Text, primary_key=True),
            Column("key", Text, primary_key=True),
            words("body"),
            moment("time_us"),
        )
        # Versions are told by Alembic's own table from here on.
        op.execute("DROP TABLE IF EXISTS schema_version")
