"""Mail: what is to be said, how it is handed to a server, and the queue's service. The home of aiosmtplib."""

from scada.notify.compose import Composer, Mail
from scada.notify.notifier import Notifier

__all__ = ["Composer", "Mail", "Notifier"]
