"""Shapes of the test bench: messages and frames."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from scada.api.models import Strict
from scada.core import moment
from scada.core.device_ports import TracedFrame


class MessageBody(Strict):
    """A message to be sent as it is."""

    action: Annotated[str, Field(min_length=1, max_length=50)]
    payload: Annotated[dict[str, Any], Field(default_factory=dict)]


class FrameItem(BaseModel):
    """A frame. `sent`: by us. `action` of an answer is that of its call, empty where that is not known any more."""

    sequence: int
    time: str
    charger: str
    identity: str
    sent: bool
    kind: str
    action: str
    id: str
    frame: str


def frame_item(frame: TracedFrame) -> FrameItem:
    """A frame as it is shown."""
    return FrameItem(
        sequence=frame.sequence,
        time=moment.text(frame.time_us),
        charger=frame.charger,
        identity=frame.identity,
        sent=frame.sent,
        kind=frame.kind,
        action=frame.action,
        id=frame.message_id,
        frame=frame.text,
    )
