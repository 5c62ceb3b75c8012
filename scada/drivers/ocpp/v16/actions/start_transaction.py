"""StartTransaction (OCPP 1.6 4.8, 6.45): answered after the transaction is on disk."""

from __future__ import annotations

from typing import Any

from scada.charging import sessions
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages
from scada.drivers.ocpp.v16.actions.authorize import id_tag_info
from scada.drivers.ocpp.v16.meters import register_wh, whole_wh


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Begin a transaction. If the disk does not take it the charger gets InternalError, and tries again."""
    request = station.read("StartTransaction", body, messages.StartTransaction)
    await station.rare()
    number = request.connector_id
    if not number and len(station.charger.connectors) == 1:
        number = station.charger.connectors[0].number  # left out, or 0: there is no other
    meter_wh = request.meter_start
    answer: sessions.StartAnswer = await station.host.request(
        sessions.StartTransaction(
            charger=station.charger.path,
            connector=number,
            id_tag=request.id_tag,
            meter_start_wh=whole_wh(register_wh(station, number) if meter_wh is None else meter_wh),
            time_us=station.time.stored(request.timestamp),
            reservation_id=request.reservation_id,
        )
    )
    if station.charger.connector(number) is None:
        station.deviation(f"StartTransaction: connector {number} is not of the project")
    return {"transactionId": answer.transaction_id, "idTagInfo": id_tag_info(answer.authorization)}
