"""The message log of the chargers."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, Text

revision = "2"
down_revision = "1"


def _words(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def upgrade() -> None:
    """Make its table."""
    op.create_table(
        "ocpp_message",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("time_us", BigInteger, nullable=False),
        _words("charger"),
        _words("identity"),
        Column("sent", Boolean, nullable=False),
        _words("kind"),
        _words("action"),
        _words("message_id"),
        _words("body"),
    )
    op.create_index("ix_ocpp_message_time", "ocpp_message", ["time_us", "id"])
    op.create_index("ix_ocpp_message_charger", "ocpp_message", ["charger", "time_us", "id"])
