"""Samples of tags: on SQLite (`history.db`) or PostgreSQL.

codec → batch → store (journal, blocks) ← writer (queue, spill) ; view → query (curves, aggregates); rollups, keeper.
"""

from scada.history.samples.engine import HistoryAway, Place, parse_url
from scada.history.samples.history import SampleHistory

__all__ = ["HistoryAway", "Place", "SampleHistory", "parse_url"]
