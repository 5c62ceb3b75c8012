"""The last check: what only the expanded plant shows. It must come alive without complaint."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from scada.core.aggregate import Aggregates
from scada.core.database import TagDatabase
from scada.core.plant import Plant
from scada.core.tag import Tag
from scada.core.value import Kind
from scada.project.expand import Types
from scada.project.files import Reader
from scada.project.sections import DEVICE_TYPES


def check(reader: Reader, plant: Plant, types: Types) -> None:
    """Make the plant's tags once, as the start does."""
    try:
        database = TagDatabase(plant.tags)
        Aggregates(database)
    except ValueError as error:
        reader.problem(DEVICE_TYPES, "", str(error))
        return
    _sums(reader, database, types)


def _sums(reader: Reader, database: TagDatabase, types: Types) -> None:
    """A sum adds up numbers and bits, and never itself by way of others."""
    sums = {tag.path: database.select(pattern) for tag in database if (pattern := _pattern(tag))}
    for path, members in sums.items():
        text = next((member for member in members if member.definition.kind is Kind.TEXT), None)
        if text is not None:
            _problem(
                reader, types, path, f"would add up {text.path}, which is a text", "name the tags by leaf"
            )
    graph = {
        path: [m.path for m in members if m.path in sums and m.path != path] for path, members in sums.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        _problem(reader, types, cycle[0], f"sums add up each other: {' → '.join(cycle)}")


def _pattern(tag: Tag) -> str:
    return tag.definition.aggregate.pattern if tag.definition.aggregate else ""


def _problem(reader: Reader, types: Types, path: str, reason: str, hint: str = "") -> None:
    """At the template that a sum most likely came from."""
    leaf = path.rpartition(".")[2]
    where = next(
        (
            f"templates.{template}.{leaf}"
            for template, tags in types.templates.items()
            if leaf in tags and tags[leaf].sum
        ),
        "",
    )
    reader.problem(types.origin.get(where, DEVICE_TYPES), f"{where}.sum", f"{path}: {reason}", hint)
