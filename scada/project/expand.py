"""Expansion of device types into tags: a hundred chargers are a hundred lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from scada.alarming.counters import BRANCH, branches_of
from scada.core.path import leaf
from scada.core.plant import Charger, Mask, Meter, Site
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
from scada.core.value import SECOND_US, Kind, Value
from scada.project.alarm_schema import AlarmChange, AlarmSection, MaskSection
from scada.project.type_schema import (
    DeviceTypesFile,
    GridThresholds,
    HistorySection,
    TagSection,
    ThresholdSection,
    TypeSection,
    WriteSection,
    deadband,
)

_LIMITED_CURRENTS = ("CurrentL1", "CurrentL2", "CurrentL3", "Current", "CurrentOffered")
_BRANCH_LIMITS = {"connectors": 3, "devices": 2, "sites": 1}
"""Setting of the project → how deep branches have counters of their own."""


class Types:
    """All device types, templates and alarms that a project may use.

    Args:
        files: of device types; later ones change or extend earlier ones.
        alarms: the catalogue.
        changes: what the project changes of them.

    Attributes:
        origin: key → file that has the last word on it, for example `templates.connector.Status`.
    """

    def __init__(
        self,
        files: Iterable[tuple[str, DeviceTypesFile]],
        alarms: Mapping[str, AlarmSection],
        changes: Mapping[str, AlarmChange],
        languages: Sequence[str],
    ) -> None:
        self.types: dict[str, TypeSection] = {}
        self.templates: dict[str, dict[str, TagSection]] = {}
        self.grid: GridThresholds | None = None
        self.masks: dict[str, MaskSection] = {}
        self.origin: dict[str, str] = {}
        self.axes = {
            name: (_changed(one, changes.get(name)).domain, _changed(one, changes.get(name)).nature)
            for name, one in alarms.items()
        }
        """Name of an alarm → (domain, nature) that its tag has where the template says nothing."""
        self.alarms = {
            name: _alarm(name, section, changes.get(name), languages) for name, section in alarms.items()
        }
        self._languages = languages
        for file, content in files:
            self.types.update(content.types)
            self.origin |= {f"types.{name}": file for name in content.types}
            for name, template in content.templates.items():
                self.templates.setdefault(name, {}).update(template)
                self.origin |= {f"templates.{name}.{tag}": file for tag in template}
            if content.grid_thresholds is not None:
                self.grid = content.grid_thresholds
                self.origin["grid_thresholds"] = file
            for mask in content.masks:
                self.masks[mask.name] = mask
                self.origin[f"masks.{mask.name}"] = file

    def charger_tags(self, charger: Charger, *, allocated: bool = False) -> list[TagDefinition]:
        """All tags of a charger and its connectors. `allocated`: its site shares its power."""
        further = ["allocation_connector"] if allocated else []
        section = self.types[charger.device_type]
        scope = {"site": charger.site, "charger": charger.path}
        tags = self._expand(section.charger, charger.path, charger.site, charger.path, scope)
        for connector in charger.connectors:
            inner = {**scope, "connector": connector.path}
            for tag in self._expand(
                [*section.connector, *further], connector.path, charger.site, charger.path, inner
            ):
                if leaf(tag.path) in _LIMITED_CURRENTS:
                    tag = replace(tag, high=connector.current_max_a)  # noqa: PLW2901
                elif leaf(tag.path) == "ActivePower":
                    tag = replace(tag, high=connector.power_max_kw)  # noqa: PLW2901
                tags.append(tag)
        return tags

    def meter_tags(self, meter: Meter, site: Site) -> list[TagDefinition]:
        """All tags of a meter; one at the grid watches the site's limit, one before a charger that charger."""
        templates = ["meter"]
        scope = {"site": meter.site, "meter": meter.path}
        if meter.role == "grid":
            templates.append("grid_meter")
        if meter.measures:
            templates.append("charger_meter")
            scope["charger"] = f"{meter.site}.{meter.measures}"
        tags = self._expand(templates, meter.path, meter.site, meter.path, scope)
        if meter.role != "grid" or self.grid is None:
            return tags
        out: list[TagDefinition] = []
        for tag in tags:
            if leaf(tag.path) not in self.grid.registers:
                out.append(tag)
                continue
            thresholds = tuple(
                ThresholdDefinition(
                    name=t.name,
                    condition=Condition(t.condition),
                    limit=site.limit_a * t.percent / 100,
                    hysteresis=site.limit_a * t.hysteresis_percent / 100,
                )
                for t in self.grid.thresholds
            )
            out.append(replace(tag, thresholds=thresholds))
            out += [self._threshold_bit(tag, t.name, t.alarm, None) for t in self.grid.thresholds]
        return out

    def site_tags(self, site: Site) -> list[TagDefinition]:
        """The tags of a site itself."""
        templates = ["site"] if site.allocation is None else ["site", "allocation_site"]
        templates += ["mode"] if site.modes else []
        tags = self._expand(templates, site.path, site.path, "", {"site": site.path})
        return [
            replace(tag, initial=float(site.limit_a)) if leaf(tag.path) == "CurrentLimit" else tag
            for tag in tags
        ]

    def system_tags(self) -> list[TagDefinition]:
        """The tags of the product itself."""
        return [
            *self._expand(["system"], "System", "", "", {}),
            *self._expand(["services"], "System.Service", "", "", {}),
        ]

    def rota_tag(self, rota: str) -> TagDefinition:
        """The tag that says who is on call."""
        section = self.templates.get("rota", {}).get("OnCall") or TagSection(kind="text")
        return self._tag(section, f"System.OnCall.{rota}", "", "", {})

    def counter_tags(self, tags: Iterable[TagDefinition], depth: str) -> list[TagDefinition]:
        """The counters of every branch, level, domain and nature that has alarms.

        Args:
            depth: how deep branches have some: `sites`, `devices` or `connectors`.
        """
        branches: dict[str, str] = {f"System.{BRANCH}": ""}
        deepest = _BRANCH_LIMITS[depth]
        for tag in tags:
            if tag.alarm is None:
                continue
            for branch in branches_of(tag):
                place, _, last = branch.rpartition(".")
                if last != BRANCH or place == "System" or place.count(".") < deepest:
                    branches.setdefault(branch, "" if branch.startswith("System.") else tag.site)
        # A threshold's register is no branch of its own.
        registers = {f"{tag.path}.{BRANCH}" for tag in tags}
        return [
            tag
            for branch, site in branches.items()
            if branch not in registers
            for tag in self._expand(["counters"], branch, site, "", {})
        ]

    def device_masks(self, sites: Iterable[Site]) -> Iterator[Mask]:
        """The masks of device types, for each place that they are of."""
        for mask in self.masks.values():
            for path, scope in places(mask.of or "site", sites):
                yield Mask(
                    name=f"{mask.name} {path}",
                    select=scoped(mask.select, scope),
                    when=ExpressionText(
                        text=mask.when,
                        scope=scope,
                        place=f"{self.origin[f'masks.{mask.name}']}|masks.{mask.name}.when",
                    ),
                    reason=texts(mask.reason, self._languages),
                )

    def _expand(
        self, templates: Sequence[str], branch: str, site: str, device: str, scope: Mapping[str, str]
    ) -> list[TagDefinition]:
        out: list[TagDefinition] = []
        scope = {**scope, "this": branch}
        for template in templates:
            for name, section in self.templates.get(template, {}).items():
                place = f"{self.origin[f'templates.{template}.{name}']}|templates.{template}.{name}"
                tag = self._tag(section, f"{branch}.{name}", site, device, scope, place)
                out.append(tag)
                out += [self._threshold_bit(tag, t.name, t.alarm, t.level) for t in section.thresholds]
        return out

    def _tag(
        self,
        section: TagSection,
        path: str,
        site: str,
        device: str,
        scope: Mapping[str, str],
        place: str = "",
    ) -> TagDefinition:
        initial: Value = section.initial
        if section.kind == "register" and isinstance(initial, (int, float)):
            initial = float(initial)
        expression = None
        if section.expression:
            expression = ExpressionText(text=section.expression, scope=scope, place=f"{place}.expression")
        domain, nature = self.axes.get(section.alarm, ("", ""))
        made = section.expression or section.source != "driver"
        return TagDefinition(
            path=path,
            kind=Kind(section.kind),
            source=Source.EXPRESSION if section.expression else Source(section.source),
            unit=section.unit,
            decimals=section.decimals,
            low=section.low,
            high=section.high,
            gain=section.gain,
            offset=section.offset,
            deadband=deadband(section.deadband, section.low, section.high),
            address=section.address,
            choices=tuple(section.choices),
            initial=initial,
            expression=expression,
            write=_write(section.write),
            thresholds=tuple(_threshold(t, scope) for t in section.thresholds),
            alarm=self.alarms.get(section.alarm),
            domain=section.domain or domain,
            nature=section.nature or nature,
            watchdog_us=int(section.watchdog_s * SECOND_US),
            retain=section.retain,
            history=_history(section),
            site=site,
            device=device if section.device_link and not made else "",
            label=texts(section.label, self._languages),
            description=texts(section.description, self._languages),
        )

    def _threshold_bit(
        self, register: TagDefinition, name: str, alarm: str, level: int | None
    ) -> TagDefinition:
        definition = self.alarms.get(alarm)
        if definition is not None and level is not None:
            definition = replace(definition, level=level)
        domain, nature = self.axes.get(alarm, ("", ""))
        bit = threshold_bit(register, name)
        return replace(bit, alarm=definition, domain=domain or bit.domain, nature=nature or bit.nature)


