"""A table's rows onto tags: what each changes, what it adds, and each mistake with its place.

A row of a tag that is there changes the cells that are not empty. One of a path that is not there makes a tag, of
source internal or expression. A row of a threshold that is not there adds it, with its bit; `-` for the condition
takes it away. Thresholds come before the rows of their bits, so that a bit can be given its alarm in the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from scada.core.errors import Problem
from scada.core.path import parent
from scada.core.tag import Condition, ExpressionText, Source, TagDefinition, ThresholdDefinition
from scada.core.value import Kind
from scada.project.expand import threshold_bit
from scada.project.files import Reader, near_or_known
from scada.project.tag_table import fit
from scada.project.tag_table.cells import NOTHING, CellError
from scada.project.tag_table.columns import (
    ALARM_TEXTS,
    REGISTER,
    THRESHOLD_COLUMNS,
    Column,
    changed_tag,
    changed_threshold,
    decode_cells,
    languages_of,
    scope_of,
    tag_cells,
    tag_columns,
    threshold_cells,
)
from scada.project.tag_table.table import Row, Sheet, Table

RESERVED = frozenset({"System"})
"""Branches at the top that are the product's own."""
OWN_SOURCES = frozenset({Source.INTERNAL, Source.EXPRESSION})
"""What a table may make, and change into one another."""

Scope = Callable[[str, str], Mapping[str, str]]
"""(path, site) → what an expression there may call its branches."""


def apply(
    reader: Reader,
    table: Table,
    definitions: Iterable[TagDefinition],
    languages: Sequence[str],
    scope: Scope = scope_of,
) -> list[TagDefinition]:
    """The tags with a project's own table on top; mistakes are noted at the reader.

    Args:
        languages: of the project: texts in others are a mistake.
        scope: what expressions of tags that the table makes may call their branches.
    """
    after, problems = applied(definitions, table, languages, scope)
    reader.problems += problems
    return after


def apply_table(
    definitions: Iterable[TagDefinition], table: Table, languages: Sequence[str]
) -> tuple[list[TagDefinition], list[Problem]]:
    """The tags with the changes of a table, and what is wrong with it."""
    return applied(definitions, table, languages)


def applied(
    definitions: Iterable[TagDefinition],
    table: Table,
    languages: Sequence[str] | None = None,
    scope: Scope = scope_of,
    *,
    any_source: bool = False,
) -> tuple[list[TagDefinition], list[Problem]]:
    """The tags with the changes of a table, and what is wrong with it.

    Args:
        languages: None: any.
        any_source: rows may make tags of every source: the table is a whole one.
    """
    work = _Work(list(definitions), table, languages, scope, any_source)
    work.run()
    return work.result(), work.problems


