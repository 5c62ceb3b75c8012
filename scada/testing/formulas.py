"""Expressions over tags made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo

from scada.core.database import TagDatabase
from scada.core.expression import Environment, Formula, Network
from scada.core.tag import ExpressionText, Source, Tag, TagDefinition
from scada.core.value import GOOD, SECOND_US, Kind, TimeUs, Value
from scada.testing.clock import START_US


def kind_of(value: Value) -> Kind:
    """The kind of tag that holds such a value; None: a register."""
    if isinstance(value, bool):
        return Kind.BIT
    return Kind.TEXT if isinstance(value, str) else Kind.REGISTER


class Formulas:
    """Tags, expression tags among them, and the time.

    Args:
        values: path → first value, Good; None: a register that waits for one.
        expressions: path → (expression, kind of its tag).
    """

    def __init__(
        self,
        values: Mapping[str, Value],
        expressions: Mapping[str, tuple[str, Kind]] | None = None,
        scope: Mapping[str, str] | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        self.now_us: TimeUs = START_US
        self.scope = scope or {}
        definitions = [
            TagDefinition(path=path, kind=kind_of(value), source=Source.DRIVER)
            for path, value in values.items()
        ]
        for path, (text, kind) in (expressions or {}).items():
            source = self.text(text)
            definitions.append(
                TagDefinition(path=path, kind=kind, source=Source.EXPRESSION, expression=source)
            )
        self.database = TagDatabase(definitions)
        self.environment = Environment(self.database, zone=zone)
        self.network = Network(self.environment)
        self.network.add_tags()
        for path, value in values.items():
            if value is not None:
                self.put(path, value)
        self.network.start(self.now_us)

    def text(self, text: str) -> ExpressionText:
        """An expression in this scope."""
        return ExpressionText(text=text, scope=self.scope)

    def formula(self, text: str) -> Formula:
        """An expression bound to the tags."""
        return Formula(self.text(text), self.environment)

    def __getitem__(self, path: str) -> Tag:
        return self.database[path]

    def put(self, path: str, value: Value, quality: int = GOOD) -> None:
        """A driver writes; nothing is worked out yet."""
        self.database.write([(self.database[path], value, quality, self.now_us)], self.now_us)

    def write(self, path: str, value: Value, quality: int = GOOD) -> None:
        """A driver writes, and what depends on it is worked out."""
        self.put(path, value, quality)
        self.network.settle(self.now_us)

    def spoil(self, path: str, quality: int) -> None:
        """The quality of a tag becomes another."""
        self.database.set_quality([self.database[path]], quality, self.now_us)
        self.network.settle(self.now_us)

    def wait(self, seconds: float, step_s: float = 0.0) -> None:
        """Let time pass at one go, or in steps."""
        end_us = self.now_us + int(seconds * SECOND_US)
        while True:
            self.now_us = min(end_us, self.now_us + int(step_s * SECOND_US)) if step_s else end_us
            self.network.tick(self.now_us)
            if self.now_us >= end_us:
                return
