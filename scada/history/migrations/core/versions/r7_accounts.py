"""Accounts know their user's theme, when they were last used, and whether the password was given by another."""

from alembic import op

from scada.history.migrations.core.columns import flag, moment, words

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Add the columns, where there are accounts: PostgreSQL has none."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for column in (words("theme"), flag("must_change"), moment("last_log_in_us")):
        op.add_column("user", column)
