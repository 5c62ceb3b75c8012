"""Numbers of rows get 64 bits on PostgreSQL, as they have on SQLite, where an INTEGER is that wide by itself."""

from alembic import op
from sqlalchemy import BigInteger

from scada.history.migrations.core.versions import r5_views

revision = "6"
down_revision = "5"

_NUMBERS = {
    "alarm_journal": ("sequence", "first_out"),
    "charging_transaction": ("id", "visit", "reservation"),
    "session_figures": ("id",),
    "visit": ("id",),
    "audit": ("id",),
}


def upgrade() -> None:
    """Widen them. The tables are written anew, which takes its time where they hold millions of rows."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.execute("SET LOCAL statement_timeout = '1h'")  # the bound of a feed is too short for a large table
    for view in ("energy_15min", "alarms", "sessions"):  # a column that a view reads keeps its type
        op.execute(f"DROP VIEW {view}")
    for table, columns in _NUMBERS.items():
        for column in columns:
            op.alter_column(table, column, type_=BigInteger())
    r5_views.upgrade()
