"""The columns: which attribute of a tag or threshold stands in which, and how.

A cell is empty where the attribute has its default. Parts that a tag has or has not are told by one column each:
`alarm.level`, `write.right`, `history.retention` and `expression`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from scada.core.access import LEVEL_MAX, Right
from scada.core.catalogue import CATALOGUE
from scada.core.errors import ProjectError
from scada.core.path import is_path, parent
from scada.core.tag import (
    AlarmDefinition,
    Condition,
    ExpressionText,
    HistoryRule,
    Source,
    TagDefinition,
    ThresholdDefinition,
    WriteRule,
)
from scada.core.value import Kind
from scada.project.alarm_schema import AlarmSection
from scada.project.fields import Segment, UnitSymbol
from scada.project.tag_table.cells import (
    BOOL,
    ITEMS,
    NOTHING,
    PAIRS,
    RAW,
    TEXT,
    CellError,
    Codec,
    cell_value,
    choice,
    integer,
    number,
    one_of,
    seconds,
    word,
)
from scada.project.tag_table.table import THRESHOLDS, Place, Row, Sheet, Table
from scada.project.type_schema import HistorySection, TagSection, ThresholdSection

REQUIRED: Any = object()
PARTS: Mapping[str, type] = {
    "write": WriteRule,
    "history": HistoryRule,
    "alarm": AlarmDefinition,
    "expression": ExpressionText,
}
"""Attribute of a tag → what it is made of."""
PRESENCE = {
    "write": "write.right",
    "history": "history.retention",
    "alarm": "alarm.level",
    "expression": "expression",
}
"""Part → the column without which a tag has none."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        part: attribute of the tag that holds `attribute`, or empty: the tag itself.
        language: of a text, or empty.
        always: shown though the attribute has its default.
        default: REQUIRED: there is none.
    """

    name: str
    codec: Codec
    part: str
    attribute: str
    language: str = ""
    always: bool = False
    default: Any = REQUIRED

    def cell(self, thing: Any) -> str:
        """The cell of a tag or threshold."""
        holder = getattr(thing, self.part) if self.part else thing
        if holder is None:
            return ""
        value = getattr(holder, self.attribute)
        if self.language:
            text = value.get(self.language)
            return "" if text is None else self.codec.encode(text)
        return "" if value == self.default and not self.always else self.codec.encode(value)


def _checked(kind: Any) -> Codec:
    """A word that a field of the project's files would take too: one rule, one home."""
    adapter: TypeAdapter[str] = TypeAdapter(kind)

    def check(text: str) -> str:
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None

    return word(check)


def _high(section: type[BaseModel], name: str) -> int:
    """The highest value that a key of a template may have, and so a cell."""
    return next(int(bound.le) for bound in section.model_fields[name].metadata if hasattr(bound, "le"))


def _path(text: str) -> str:
    if not is_path(text):
        raise ValueError(f"'{text[:60]}' is no path: names with dots between")
    return text


def _column(
    name: str, codec: Codec, attribute: str = "", language: str = "", *, of: type = TagDefinition
) -> Column:
    part, _, rest = name.partition(".")
    if part not in PARTS:
        part, rest = "", name
    attribute = attribute or rest
    found = next(f for f in fields(PARTS.get(part, of)) if f.name == attribute)
    default = found.default if found.default_factory is MISSING else found.default_factory()
    default = REQUIRED if default is MISSING else default
    return Column(name, codec, part, attribute, language, name in _ALWAYS, default)


_ALWAYS = {
    *PRESENCE.values(),
    "decimals",
    "alarm.abnormal",
    "alarm.on_delay_s",
    "alarm.off_delay_s",
    "alarm.needs_acknowledgement",
    "alarm.latching",
    "limit",
}
ALARM_TEXTS = ("message", "cause", "consequence", "guidance")


