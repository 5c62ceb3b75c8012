"""Signed meter values (OCPP 1.6 7.43, format SignedData): kept as they came, never read as a number.

Those of the beginning and the end of a transaction go to disk before the charger has its answer: they are what a bill
rests on. All of them are told as events.
"""

from __future__ import annotations

from scada.core.effects import Event
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16.messages import MeterValue

VALUE_LENGTH_MAX = 10_000
"""A signed value is kept up to here; OCMF and its kin have about 2,000 characters."""
LASTING = frozenset(("Transaction.Begin", "Transaction.End"))


async def keep_signed(
    station: Station, number: int, transaction: int, meter_values: list[MeterValue]
) -> None:
    """Keep the signed samples of a message.

    Raises:
        JournalError: not on disk in time; the charger is told InternalError and sends them again.
    """
    path = f"{station.charger.path}.C{number}" if number else station.charger.path
    for meter_value in meter_values:
        for sample in meter_value.sampled_value:
            if sample.format != "SignedData":
                continue
            text = str(sample.value)
            if len(text) > VALUE_LENGTH_MAX:
                station.deviation(f"MeterValues: a signed value of more than {VALUE_LENGTH_MAX} characters")
                text = text[:VALUE_LENGTH_MAX]
            data = {
                "transaction": transaction,
                "context": sample.context or "Sample.Periodic",
                "measurand": sample.measurand,
                "timestamp": meter_value.timestamp[:40],
                "value": text,
            }
            if sample.context in LASTING:
                await station.knowledge.keep_signed(path, transaction, sample.context, data)
            station.host.event(Event("signed_meter_value", path, data))