class _Work:
    def __init__(
        self,
        definitions: Sequence[TagDefinition],
        table: Table,
        languages: Sequence[str] | None,
        scope: Scope,
        any_source: bool,
    ) -> None:
        self.problems: list[Problem] = []
        self._table = table
        self._languages = languages
        self._scope = scope
        self._any_source = any_source
        self._tags = {definition.path: definition for definition in definitions}
        self._branches = {branch for path in self._tags for branch in _above(path)}
        self._sites = {d.site for d in definitions if d.site}
        spoken = languages_of(definitions, [*(languages or ()), *_languages_in(table.tags.columns)])
        self._columns = tag_columns(spoken)
        self._bits: dict[str, list[str]] = {}
        """Register → bits that thresholds of the table added."""
        self._touched: dict[str, tuple[Row, TagDefinition | None]] = {}
        """Path → the row that changed it, and what it was before."""
        self._limits: list[tuple[Row, str, str]] = []
        """(row, register, name) of the thresholds that rows changed."""

    def run(self) -> None:
        tags, thresholds = self._table.tags, self._table.thresholds
        known = list(self._columns)
        if self._languages is not None:
            known = list(tag_columns(tuple(self._languages)))
        if not self._header(tags, known, "path") | self._header(
            thresholds, list(THRESHOLD_COLUMNS), REGISTER, "name"
        ):
            # In a whole table bits stand for themselves.
            bits = {f"{r.cells.get(REGISTER)}.{r.cells.get('name')}" for r in thresholds.rows}
            bits = set() if self._any_source else bits
            rows = list(self._once(tags, "path"))
            for row in rows:
                if row.cells["path"] not in bits:
                    self._tag(row)
            for row in self._once(thresholds, REGISTER, "name"):
                self._threshold(row)
            for row in rows:
                if row.cells["path"] in bits:
                    self._tag(row)
            if not self._any_source:
                self._check()

    def _check(self) -> None:
        """What only the end shows: whether everything fits together."""
        for path, (row, old) in self._touched.items():
            was_so = set(fit.mistakes(old, self._tags)) if old is not None else ()
            for mistake in fit.mistakes(self._tags[path], self._tags):
                if mistake not in was_so:
                    self._problem(row, *mistake)
        for row, path, name in self._limits:
            register = self._tags[path]
            for threshold in register.thresholds:
                if threshold.name == name:
                    for mistake in fit.threshold_mistakes(register, threshold, self._tags):
                        self._problem(row, *mistake)

    def result(self) -> list[TagDefinition]:
        added = {bit for bits in self._bits.values() for bit in bits}
        after = []
        for path, definition in self._tags.items():
            if path not in added:
                after.append(definition)
                after += [self._tags[bit] for bit in self._bits.get(path, ()) if bit in self._tags]
        return after

    def _problem(self, row: Row, column: str, reason: str, hint: str = "") -> None:
        self.problems.append(row.place.problem(column, reason, hint))

    def _header(self, sheet: Sheet, known: Sequence[str], *key: str) -> bool:
        """Whether the header is wrong; noted."""
        before = len(self.problems)
        place = replace(sheet.place, row=1)
        for name in dict.fromkeys(sheet.columns):
            if name and name not in known:
                self.problems.append(place.problem(name, "unknown column", near_or_known(name, known)))
            elif list(sheet.columns).count(name) > 1:
                self.problems.append(place.problem(name, "the column is there twice"))
        self.problems += [
            place.problem(name, "the column is missing")
            for name in key
            if name not in sheet.columns and sheet.rows
        ]
        return len(self.problems) > before

    def _once(self, sheet: Sheet, *key: str) -> Iterable[Row]:
        """The rows that have their key, each key once."""
        seen: dict[tuple[str, ...], Row] = {}
        for row in sheet.rows:
            names = tuple(row.cells.get(name, "") for name in key)
            missing = [name for name, cell in zip(key, names, strict=True) if not cell]
            if missing:
                self._problem(row, missing[0], "is empty: of which?")
            elif names in seen:
                self._problem(
                    row, key[-1], f"'{'.'.join(names)}' stands already in row {seen[names].place.row}"
                )
            else:
                seen[names] = row
                yield row

    def _decode(self, row: Row, cells: Mapping[str, str], columns: Mapping[str, Column]) -> dict[str, object]:
        return decode_cells(
            Row(row.place, cells), columns, lambda name, e: self._problem(row, name, str(e), e.hint)
        )

    def _tag(self, row: Row) -> None:
        path = row.cells["path"]
        old = self._tags.get(path)
        before = tag_cells(old, self._columns) if old is not None else {}
        # A cell that says what is so already is not looked at: a table of thousands of tags costs what it changes.
        cells = {name: cell for name, cell in row.cells.items() if cell != before.get(name)}
        if not cells:
            return
        values = self._decode(row, cells, self._columns)
        known = old
        if old is None and (old := self._new(row, values)) is None:
            return
        if len(values) < len(cells) or not self._may(row, old, values):
            return
        try:
            new = changed_tag(old, values, self._columns)
        except CellError as error:
            guilty = next((name for name in values if str(error).startswith(f"{name} ")), "initial")
            self._problem(row, guilty, str(error), error.hint)
            return
        if new.expression is not None and (old.expression is None or "expression" in values):
            new = replace(new, expression=self._expression(row, old, new.expression))
        self._tags[path] = new
        self._touched[path] = (row, known)

    def _expression(self, row: Row, old: TagDefinition, new: ExpressionText) -> ExpressionText:
        scope = old.expression.scope if old.expression else self._scope(old.path, old.site)
        place = f"{row.place.file}|{row.place.where('expression')}"
        return replace(new, scope=scope, place=place)

    def _new(self, row: Row, values: Mapping[str, object]) -> TagDefinition | None:
        """A tag that is not there yet, bare; None after noting what is wrong."""
        path = row.cells["path"]
        if "path" not in values:
            return None
        if "kind" not in row.cells:
            self._problem(
                row,
                "path",
                f"there is no tag {path}",
                f"{near_or_known(path, self._near(path))}; a new tag needs a kind",
            )
            return None
        kind = values.get("kind")
        source = values.get("source", Source.EXPRESSION if "expression" in values else Source.INTERNAL)
        if not isinstance(kind, Kind) or not isinstance(source, Source):
            return None
        top = path.partition(".")[0]
        reason = ""
        if source not in OWN_SOURCES and not self._any_source:
            reason = f"a table makes no tag of source {source.value}"
            self._problem(row, "source", reason, "internal or expression")
        elif top in RESERVED and not self._any_source:
            reason = f"'{top}' is the product's own"
            self._problem(row, "path", reason)
        elif "." not in path:
            reason = "a tag lies below a branch: two names at least, with a dot between"
            self._problem(row, "path", reason)
        elif path in self._branches and not self._any_source:
            reason = f"'{path}' is a branch: tags lie below it"
            self._problem(row, "path", reason)
        if reason:
            return None
        self._branches.update(_above(path))
        site = top if top in self._sites or (self._any_source and top not in RESERVED) else ""
        return TagDefinition(path=path, kind=kind, source=source, site=site)

    def _near(self, path: str) -> list[str]:
        """Paths that may be meant: below the nearest branch that there is."""
        branch = next((one for one in _above(path) if one in self._branches), "")
        near = [one for one in self._tags if one.startswith(f"{branch}.")] if branch else list(self._tags)
        return near[:2_000] if branch else sorted({one.partition(".")[0] for one in near})

    def _may(self, row: Row, old: TagDefinition, values: Mapping[str, object]) -> bool:
        """Whether kind and source may be changed so; noted if not."""
        kind, source = values.get("kind", old.kind), values.get("source", old.source)
        if kind is not old.kind and old.source not in OWN_SOURCES:
            self._problem(row, "kind", f"is {old.kind.value}: what writes {old.path} gives no other")
            return False
        if source is not old.source and not {source, old.source} <= OWN_SOURCES:
            self._problem(row, "source", f"is {old.source.value} and cannot be changed")
            return False
        return True

    def _threshold(self, row: Row) -> None:
        path, name = row.cells[REGISTER], row.cells["name"]
        register = self._tags.get(path)
        if register is None:
            self._problem(
                row, REGISTER, f"there is no register {path}", near_or_known(path, self._near(path))
            )
            return
        if register.kind is not Kind.REGISTER:
            self._problem(row, REGISTER, f"{path} is no register: only numbers have thresholds")
            return
        old = next((one for one in register.thresholds if one.name == name), None)
        if row.cells.get("condition", "").strip() == NOTHING:
            if old is not None:
                self._remove(register, old)
            return
        before = threshold_cells(path, old) if old is not None else {}
        cells = {column: cell for column, cell in row.cells.items() if cell != before.get(column)}
        if not cells:
            return
        values = self._decode(row, cells, THRESHOLD_COLUMNS)
        if len(values) < len(cells):
            return
        if old is None:
            for column in ("condition", "limit"):
                if column not in values and not (column == "limit" and "limit_tag" in values):
                    self._problem(row, column, "is empty: a new threshold needs it")
                    return
            bare = ThresholdDefinition(name=name, condition=Condition.HIGH)
            self._add(row, register, changed_threshold(bare, values))
            return
        new = changed_threshold(old, values)
        kept = tuple(new if one is old else one for one in register.thresholds)
        self._tags[path] = replace(register, thresholds=kept)
        self._limits.append((row, path, name))

    def _add(self, row: Row, register: TagDefinition, threshold: ThresholdDefinition) -> None:
        bit = f"{register.path}.{threshold.name}"
        taken = self._tags.get(bit)
        if bit in self._branches or (taken is not None and taken.source is not Source.THRESHOLD):
            self._problem(row, "name", f"'{bit}' is taken by another tag")
            return
        if taken is None:
            self._tags[bit] = threshold_bit(register, threshold.name)
            self._bits.setdefault(register.path, []).append(bit)
        self._tags[register.path] = replace(register, thresholds=(*register.thresholds, threshold))
        self._limits.append((row, register.path, threshold.name))

    def _remove(self, register: TagDefinition, threshold: ThresholdDefinition) -> None:
        kept = tuple(one for one in register.thresholds if one is not threshold)
        self._tags[register.path] = replace(register, thresholds=kept)
        self._tags.pop(f"{register.path}.{threshold.name}", None)


def _above(path: str) -> Iterable[str]:
    branch = parent(path)
    while branch:
        yield branch
        branch = parent(branch)


def _languages_in(columns: Iterable[str]) -> list[str]:
    """Of columns like `label.fr`; an unknown one is found with the header."""
    return [
        name.rpartition(".")[2]
        for name in columns
        if name.startswith(("label.", "description.", *(f"alarm.{text}." for text in ALARM_TEXTS)))
    ]
