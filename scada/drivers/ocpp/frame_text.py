"""A frame as it is kept: the bytes of the wire. A frame as it is shown: named, and without its secrets."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import orjson

from scada.core.device_ports import TracedFrame
from scada.core.plant import Charger
from scada.core.value import TimeUs
from scada.drivers.ocpp.redaction import redacted

BYTES_KEPT = 8_192
"""Of a frame; what is longer is cut, and says so."""

_KINDS = {2: "call", 3: "result", 4: "error"}


class Kept(NamedTuple):
    """A frame of the wire. `sent`: ours. `length`: of the whole; `raw` is cut at `BYTES_KEPT`."""

    sequence: int
    time_us: TimeUs
    sent: bool
    raw: bytes
    length: int


def named_by(charger: Charger, kept: Kept, calls: OrderedDict[tuple[str, bool, str], str]) -> TracedFrame:
    """A kept frame as it is shown. `calls`: (charger, ours, id) → action of those that wait for an answer."""
    kind, message_id, action = "unreadable", "", ""
    text = kept.raw.decode(errors="replace")
    try:
        elements = orjson.loads(kept.raw) if kept.length <= BYTES_KEPT else None
    except orjson.JSONDecodeError:
        elements = None
    if isinstance(elements, list) and len(elements) > 2 and isinstance(elements[0], int):
        kind = _KINDS.get(elements[0], "unreadable")
        message_id = elements[1] if isinstance(elements[1], str) else ""
        if kind == "call" and isinstance(elements[2], str):
            action = elements[2]
            calls[charger.path, kept.sent, message_id] = action
        elif kind in ("result", "error"):
            action = calls.pop((charger.path, not kept.sent, message_id), "")
    text = redacted(elements, text)
    if kept.length > BYTES_KEPT:
        text += f"… ({kept.length} bytes)"
    return TracedFrame(
        sequence=kept.sequence,
        time_us=kept.time_us,
        charger=charger.path,
        identity=charger.identity,
        sent=kept.sent,
        kind=kind,
        action=action,
        message_id=message_id,
        text=text,
    )
