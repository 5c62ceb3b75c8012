"""A form out of a JSON schema, and the message out of what was typed into it. Pure.

Fields are named by their JSON path (`$.a.b[0].c`). Whether the schema takes the message is not judged here: the
driver does, with the same path in its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scada.core.errors import BadRequest

DEPTH_MAX = 10
ITEMS_MAX = 200
"""Entries of a list that are read."""
TEXT_MAX = 20_000
"""Characters of a field."""

_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A place of a message.

    Attributes:
        kind: `object`, `array`, `enum`, `boolean`, `integer`, `number`, `time` or `string`.
        fields: of an object; `item`: of an array.
        length_max: characters; 0: not bound.
    """

    name: str
    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()
    length_max: int = 0
    fields: tuple[Field, ...] = ()
    item: Field | None = field(default=None)


def form_of(schema: Mapping[str, Any]) -> Field:
    """The form of a message."""
    return _field("", schema, schema, required=True, depth=0)


def message_of(form: Field, given: Mapping[str, Any]) -> dict[str, Any]:
    """The message that was typed; empty fields are left out. Raises BadRequest with the path of what is no number."""
    found = _value(form, "$", given)
    return found if isinstance(found, dict) else {}


def _field(
    name: str, schema: Mapping[str, Any], root: Mapping[str, Any], *, required: bool, depth: int
) -> Field:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        schema = root.get("definitions", {}).get(reference.rpartition("/")[2], {})
    kind = schema.get("type")
    if depth >= DEPTH_MAX:
        kind = "string"
    if kind == "object":
        needed = schema.get("required", ())
        fields = [
            _field(key, part, root, required=key in needed, depth=depth + 1)
            for key, part in schema.get("properties", {}).items()
        ]
        # What must be there comes first.
        fields.sort(key=lambda one: not one.required)
        return Field(name=name, kind="object", required=required, fields=tuple(fields))
    if kind == "array":
        item = _field(name, schema.get("items", {}), root, required=True, depth=depth + 1)
        return Field(name=name, kind="array", required=required, item=item)
    if "enum" in schema:
        return Field(name=name, kind="enum", required=required, choices=tuple(map(str, schema["enum"])))
    if kind not in ("boolean", "integer", "number"):
        kind = "time" if schema.get("format") == "date-time" else "string"
    return Field(name=name, kind=kind, required=required, length_max=int(schema.get("maxLength", 0)))


def _value(form: Field, path: str, given: Mapping[str, Any]) -> Any:
    if form.kind == "object":
        found = {one.name: _value(one, f"{path}.{one.name}", given) for one in form.fields}
        there = {name: value for name, value in found.items() if value is not _ABSENT}
        return there if there or (form.required and path == "$") else _ABSENT
    if form.kind == "array":
        assert form.item is not None
        items = [_value(form.item, f"{path}[{index}]", given) for index in _indexes(path, given)]
        there_items = [one for one in items if one is not _ABSENT]
        return there_items or _ABSENT
    typed = given.get(path)
    text = typed.strip()[:TEXT_MAX] if isinstance(typed, str) else ""
    return _scalar(form.kind, path, text) if text else _ABSENT


def _scalar(kind: str, path: str, text: str) -> Any:
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    try:
        if kind == "integer":
            return int(text)
        if kind == "number":
            return float(text.replace(",", "."))
    except ValueError:
        raise BadRequest(f"{path}: '{text[:50]}' is no number") from None
    return text


def _indexes(path: str, given: Mapping[str, Any]) -> list[int]:
    """The entries of a list, in their order; some may have been taken out in between."""
    start = f"{path}["
    found = {key[len(start) :].partition("]")[0] for key in given if key.startswith(start)}
    return sorted(int(one) for one in found if one.isascii() and one.isdigit() and len(one) <= 6)[:ITEMS_MAX]
