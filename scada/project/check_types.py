"""Checks of device types: templates that exist, tags that make sense, and those that the product itself writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from scada.core.catalogue import CATALOGUE
from scada.project.expand import Types
from scada.project.files import Reader, near_or_known
from scada.project.type_schema import (
    DeviceTypesFile,
    GridThreshold,
    HistorySection,
    TagSection,
    ThresholdSection,
    WriteSection,
    deadband,
)

THRESHOLDS_MAX = 4
CHARGER_TAGS = ("Online",)
"""Tags that every type gives a charger: the OCPP driver writes them, whatever else there is."""
CONNECTOR_TAGS = ("TransactionId", "IdTag", "InTransaction", "SessionStart", "SessionEnergy")
"""Tags that every type gives a connector: the session book writes them (`charging.sessions`)."""

_CONNECTOR_BRANCH = re.compile(r"C[0-9]+\Z")
_BRANCHES = {"site": ("Alarms",), "system": ("Alarms", "Service", "OnCall")}
"""Template → names below it that are branches of the product's."""
_REGISTERS_ONLY = ("unit", "low", "high", "gain", "offset", "deadband", "address", "thresholds")
_KIND_NAMES = {"bit": "true or false", "register": "a number", "text": "a text"}


def check(reader: Reader, types: Types, shipped: Iterable[tuple[str, DeviceTypesFile]]) -> None:
    """Note every mistake in the device types.

    Args:
        shipped: the product's own; their kinds are those that drivers write.
    """
    standard = {
        (template, tag): section.kind
        for _, content in shipped
        for template, tags in content.templates.items()
        for tag, section in tags.items()
    }
    for template, tags in types.templates.items():
        for tag, section in tags.items():
            where = f"templates.{template}.{tag}"
            _Tag(reader, types, where, section).check()
            kind = standard.get((template, tag), section.kind)
            if section.kind != kind:
                reader.problem(types.origin[where], f"{where}.kind", f"the product writes a {kind} there")
            if tag in _BRANCHES.get(template, ()):
                reader.problem(types.origin[where], where, f"'{tag}' is taken by the product")
    for name, kind_of_charger in types.types.items():
        for role, templates, needed in (
            ("charger", kind_of_charger.charger, CHARGER_TAGS),
            ("connector", kind_of_charger.connector, CONNECTOR_TAGS),
        ):
            kinds = {tag: kind for (template, tag), kind in standard.items() if template == role}
            _Role(reader, types, name, role, kinds).check(templates, needed)
    _grid(reader, types)


class _Role:
    """The checks of what a type gives its chargers, or its connectors.

    Args:
        kinds: of the tags that the product writes to such a thing, where there are.
    """

    def __init__(self, reader: Reader, types: Types, name: str, role: str, kinds: Mapping[str, str]) -> None:
        self._reader = reader
        self._types = types
        self._name = name
        self._role = role
        self._kinds = kinds
        self._made: dict[str, str] = {}
        """Tag → the template that makes it."""

    def check(self, templates: Sequence[str], needed: Sequence[str]) -> None:
        known = self._types.templates
        for position, template in enumerate(templates):
            if template not in known:
                reason = f"there is no template '{template}'"
                self._problem(f"[{position}]", reason, near_or_known(template, known))
            elif template in templates[:position]:
                self._problem(f"[{position}]", f"the template '{template}' stands there twice")
            else:
                for tag, section in known[template].items():
                    self._tag(tag, section, template)
        if not all(template in known for template in templates):
            return  # what is missing most likely stands in the misspelt one
        for tag in needed:
            if tag not in self._made:
                self._problem(
                    "",
                    f"the device type '{self._name}' gives its {self._role}s no tag '{tag}', which is needed",
                    f"add the template '{self._role}' or a {self._kinds[tag]} of this name",
                )

    def _tag(self, tag: str, section: TagSection, template: str) -> None:
        if tag in self._made:
            self._problem("", f"the templates '{self._made[tag]}' and '{template}' both make the tag '{tag}'")
        self._made.setdefault(tag, template)
        if self._role == "charger" and _CONNECTOR_BRANCH.match(tag):
            self._problem("", f"the tag '{tag}' of the template '{template}' is the path of a connector")
        kind = self._kinds.get(tag, section.kind)
        if section.kind != kind and template != self._role:
            self._problem("", f"the tag '{tag}' of the template '{template}' is no {kind}, as it must be")

    def _problem(self, place: str, reason: str, hint: str = "") -> None:
        file = self._types.origin[f"types.{self._name}"]
        self._reader.problem(file, f"types.{self._name}.{self._role}{place}", reason, hint)


