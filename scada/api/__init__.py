"""The REST interface, `/api/v1`, and the only home of FastAPI.

create_app(services)    the ASGI application; the HMI is mounted on it
"""

from scada.api.app import create_app
from scada.api.services import ApiServices

__all__ = ["ApiServices", "create_app"]