def threshold_bit(register: TagDefinition, name: str) -> TagDefinition:
    """The bit that a threshold sets and clears, without an alarm."""
    return TagDefinition(
        path=f"{register.path}.{name}",
        kind=Kind.BIT,
        source=Source.THRESHOLD,
        site=register.site,
        domain=register.domain,
        nature=register.nature,
        label={language: f"{text} {name}" for language, text in register.label.items()},
    )


def places(of: str, sites: Iterable[Site]) -> Iterator[tuple[str, dict[str, str]]]:
    """(path, scope of expressions) of every site, charger, connector or meter."""
    for site in sites:
        scope = {"site": site.path}
        if of == "site":
            yield site.path, {**scope, "this": site.path}
        elif of == "meter":
            for meter in site.meters:
                yield meter.path, {**scope, "meter": meter.path, "this": meter.path}
        else:
            for charger in site.chargers:
                inner = {**scope, "charger": charger.path}
                if of == "charger":
                    yield charger.path, {**inner, "this": charger.path}
                    continue
                for connector in charger.connectors:
                    yield connector.path, {**inner, "connector": connector.path, "this": connector.path}


def scoped(name: str, scope: Mapping[str, str]) -> str:
    """A path or pattern with its leading word (`this`, `charger` …) replaced by the branch that it stands for."""
    first, dot, rest = name.partition(".")
    branch = scope.get(first)
    return name if branch is None else branch + dot + rest