def _grid(reader: Reader, types: Types) -> None:
    grid, meter = types.grid, types.templates.get("meter", {})
    if grid is None:
        return
    file = types.origin["grid_thresholds"]
    for position, register in enumerate(grid.registers):
        where = f"grid_thresholds.registers[{position}]"
        if register not in meter:
            reader.problem(file, where, f"a meter has no tag '{register}'", near_or_known(register, meter))
        elif meter[register].kind != "register":
            reader.problem(file, where, "only a register has thresholds")
        elif meter[register].thresholds:
            reader.problem(
                types.origin[f"templates.meter.{register}"],
                f"templates.meter.{register}.thresholds",
                "a register of [grid_thresholds] has no thresholds of its own",
            )
    _set_of_thresholds(reader, types, file, "grid_thresholds.thresholds", grid.thresholds)
    for position, one in enumerate(grid.thresholds):
        if one.condition == "high" and one.hysteresis_percent >= one.percent:
            reader.problem(
                file,
                f"grid_thresholds.thresholds[{position}].hysteresis_percent",
                "the threshold would never clear: percent - hysteresis_percent is not above 0",
            )


def _set_of_thresholds(
    reader: Reader,
    types: Types,
    file: str,
    where: str,
    thresholds: Sequence[ThresholdSection | GridThreshold],
) -> None:
    if len(thresholds) > THRESHOLDS_MAX:
        reader.problem(file, where, "at most four thresholds")
    names = [one.name for one in thresholds]
    for position, one in enumerate(thresholds):
        if one.name in names[:position]:
            reader.problem(
                file, f"{where}[{position}].name", f"the threshold '{one.name}' stands there twice"
            )
        if one.alarm and one.alarm not in types.alarms:
            reader.problem(
                file,
                f"{where}[{position}].alarm",
                f"there is no alarm '{one.alarm}' in the catalogue",
                near_or_known(one.alarm, types.alarms),
            )
    highs = [limit for one in thresholds if one.condition == "high" and (limit := _limit(one)) is not None]
    lows = [limit for one in thresholds if one.condition == "low" and (limit := _limit(one)) is not None]
    if highs and lows and min(highs) <= max(lows):
        reader.problem(file, where, "a low limit is not below each high limit: some bit would always be set")


def _limit(threshold: ThresholdSection | GridThreshold) -> float | None:
    return threshold.limit if isinstance(threshold, ThresholdSection) else threshold.percent


