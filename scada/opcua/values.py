"""Tags as OPC UA data values: explicit types, the tag's own status code and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import ua

from scada.core.tag import Tag, TagDefinition
from scada.core.value import Kind, TimeUs, is_bad
from scada.opcua.ids import status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TYPES = {
    Kind.BIT: ua.VariantType.Boolean,
    Kind.REGISTER: ua.VariantType.Double,
    Kind.TEXT: ua.VariantType.String,
}


def variant_type(definition: TagDefinition) -> ua.VariantType:
    """The one type that a tag's value has on the wire."""
    return _TYPES[definition.kind]


def data_value(tag: Tag) -> ua.DataValue:
    """A tag as it is now. A Bad status carries no value (OPC 10000-4 7.11)."""
    value = tag.value
    if value is None or is_bad(tag.quality):
        variant = ua.Variant(None, ua.VariantType.Null)
    elif tag.definition.kind is Kind.REGISTER:
        variant = ua.Variant(float(value), ua.VariantType.Double)
    else:
        variant = ua.Variant(value, _TYPES[tag.definition.kind])
    return ua.DataValue(
        variant,
        status(int(tag.quality)),
        SourceTimestamp=_time(tag.source_us),
        ServerTimestamp=_time(max(tag.server_us, tag.quality_us)),
    )


def _time(time_us: TimeUs) -> Any:
    return _EPOCH + timedelta(microseconds=time_us) if time_us else None
