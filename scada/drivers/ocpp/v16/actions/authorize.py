"""Authorize (OCPP 1.6 4.1, 6.1): is this token good?"""

from __future__ import annotations

from typing import Any

from scada.charging.authorization import Authorization
from scada.core import moment
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages
from scada.runtime.host import REQUEST_TIMEOUT_S
from scada.runtime.requests import Authorize


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Answer with the token's state."""
    request = station.read("Authorize", body, messages.IdTag)
    host, charger = station.host, station.charger.path
    authorization = await host.request(
        Authorize(request.id_tag, charger), REQUEST_TIMEOUT_S + host.core.authorize_wait_s(charger)
    )
    return {"idTagInfo": id_tag_info(authorization)}


def id_tag_info(authorization: Authorization) -> dict[str, Any]:
    """IdTagInfo (OCPP 1.6 7.27)."""
    info: dict[str, Any] = {"status": authorization.status.value}
    if authorization.parent:
        info["parentIdTag"] = authorization.parent
    if authorization.expires_us is not None:
        info["expiryDate"] = moment.text(authorization.expires_us)
    return info