class _Tag:
    """The checks of one tag of a template."""

    def __init__(self, reader: Reader, types: Types, where: str, section: TagSection) -> None:
        self._reader = reader
        self._types = types
        self._file = types.origin[where]
        self._where = where
        self._section = section

    def check(self) -> None:
        section = self._section
        if section.alarm and section.alarm not in self._types.alarms:
            self._problem(
                "alarm",
                f"there is no alarm '{section.alarm}' in the catalogue",
                near_or_known(section.alarm, self._types.alarms),
            )
        if section.alarm and section.kind != "bit":
            self._problem("alarm", "only a bit can have an alarm")
        if section.kind == "register":
            self._range()
            self._deadbands()
            self._thresholds()
        else:
            for key in _REGISTERS_ONLY:
                if getattr(section, key) != TagSection.model_fields[key].default:
                    self._problem(key, f"only a register has {key}, not a {section.kind}")
        if section.expression and section.source != "driver":
            self._problem("source", "a tag with an expression has no other source")
        if section.expression and section.write:
            self._problem("write", "what an expression makes cannot be written")
        self._written()
        self._choices()
        self._initial()

    def _problem(self, key: str, reason: str, hint: str = "") -> None:
        self._reader.problem(self._file, f"{self._where}.{key}", reason, hint)

    def _range(self) -> None:
        section = self._section
        if section.low is not None and section.high is not None and section.low >= section.high:
            self._problem("low", f"{section.low:g} is not below high = {section.high:g}")
        if section.gain == 0:
            self._problem("gain", "0 would make every value 0")

    def _deadbands(self) -> None:
        section = self._section
        record = section.record
        for key, value in (
            ("deadband", section.deadband),
            ("record.deadband", record.deadband if isinstance(record, HistorySection) else 0.0),
        ):
            try:
                deadband(value, section.low, section.high)
            except ValueError as error:
                self._problem(key, str(error))

    def _written(self) -> None:
        rule = self._section.write
        if not isinstance(rule, WriteSection) or not rule.command:
            return
        command = CATALOGUE.get(rule.command)
        if command is None:
            hint = near_or_known(rule.command, CATALOGUE)
            self._problem("write.command", f"there is no command '{rule.command}'", hint)
            return
        arguments = {argument.name: argument for argument in command.arguments}
        if rule.argument not in arguments:
            hint = near_or_known(rule.argument, arguments)
            self._problem("write.argument", f"{rule.command} has no argument '{rule.argument}'", hint)
            return
        choices = arguments[rule.argument].choices
        for key, value in rule.values.items():
            if choices and value not in choices:
                hint = near_or_known(value, choices)
                self._problem(f"write.values.{key}", f"{rule.command} takes no '{value}'", hint)

    def _thresholds(self) -> None:
        section = self._section
        where = f"{self._where}.thresholds"
        _set_of_thresholds(self._reader, self._types, self._file, where, section.thresholds)
        for position, one in enumerate(section.thresholds):
            key = f"thresholds[{position}]"
            if one.condition == "deviation" and not one.reference:
                self._problem(f"{key}.reference", "a deviation needs the tag that is compared with")
            if (one.limit is None) is (not one.limit_tag) and one.condition != "stale":
                self._problem(f"{key}.limit", "either limit or limit_tag is needed")
            elif one.limit is not None and one.condition in ("high", "low"):
                self._reachable(key, one, one.limit)

    def _reachable(self, key: str, one: ThresholdSection, limit: float) -> None:
        section = self._section
        high = one.condition == "high"
        end = section.high if high else section.low
        if end is not None and (limit >= end if high else limit <= end):
            self._problem(f"{key}.limit", f"is never passed: the range ends at {end:g}")
        back = limit - one.hysteresis if high else limit + one.hysteresis
        end = section.low if high else section.high
        if end is not None and (back <= end if high else back >= end):
            self._problem(
                f"{key}.hysteresis",
                f"the threshold would never clear: it does so at {back:g} and the range ends at {end:g}",
            )

    def _choices(self) -> None:
        choices = self._section.choices
        if choices and self._section.kind != "text":
            self._problem("choices", f"only a text has choices, not a {self._section.kind}")
        for position, choice in enumerate(choices):
            if choice in choices[:position]:
                self._problem(f"choices[{position}]", f"'{choice}' stands there twice")

    def _initial(self) -> None:
        section, initial = self._section, self._section.initial
        if initial is None:
            return
        kind = "bit" if isinstance(initial, bool) else "text" if isinstance(initial, str) else "register"
        if kind != section.kind:
            self._problem(
                "initial", f"a {section.kind} begins with {_KIND_NAMES[section.kind]}, not {initial!r}"
            )
        elif isinstance(initial, str):
            if section.choices and initial not in section.choices:
                hint = near_or_known(initial, section.choices)
                self._problem("initial", f"'{initial}' is none of the choices", hint)
        elif kind == "register" and (
            (section.low is not None and initial < section.low)
            or (section.high is not None and initial > section.high)
        ):
            self._problem("initial", f"{initial:g} lies outside low and high")