@lru_cache
def tag_columns(languages: tuple[str, ...]) -> Mapping[str, Column]:
    """Name → column of the sheet of tags."""
    delay = seconds(_high(AlarmSection, "on_delay_s"))
    level = integer(0, LEVEL_MAX)
    columns = [
        _column("path", word(_path)),
        _column("kind", choice(Kind)),
        _column("source", choice(Source)),
        *(_column(f"label.{one}", TEXT, "label", one) for one in languages),
        _column("unit", _checked(UnitSymbol)),
        _column("decimals", integer(0, _high(TagSection, "decimals"))),
        _column("low", number()),
        _column("high", number()),
        _column("gain", number()),
        _column("offset", number()),
        _column("deadband", number(0)),
        _column("address", word()),
        _column("choices", ITEMS),
        _column("initial", RAW),
        _column("expression", TEXT, "text"),
        _column("watchdog_s", seconds(_high(TagSection, "watchdog_s")), "watchdog_us"),
        _column("retain", BOOL),
        _column("history.retention", word()),
        _column("history.deadband", number(0)),
        _column("history.every_s", seconds(_high(HistorySection, "every_s")), "every_us"),
        _column("write.right", one_of([right.value for right in Right])),
        _column("write.low", number()),
        _column("write.high", number()),
        _column("write.confirm", BOOL),
        _column("write.command", one_of(list(CATALOGUE))),
        _column("write.argument", word()),
        _column("write.values", PAIRS),
        _column("domain", word()),
        _column("nature", word()),
        _column("alarm.level", level),
        _column("alarm.name", word()),
        _column("alarm.acknowledge_level", level),
        _column("alarm.mask_level", level),
        _column("alarm.abnormal", BOOL),
        _column("alarm.on_delay_s", delay, "on_delay_us"),
        _column("alarm.off_delay_s", delay, "off_delay_us"),
        _column("alarm.needs_acknowledgement", BOOL),
        _column("alarm.latching", BOOL),
        *(_column(f"alarm.{text}.{one}", TEXT, text, one) for text in ALARM_TEXTS for one in languages),
        _column("alarm.page", word()),
        _column("alarm.value", word()),
        *(_column(f"description.{one}", TEXT, "description", one) for one in languages),
    ]
    return {column.name: column for column in columns}


def _threshold(name: str, codec: Codec, attribute: str = "") -> Column:
    return _column(name, codec, attribute, of=ThresholdDefinition)


REGISTER = "register"
_DELAY = seconds(_high(ThresholdSection, "on_delay_s"))
THRESHOLD_COLUMNS: Mapping[str, Column] = {
    column.name: column
    for column in (
        _column(REGISTER, word(_path), "path"),
        _threshold("name", _checked(Segment)),
        _threshold("condition", choice(Condition)),
        _threshold("limit", number()),
        _threshold("limit_tag", word(_path)),
        _threshold("reference", word(_path)),
        _threshold("hysteresis", number(0)),
        _threshold("on_delay_s", _DELAY, "on_delay_us"),
        _threshold("off_delay_s", _DELAY, "off_delay_us"),
    )
}


def languages_of(definitions: Iterable[TagDefinition], languages: Sequence[str]) -> tuple[str, ...]:
    """The project's languages, and after them those that only a text has."""
    found: dict[str, None] = dict.fromkeys(languages)
    for d in definitions:
        texts = [d.label, d.description]
        if d.alarm is not None:
            texts += [d.alarm.message, d.alarm.cause, d.alarm.consequence, d.alarm.guidance]
        for text in texts:
            found.update(dict.fromkeys(text))
    return tuple(found)


def tag_cells(definition: TagDefinition, columns: Mapping[str, Column]) -> dict[str, str]:
    """The cells of a tag that are not empty."""
    cells = ((name, column.cell(definition)) for name, column in columns.items())
    return {name: cell for name, cell in cells if cell}


def threshold_cells(register: str, threshold: ThresholdDefinition) -> dict[str, str]:
    """The cells of a threshold that are not empty."""
    cells = {name: column.cell(threshold) for name, column in THRESHOLD_COLUMNS.items() if name != REGISTER}
    return {REGISTER: register, **{name: cell for name, cell in cells.items() if cell}}


