"""MeterValues (OCPP 1.6 4.7, 6.31): samples to tags. The most frequent message by far."""

from __future__ import annotations

from typing import Any

import msgspec

from scada.core.database import Write
from scada.core.value import GOOD
from scada.drivers.ocpp.samples import DEFAULT_MEASURAND
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages

VALUE_MAX = 1e12
"""Beyond any quantity of a charger in any unit; integers up to here are exact as floats."""

_decode = msgspec.json.Decoder(messages.MeterValues).decode


def hot(station: Station, body: bytes) -> bytes | None:
    """Take samples in and answer at once."""
    try:
        message = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    take(station, message.connector_id, message.meter_value, message.transaction_id)
    return b"{}"


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """The patient way: a readable message is never refused for its content."""
    message = station.read("MeterValues", body, messages.MeterValues)
    take(station, message.connector_id, message.meter_value, message.transaction_id)
    return {}


def take(
    station: Station,
    number: int,
    meter_values: list[messages.MeterValue],
    transaction_id: int | None = None,
) -> None:
    """Write the samples of a connector to its tags, and its register to the running transaction."""
    samples = station.samples.get(number)
    if samples is None:
        if number:
            station.deviation(f"MeterValues of a connector {number} that the project does not have")
        return
    host = station.host
    now_us = host.clock.now_us()
    sink_of = samples.sink
    batch: list[Write] = []
    for meter_value in meter_values:
        source_us = station.device_time(meter_value.timestamp, now_us)
        for sample in meter_value.sampled_value:
            sink = sink_of(sample.measurand, sample.phase, sample.location, sample.unit)
            if sink is None:
                continue
            try:
                raw = float(sample.value)
            except ValueError:
                station.deviation(f"MeterValues: {sample.measurand or DEFAULT_MEASURAND} is no number")
                continue
            tag, factor, offset, register_factor = sink
            value = raw * factor + offset
            if not -VALUE_MAX < value < VALUE_MAX:  # NaN, infinities, and what no device measures
                station.deviation(f"MeterValues: {sample.measurand or DEFAULT_MEASURAND} cannot be right")
                continue
            batch.append((tag, value, GOOD, source_us))
            if register_factor:
                energy = host.core.register(
                    station.charger.path, number, raw * register_factor, now_us, transaction_id
                )
                if energy is not None:
                    batch.append(energy)
    host.write(batch)
