"""What a table changes, and the project's own table that says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scada.core.path import leaf, parent
from scada.core.tag import Source, TagDefinition
from scada.project.expand import threshold_bit
from scada.project.tag_table.apply import apply_table
from scada.project.tag_table.cells import NOTHING
from scada.project.tag_table.columns import (
    REGISTER,
    THRESHOLD_COLUMNS,
    languages_of,
    rows_of,
    tag_columns,
)
from scada.project.tag_table.table import TAGS, THRESHOLDS, Place, Row, Sheet, Table

Key = tuple[str, ...]
_KEYS: Mapping[str, Key] = {TAGS: ("path",), THRESHOLDS: (REGISTER, "name")}


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute that differs.

    Attributes:
        sheet: `tags` or `thresholds`.
        name: path of the tag, or of the threshold's bit.
        old, new: cells; empty: nothing.
    """

    sheet: str
    name: str
    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """From one set of tags to another.

    Attributes:
        added, removed: (sheet, name).
        changed: of what is in both.
    """

    added: Sequence[tuple[str, str]]
    removed: Sequence[tuple[str, str]]
    changed: Sequence[Change]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def difference(
    before: Iterable[TagDefinition], after: Iterable[TagDefinition], languages: Sequence[str]
) -> Difference:
    """What differs, in order of the tags."""
    old, new = rows_of(before, languages), rows_of(after, languages)
    added: list[tuple[str, str]] = []
    removed: list[tuple[str, str]] = []
    changed: list[Change] = []
    for sheet, was, is_now in _sheets(old, new):
        removed += [(sheet, ".".join(key)) for key in was if key not in is_now]
        for key, cells in is_now.items():
            if key not in was:
                added.append((sheet, ".".join(key)))
            else:
                changed += [
                    Change(sheet, ".".join(key), column, was[key].get(column, ""), cells.get(column, ""))
                    for column in _differing(was[key], cells)
                ]
    return Difference(added, removed, changed)


def merged(
    own: Table | None,
    before: Sequence[TagDefinition],
    imported: Table,
    languages: Sequence[str],
) -> Table:
    """A project's own table with what an imported one changes on top.

    Args:
        own: the project's table, or None.
        before: its tags, with that table.

    Returns:
        A table that holds, of each tag, only what is to be changed. The rows that the import changes keep its
        places, so that a mistake which only the whole project shows is told where the integrator wrote it.
    """
    after, _ = apply_table(before, imported, languages)
    there = {definition.path for definition in before}
    # A new threshold brings its bit; what the table says of that is told on top.
    by_path = {definition.path: definition for definition in after}
    bits = [
        threshold_bit(by_path[parent(d.path)], leaf(d.path))
        for d in after
        if d.path not in there and d.source is Source.THRESHOLD
    ]
    sheets = {
        sheet: {_key(sheet, row.cells): dict(row.cells) for row in _rows(own or Table(), sheet)}
        for sheet in _KEYS
    }
    places = {
        (sheet, _key(sheet, row.cells)): row.place
        for table in (own or Table(), imported)
        for sheet in _KEYS
        for row in _rows(table, sheet)
    }
    old, new = rows_of([*before, *bits], languages), rows_of(after, languages)
    for sheet, was, is_now in _sheets(old, new):
        rows = sheets[sheet]
        for key, cells in is_now.items():
            columns = _differing(was.get(key, {}), cells)
            if columns:
                row = rows.setdefault(key, dict(zip(_KEYS[sheet], key, strict=True)))
                row.update({column: cells.get(column, NOTHING) for column in columns})
        if sheet == THRESHOLDS:
            for key in was:
                if key not in is_now:
                    rows[key] = {**dict(zip(_KEYS[sheet], key, strict=True)), "condition": NOTHING}
    gone = {".".join(key) for key, row in sheets[THRESHOLDS].items() if row.get("condition") == NOTHING}
    sheets[TAGS] = {key: row for key, row in sheets[TAGS].items() if key[0] not in gone}
    columns = list(tag_columns(languages_of(after, languages)))
    return Table(
        _sheet("tags.csv", TAGS, sheets[TAGS], columns, places),
        _sheet("tags.thresholds.csv", THRESHOLDS, sheets[THRESHOLDS], list(THRESHOLD_COLUMNS), places),
    )


def _sheet(
    file: str,
    sheet: str,
    rows: Mapping[Key, Mapping[str, str]],
    columns: Sequence[str],
    places: Mapping[tuple[str, Key], Place],
) -> Sheet:
    used = {column for row in rows.values() for column in row}
    return Sheet(
        Place(file),
        [column for column in columns if column in used],
        [Row(places.get((sheet, key), Place(file)), cells) for key, cells in rows.items()],
    )


def _rows(table: Table, sheet: str) -> Sequence[Row]:
    return table.tags.rows if sheet == TAGS else table.thresholds.rows


def _key(sheet: str, cells: Mapping[str, str]) -> Key:
    return tuple(cells.get(column, "") for column in _KEYS[sheet])


def _sheets(
    old: Table, new: Table
) -> Iterator[tuple[str, Mapping[Key, Mapping[str, str]], Mapping[Key, Mapping[str, str]]]]:
    for sheet in _KEYS:
        yield (
            sheet,
            {_key(sheet, row.cells): row.cells for row in _rows(old, sheet)},
            {_key(sheet, row.cells): row.cells for row in _rows(new, sheet)},
        )


def _differing(was: Mapping[str, str], cells: Mapping[str, str]) -> list[str]:
    return [column for column in {**was, **cells} if was.get(column) != cells.get(column)]
