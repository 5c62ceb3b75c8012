"""StopTransaction (OCPP 1.6 4.10, 6.49): answered after it is on disk, accepted whatever it says."""

from __future__ import annotations

from typing import Any

from scada.charging import sessions
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages
from scada.drivers.ocpp.v16.actions import meter_values
from scada.drivers.ocpp.v16.actions.authorize import id_tag_info
from scada.drivers.ocpp.v16.meters import whole_wh
from scada.drivers.ocpp.v16.signed import keep_signed


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """End a transaction; one that we do not know is kept and flagged."""
    request = _read(station, body)
    await station.rare()
    running = _open(station, request.transaction_id)
    number = running.connector if running is not None else 0
    if request.meter_stop is None:
        meter_wh = running.meter_start_wh + running.energy_wh if running is not None else 0
    else:
        meter_wh = whole_wh(request.meter_stop)
    if request.transaction_data:
        # Kept before the answer: the charger forgets them with it.
        await keep_signed(station, number, request.transaction_id, request.transaction_data)
    answer: sessions.StopAnswer = await station.host.request(
        sessions.StopTransaction(
            charger=station.charger.path,
            transaction_id=request.transaction_id,
            meter_stop_wh=meter_wh,
            time_us=station.time.stored(request.timestamp),
            reason=request.reason,
            id_tag=request.id_tag,
        )
    )
    if not answer.known:
        station.deviation("StopTransaction: a transaction that we do not know")
    elif answer.own_id:
        station.deviation("StopTransaction: a transaction id of its own making")
    if answer.known and number and request.transaction_data:
        meter_values.take(station, number, request.transaction_data, stored=True)
    return {"idTagInfo": id_tag_info(answer.authorization)} if answer.authorization else {}


def _read(station: Station, body: Any) -> messages.StopTransaction:
    """The request; meter values of the transaction that cannot be read must not cost us its end."""
    try:
        return station.read("StopTransaction", body, messages.StopTransaction)
    except CallError:
        if not isinstance(body, dict) or "transactionData" not in body:
            raise
        rest = {key: value for key, value in body.items() if key != "transactionData"}
        request = station.read("StopTransaction", rest, messages.StopTransaction)
        station.deviation("StopTransaction: transactionData that cannot be read")
        return request


def _open(station: Station, transaction_id: int) -> Any:
    """The open transaction of this charger with this id, or None."""
    sessions_ = station.host.core.sessions
    for connector in station.charger.connectors:
        record = sessions_.open_on(station.charger.path, connector.number)
        if record is not None and record.id == transaction_id:
            return record
    return None