def rows_of(definitions: Iterable[TagDefinition], languages: Sequence[str], file: str = "tags") -> Table:
    """Every tag and every threshold as a row, in order.

    Args:
        file: its name without ending, for places.
    """
    definitions = list(definitions)
    columns = tag_columns(languages_of(definitions, languages))
    tags, thresholds = Place(f"{file}.csv"), Place(f"{file}.{THRESHOLDS}.csv")
    pairs = [(d.path, threshold) for d in definitions for threshold in d.thresholds]
    return Table(
        Sheet(
            tags,
            list(columns),
            [Row(Place(tags.file, n), tag_cells(d, columns)) for n, d in enumerate(definitions, 2)],
        ),
        Sheet(
            thresholds,
            list(THRESHOLD_COLUMNS),
            [Row(Place(thresholds.file, n), threshold_cells(*pair)) for n, pair in enumerate(pairs, 2)],
        ),
    )


def decode_cells(
    row: Row, columns: Mapping[str, Column], complain: Callable[[str, CellError], None]
) -> dict[str, Any]:
    """Column → value, or None for `-`; cells that cannot be read are told and left out."""
    values: dict[str, Any] = {}
    for name, cell in row.cells.items():
        if cell.strip() == NOTHING:
            if columns[name].default is REQUIRED and name not in PRESENCE.values():
                complain(name, CellError("cannot be set to nothing"))
            else:
                values[name] = None
            continue
        try:
            values[name] = columns[name].codec.decode(cell)
        except CellError as error:
            complain(name, error)
    return values


def changed_tag(
    old: TagDefinition, values: Mapping[str, Any], columns: Mapping[str, Column]
) -> TagDefinition:
    """A tag with some attributes changed; None: the default.

    Raises:
        CellError: `initial` is not of the tag's kind, or a column of a part stands without the one that makes it.
    """
    top = {f.name: getattr(old, f.name) for f in fields(old)}
    parts = {name: _state(getattr(old, name)) for name in PARTS}
    for part, column in PRESENCE.items():
        if column in values:
            parts[part] = None if values[column] is None else {**(parts[part] or {})}
    for name, value in values.items():
        target = columns[name]
        holder: dict[str, Any] | None = parts[target.part] if target.part else top
        if holder is None:
            if value is None:
                continue
            raise CellError(f"{name} has no meaning without {PRESENCE[target.part]}")
        if name == "initial" and value is not None:
            value = cell_value(values.get("kind") or old.kind, value)  # noqa: PLW2901
        _set(holder, target, value)
    for name, made_of in PARTS.items():
        holder = parts[name]
        top[name] = made_of(**holder) if holder is not None else None
    return TagDefinition(**top)


def changed_threshold(old: ThresholdDefinition, values: Mapping[str, Any]) -> ThresholdDefinition:
    """A threshold with some attributes changed; None: the default."""
    state = {f.name: getattr(old, f.name) for f in fields(old)}
    for name, value in values.items():
        if name != REGISTER:
            _set(state, THRESHOLD_COLUMNS[name], value)
    return ThresholdDefinition(**state)


def _state(part: Any) -> dict[str, Any] | None:
    return None if part is None else {f.name: getattr(part, f.name) for f in fields(part)}


def _set(holder: dict[str, Any], column: Column, value: Any) -> None:
    if not column.language:
        holder[column.attribute] = column.default if value is None else value
        return
    texts = {
        language: text
        for language, text in holder.get(column.attribute, {}).items()
        if language != column.language
    }
    holder[column.attribute] = texts if value is None else {**texts, column.language: value}


def scope_of(path: str, site: str) -> dict[str, str]:
    """What an expression of a table may call `this` and `site`."""
    scope = {"this": parent(path), "site": site}
    return {word: branch for word, branch in scope.items() if branch}


def definitions_of(table: Table) -> list[TagDefinition]:
    """The tags of a whole table, as `rows_of` made it: the way back.

    What no column holds is as for a tag of a project's own table: its site is the first name of its path, it
    belongs to no device, and an expression knows `this` and `site`.

    Raises:
        ProjectError: with every cell that cannot be read.
    """
    from scada.project.tag_table.apply import applied  # late: it builds on this file

    after, problems = applied((), table, any_source=True)
    if problems:
        raise ProjectError(problems)
    return after
