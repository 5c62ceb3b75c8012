"""What is kept: `core.db` (journal, transactions, outbox, users) and samples. The home of SQLAlchemy."""

from scada.history.database import prepare_directory
from scada.history.export import Exporter, ExportError
from scada.history.older import Older
from scada.history.samples import SampleHistory
from scada.history.samples.check import check as check_samples
from scada.history.samples.check import compact as compact_samples
from scada.history.samples.store import SampleStore
from scada.history.store import CoreStore, open_core, open_samples

__all__ = [
    "CoreStore",
    "ExportError",
    "Exporter",
    "Older",
    "SampleHistory",
    "SampleStore",
    "check_samples",
    "compact_samples",
    "open_core",
    "open_samples",
    "prepare_directory",
]
