"""How a transaction ends, as its record says it. Plain functions."""

from __future__ import annotations

from dataclasses import replace

from scada.charging.matching import ID_TAG_LENGTH_MAX, flagged, meter
from scada.charging.meters import SampleMeter, settle
from scada.charging.told import StopTransaction
from scada.core.records import TransactionRecord, TransactionState
from scada.core.value import SECOND_US, TimeUs

LATE_AFTER_US = 120 * SECOND_US
"""What is told so long after its time was told late."""
REASON_LENGTH_MAX = 50


def closed(
    record: TransactionRecord,
    request: StopTransaction,
    samples: SampleMeter,
    *,
    own_id: str,
    stopped_us: TimeUs,
    clock_flag: bool,
    now_us: TimeUs,
) -> TransactionRecord:
    """Ended by a stop.

    Args:
        own_id: the id of the charger's own making that the stop named, or empty.
        stopped_us: as far as the charger's clock is believed; `clock_flag`: it is not.
    """
    meter_stop_wh = meter(request.meter_stop_wh)
    energy_wh, flags = settle(record, meter_stop_wh, samples)
    return replace(
        record,
        state=TransactionState.CLOSED,
        stopped_us=max(stopped_us, record.started_us),
        meter_stop_wh=meter_stop_wh,
        energy_wh=energy_wh,
        correction_wh=energy_wh - (meter_stop_wh - record.meter_start_wh),
        reason=request.reason[:REASON_LENGTH_MAX],
        flags=flagged(
            flags,
            "clock" if clock_flag else "",
            "meter_implausible" if meter_stop_wh != request.meter_stop_wh else "",
            "matched_stop" if own_id else "",
        ),
        charger_id=own_id or record.charger_id,
        late=record.late or now_us - stopped_us > LATE_AFTER_US,
        updated_us=now_us,
    )


def lost(record: TransactionRecord, energy_wh: int, stopped_us: TimeUs, now_us: TimeUs) -> TransactionRecord:
    """Ended by us, with the last known energy: the connector began another one."""
    return replace(
        record,
        state=TransactionState.LOST_STOP,
        stopped_us=max(stopped_us, record.started_us),
        meter_stop_wh=record.meter_start_wh + energy_wh,
        energy_wh=energy_wh,
        reason="LostStop",
        flags=flagged(record.flags, "lost_stop"),
        updated_us=now_us,
    )


def unknown(
    number: int,
    request: StopTransaction,
    site: str,
    *,
    own_id: str,
    stopped_us: TimeUs,
    clock_flag: bool,
    now_us: TimeUs,
) -> TransactionRecord:
    """A stop that belongs to nothing we know: kept for people to look at."""
    register_wh = meter(request.meter_stop_wh)
    return TransactionRecord(
        id=number,
        charger=request.charger,
        connector=0,
        site=site,
        id_tag=request.id_tag[:ID_TAG_LENGTH_MAX],
        started_us=stopped_us,
        meter_start_wh=register_wh,
        state=TransactionState.CLOSED,
        stopped_us=stopped_us,
        meter_stop_wh=register_wh,
        reason=request.reason[:REASON_LENGTH_MAX],
        authorized_by="unknown",
        flags=flagged("unknown_start", "clock" if clock_flag else ""),
        charger_id=own_id,
        late=now_us - stopped_us > LATE_AFTER_US,
        updated_us=now_us,
    )
