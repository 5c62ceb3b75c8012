"""StartTransaction (OCPP 1.6 4.8, 6.45): answered after the transaction is on disk."""

from __future__ import annotations

from typing import Any

from scada.charging import sessions
from scada.core import moment
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages
from scada.drivers.ocpp.v16.actions.authorize import id_tag_info


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Begin a transaction. If the disk does not take it the charger gets InternalError, and tries again."""
    request = station.read("StartTransaction", body, messages.StartTransaction)
    time_us = moment.parse(request.timestamp)
    answer: sessions.StartAnswer = await station.host.request(
        sessions.StartTransaction(
            charger=station.charger.path,
            connector=request.connector_id,
            id_tag=request.id_tag,
            meter_start_wh=request.meter_start,
            time_us=0 if time_us is None else time_us,
            reservation_id=request.reservation_id,
        )
    )
    if station.charger.connector(request.connector_id) is None:
        station.deviation("StartTransaction of a connector that the project does not have")
    return {"transactionId": answer.transaction_id, "idTagInfo": id_tag_info(answer.authorization)}
