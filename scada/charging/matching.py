"""Which transaction is meant: retries and stops whose id is of the charger's own making. Plain functions."""

from __future__ import annotations

from collections.abc import Iterable

from scada.charging.told import StartTransaction, StopTransaction
from scada.core.moment import believable
from scada.core.records import TransactionRecord
from scada.core.value import SECOND_US, TimeUs

ID_TAG_LENGTH_MAX = 255
"""Of what is kept; a charger may send longer ones."""
TAG_LENGTH = 20
"""Of an idTag (OCPP 1.6 7.26 CiString20Type); some chargers echo more, and some less, of the token they were given."""
TAG_LENGTH_SURE = 16
"""So many characters in common are no accident."""
METER_MAX_WH = 10**12
"""No register of a charger counts further (a terawatt hour); what lies beyond is kept as this, and flagged."""
CLOCK_SLACK_US = 5 * SECOND_US
_ID_MAX = 10**38


def same_tag(one: str, other: str) -> bool:
    """Whether two idTags are the same token, as chargers echo them: case, a tail or a cut-off end do not count."""
    one, other = one[:TAG_LENGTH].casefold(), other[:TAG_LENGTH].casefold()
    if one == other:
        return True
    return min(len(one), len(other)) >= TAG_LENGTH_SURE and (one.startswith(other) or other.startswith(one))


def same_start(known: TransactionRecord, request: StartTransaction, started_us: TimeUs) -> bool:
    """Whether a StartTransaction is a retry of one that is known."""
    return (
        known.meter_start_wh == meter(request.meter_start_wh)
        and known.started_us == started_us
        and same_tag(known.id_tag, request.id_tag)
    )


def stopped_by(
    candidates: Iterable[TransactionRecord],
    request: StopTransaction,
    stopped_us: TimeUs | None,
    parent: str,
) -> TransactionRecord | None:
    """The one transaction that a stop with an unknown id can mean, or None.

    Args:
        candidates: of the charger, not yet ended by a stop.
        stopped_us: None: its time cannot be right and says nothing.
        parent: group of the stop's token, or empty.
    """
    register_wh = meter(request.meter_stop_wh)
    fitting = [
        record
        for record in candidates
        if (register_wh >= record.meter_start_wh or "session_register" in record.flags)
        and (stopped_us is None or stopped_us >= record.started_us - CLOCK_SLACK_US)
    ]
    if request.id_tag:
        exact = [record for record in fitting if same_tag(record.id_tag, request.id_tag)]
        fitting = exact or [record for record in fitting if parent and record.parent == parent]
    return fitting[0] if len(fitting) == 1 else None


def believed(time_us: TimeUs, now_us: TimeUs) -> tuple[TimeUs, bool]:
    """The device's time, or ours and True where the device's cannot be right."""
    return (time_us, False) if believable(time_us, now_us) else (now_us, True)


def meter(register_wh: int) -> int:
    """A register within what can be kept."""
    return max(-METER_MAX_WH, min(METER_MAX_WH, register_wh))


def id_text(number: int) -> str:
    """An id of the charger's own making, as it is kept."""
    return str(number) if abs(number) < _ID_MAX else "huge"


def flagged(flags: str, *more: str) -> str:
    """Flags with further ones, each once."""
    present = dict.fromkeys(flag for flag in (*flags.split(","), *more) if flag)
    return ",".join(present)
