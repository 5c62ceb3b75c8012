"""StopTransaction (OCPP 1.6 4.10, 6.49): answered after it is on disk, accepted whatever it says."""

from __future__ import annotations

from typing import Any

from scada.charging import sessions
from scada.core import moment
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages
from scada.drivers.ocpp.v16.actions.authorize import id_tag_info


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """End a transaction; one that we do not know is kept and flagged."""
    request = station.read("StopTransaction", body, messages.StopTransaction)
    time_us = moment.parse(request.timestamp)
    answer: sessions.StopAnswer = await station.host.request(
        sessions.StopTransaction(
            charger=station.charger.path,
            transaction_id=request.transaction_id,
            meter_stop_wh=request.meter_stop,
            time_us=0 if time_us is None else time_us,
            reason=request.reason,
            id_tag=request.id_tag,
        )
    )
    if not answer.known:
        station.deviation("StopTransaction of a transaction that we do not know")
    return {"idTagInfo": id_tag_info(answer.authorization)} if answer.authorization else {}