def texts(given: Mapping[str, str], languages: Sequence[str]) -> dict[str, str]:
    """Texts by language; one given without language is the first language's."""
    return {language or languages[0]: text for language, text in given.items()}


def _changed(section: AlarmSection, change: AlarmChange | None) -> AlarmSection:
    return section.model_copy(update=change.model_dump(exclude_none=True) if change else {})


def _alarm(
    name: str, section: AlarmSection, change: AlarmChange | None, languages: Sequence[str]
) -> AlarmDefinition:
    merged = _changed(section, change)
    return AlarmDefinition(
        name=name,
        level=merged.level,
        acknowledge_level=merged.acknowledge_level,
        mask_level=merged.mask_level,
        abnormal=merged.abnormal,
        on_delay_us=int(merged.on_delay_s * SECOND_US),
        off_delay_us=int(merged.off_delay_s * SECOND_US),
        needs_acknowledgement=merged.needs_acknowledgement,
        latching=merged.latching,
        page=merged.page,
        value=merged.value,
        message=texts(merged.message, languages),
        cause=texts(merged.cause, languages),
        consequence=texts(merged.consequence, languages),
        guidance=texts(merged.guidance, languages),
    )


def _threshold(section: ThresholdSection, scope: Mapping[str, str]) -> ThresholdDefinition:
    return ThresholdDefinition(
        name=section.name,
        condition=Condition(section.condition),
        limit=section.limit or 0.0,
        limit_tag=scoped(section.limit_tag, scope),
        reference=scoped(section.reference, scope),
        hysteresis=section.hysteresis,
        on_delay_us=int(section.on_delay_s * SECOND_US),
        off_delay_us=int(section.off_delay_s * SECOND_US),
    )


def _history(section: TagSection) -> HistoryRule | None:
    record = section.record
    if isinstance(record, HistorySection):
        return HistoryRule(
            deadband=deadband(record.deadband, section.low, section.high),
            every_us=int(record.every_s * SECOND_US),
            retention=record.retention,
        )
    return HistoryRule() if record else None


def _write(section: bool | WriteSection) -> WriteRule | None:
    if isinstance(section, WriteSection):
        return WriteRule(**section.model_dump())
    return WriteRule() if section else None
