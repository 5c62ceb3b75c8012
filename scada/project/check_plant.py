"""The last check: what only the expanded plant shows. It must come alive without complaint."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from scada.alarming.actions import ActionPorts, Actions
from scada.alarming.engine import AlarmEngine
from scada.alarming.masks import Masks
from scada.core.database import TagDatabase
from scada.core.expression import Environment, ExpressionError, Network, condition
from scada.core.plant import Plant
from scada.core.tag import ExpressionText
from scada.core.timers import Timers
from scada.core.value import Kind
from scada.project.files import Reader
from scada.project.sections import DEVICE_TYPES

FILTERS = "project.toml"


def check(reader: Reader, plant: Plant) -> None:
    """Make the plant's tags, expressions, masks and actions once, as the start does."""
    try:
        database = TagDatabase(plant.tags)
    except ValueError as error:
        reader.problem(DEVICE_TYPES, "", str(error))
        return
    _thresholds(reader, database)
    _retention(reader, plant)
    _Expressions(reader, plant, database).check()


def _retention(reader: Reader, plant: Plant) -> None:
    """Classes that tags name are there; said once for each class, not for each tag."""
    known = plant.history.retention
    used = {tag.history.retention: tag.path for tag in reversed(plant.tags) if tag.history is not None}
    for name, path in sorted(used.items()):
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(sorted(known))}"
            reader.problem(
                FILTERS, "history.retention", f"there is no class '{name}', which {path} names", hint=hint
            )


def _thresholds(reader: Reader, database: TagDatabase) -> None:
    """Limits and references name registers."""
    for tag in database:
        for one in tag.definition.thresholds:
            for path in (one.limit_tag, one.reference):
                if not path:
                    continue
                other = database.get(path)
                if other is None:
                    reader.problem(DEVICE_TYPES, f"{tag.path}.{one.name}", f"there is no tag {path}")
                elif other.definition.kind is not Kind.REGISTER:
                    reader.problem(DEVICE_TYPES, f"{tag.path}.{one.name}", f"{path} is no register")


class _Expressions:
    def __init__(self, reader: Reader, plant: Plant, database: TagDatabase) -> None:
        self._reader = reader
        self._plant = plant
        self._database = database
        self._said: set[tuple[str, str]] = set()
        """(place, text) of mistakes: that of a template is said once, not for each charger."""
        zones = {site.path: ZoneInfo(site.timezone) for site in plant.sites}
        self._timers = Timers()
        self._network = Network(Environment(database, zones, ZoneInfo(plant.timezone)))
        self._engine = AlarmEngine(database, self._timers, 1, lambda _transition: None)
        self._network.environment.alarm_of = self._engine.activity

    def check(self) -> None:
        network, environment = self._network, self._network.environment
        before = len(self._reader.problems)
        for tag in self._database:
            source = tag.definition.expression
            if source is not None:
                self._try(source, lambda tag=tag, source=source: network.add_tag(tag, source))  # type: ignore[misc]
        for mask in self._plant.masks:
            self._try(mask.when, lambda mask=mask: condition(mask.when, environment))  # type: ignore[misc]
            if not self._database.select(mask.select):
                self._problem(mask.when, f"'{mask.select}' selects no tag")
        for synthesis in self._plant.syntheses:
            self._filter(synthesis.filter, tags=False)
        for profile in self._plant.profiles:
            if profile.filter is not None:
                self._filter(profile.filter, tags=True)
        self._actions()
        if len(self._reader.problems) > before:
            return
        try:
            network.order()
        except ExpressionError as error:
            self._reader.problem(DEVICE_TYPES, "expression", error.reason)
        try:
            masks = Masks(self._plant.masks, self._database, self._engine, network)
        except ExpressionError as error:
            self._reader.problem(DEVICE_TYPES, "masks", error.reason)
            return
        cycle = masks.cycle()
        if cycle:
            self._reader.problem(DEVICE_TYPES, "masks", f"alarms mask each other: {' ← '.join(cycle)}")

    def _filter(self, source: ExpressionText, *, tags: bool) -> None:
        def make() -> None:
            formula = condition(source, self._network.environment, filter_=True)
            if not tags and (formula.tags or formula.branches):
                raise ExpressionError("a counter follows alarms only: name no tags here")

        self._try(source, make)

    def _actions(self) -> None:
        ports = ActionPorts(lambda *_: None, lambda *_: None, lambda *_: None, lambda *_: None)
        for action in self._plant.actions:
            source = action.when or next(iter(_texts_of(action.steps)), None)
            if source is None:
                continue
            self._try(
                source,
                lambda action=action: Actions(  # type: ignore[misc]
                    [action], self._database, self._network.environment, self._network, self._timers, ports
                ),
            )

    def _try(self, source: ExpressionText, make: Callable[[], object]) -> None:
        try:
            make()
        except ExpressionError as error:
            self._problem(source, str(error))

    def _problem(self, source: ExpressionText, reason: str) -> None:
        file, _, where = source.place.partition("|")
        if (source.place, source.text) in self._said:
            return
        self._said.add((source.place, source.text))
        self._reader.problem(file or FILTERS, where, f"{reason}, in: {source.text.strip()[:120]}")


def _texts_of(steps: Iterable[object]) -> Iterable[ExpressionText]:
    for step in steps:
        for name in ("condition", "value"):
            text = getattr(step, name)
            if isinstance(text, ExpressionText):
                yield text
