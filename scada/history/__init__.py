"""What is kept: `core.db` (journal, transactions, outbox, users) and `history.db` (samples). The home of SQLAlchemy."""

from scada.history.database import prepare_directory
from scada.history.samples import SampleHistory
from scada.history.store import CoreStore, open_core

__all__ = ["CoreStore", "SampleHistory", "open_core", "prepare_directory"]
