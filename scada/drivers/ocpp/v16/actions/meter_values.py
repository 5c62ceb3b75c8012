"""MeterValues (OCPP 1.6 4.7, 6.31): samples to tags. The most frequent message by far."""

from __future__ import annotations

from typing import Any

import msgspec

from scada.core.database import Write
from scada.core.value import GOOD, SECOND_US, Quality, TimeUs
from scada.drivers.ocpp.measurands import DEFAULT_MEASURAND
from scada.drivers.ocpp.samples import VALUE_MAX, ConnectorSamples, PhaseSum, Sink
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.v16 import messages
from scada.drivers.ocpp.v16.signed import keep_signed

LATE_US = 60 * SECOND_US
"""A sample that is older than this, and older than what stands, was stored by the charger: it is for history only."""
_UNCERTAIN = int(Quality.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)
_decode = msgspec.json.Decoder(messages.MeterValues).decode


def hot(station: Station, body: bytes) -> bytes | None:
    """Take samples in and answer at once."""
    if b"SignedData" in body:
        return None  # goes to disk first
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
    await keep_signed(station, message.connector_id, message.transaction_id or 0, message.meter_value)
    return {}


def take(
    station: Station,
    number: int,
    meter_values: list[messages.MeterValue],
    transaction_id: int | None = None,
    *,
    stored: bool = False,
) -> None:
    """Write the samples of a connector (0: of the charger) to its tags, and its register to the running transaction.

    Args:
        stored: the charger kept them while it was away, or hands them in once more at the end of a transaction: they are
            for history, and the live values stand.
    """
    samples = station.samples.get(number)
    if samples is None:
        station.deviation(f"MeterValues: connector {number} is not of the project")
        return
    host = station.host
    now_us = host.clock.now_us()
    batch: list[Write] = []
    for meter_value in meter_values:
        source_us = station.device_time(meter_value.timestamp, now_us)
        if stored or (source_us < samples.newest_us and now_us - source_us > LATE_US):
            for tag, value, quality, _ in _writes(station, samples, number, meter_value, None, source_us):
                host.tags.write_late(tag, value, quality, source_us)
            continue
        samples.newest_us = source_us
        batch += _writes(station, samples, number, meter_value, (now_us, transaction_id), source_us)
    if batch:
        host.write(batch)
        odd = samples.follows(now_us)
        if odd:
            station.deviation(odd, "MeterValues")


def _writes(
    station: Station,
    samples: ConnectorSamples,
    number: int,
    meter_value: messages.MeterValue,
    live: tuple[TimeUs, int | None] | None,
    source_us: TimeUs,
) -> list[Write]:
    """What the samples of one moment write. `live`: (now, the transaction they are told to be of), or None: stored ones."""
    batch: list[Write] = []
    sink_of = samples.sink
    totals: list[PhaseSum] = []
    for sample in meter_value.sampled_value:
        sink = sink_of(sample.measurand, sample.phase, sample.location, sample.unit)
        if sink is None or sample.format == "SignedData":
            continue
        try:
            raw = float(sample.value)
        except ValueError:
            station.deviation(f"MeterValues: {sample.measurand or DEFAULT_MEASURAND} is no number")
            continue
        tag, factor, offset, low, high, register_factor, special = sink
        value = raw * factor + offset
        quality = GOOD
        if not low <= value <= high:  # NaN too
            if not -VALUE_MAX < value < VALUE_MAX:  # what no device measures
                station.deviation(f"MeterValues: {sample.measurand or DEFAULT_MEASURAND} cannot be right")
                continue
            quality = _UNCERTAIN
        if special is not None:
            quality = special.quality or quality
            _note(station, sink, raw, totals)
        batch.append((tag, value, quality, source_us))
        if register_factor and live is not None:
            energy = station.host.core.register(
                station.charger.path, number, raw * register_factor, live[0], live[1]
            )
            if energy is not None:
                batch.append(energy)
    if not batch and not meter_value.sampled_value:
        station.deviation("MeterValues: no samples")
    for total in totals:
        batch += _sum(station, number, total, live, source_us)
    return batch


def _note(station: Station, sink: Sink, raw: float, totals: list[PhaseSum]) -> None:
    """What is not ordinary about a sample."""
    special = sink[6]
    assert special is not None
    if special.odd:
        station.deviation(special.odd, "MeterValues")
    total = special.total
    if total is not None and not total.off:
        if total not in totals:
            total.values.clear()
            totals.append(total)
        total.values[special.phase] = raw * special.base


def _sum(
    station: Station, number: int, total: PhaseSum, live: tuple[TimeUs, int | None] | None, source_us: TimeUs
) -> list[Write]:
    """The total of a moment out of its phases, where the charger gives none."""
    if total.off:
        return []
    base = sum(total.values.values())
    definition = total.tag.definition
    writes: list[Write] = [(total.tag, base * definition.gain + definition.offset, GOOD, source_us)]
    if total.register_factor and live is not None:
        energy = station.host.core.register(station.charger.path, number, base, live[0], live[1])
        if energy is not None:
            writes.append(energy)
    return writes
