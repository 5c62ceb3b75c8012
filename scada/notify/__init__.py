"""Messages: what is to be said, how it is handed over, and the outbox's service.

The home of aiosmtplib (mail), itsdangerous (links) and icalendar (calendars of rotas).
"""

from scada.notify.check import check_templates
from scada.notify.compose import Composer
from scada.notify.links import LinkSigner, load_key
from scada.notify.message import Mail
from scada.notify.notifier import Notifier, NotifierServices

__all__ = ["Composer", "LinkSigner", "Mail", "Notifier", "NotifierServices", "check_templates", "load_key"]
