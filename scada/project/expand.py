"""Expansion of device types into tags: a hundred chargers are a hundred lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scada.core.plant import Charger, Meter, Site
from scada.core.tag import (
    AggregateDefinition,
    AlarmDefinition,
    Direction,
    Source,
    TagDefinition,
    ThresholdDefinition,
    WriteRule,
)
from scada.core.value import Kind, Value
from scada.project.schema import (
    AlarmChange,
    AlarmSection,
    DeviceTypesFile,
    GridThresholds,
    TagSection,
    TypeSection,
)


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
        self.origin: dict[str, str] = {}
        self.alarms = {
            name: _alarm(section, changes.get(name), languages) for name, section in alarms.items()
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

    def charger_tags(self, charger: Charger) -> list[TagDefinition]:
        """All tags of a charger and its connectors."""
        section = self.types[charger.device_type]
        tags = self._expand(section.charger, charger.path, charger.site, charger.path)
        for connector in charger.connectors:
            for tag in self._expand(section.connector, connector.path, charger.site, charger.path):
                limited = tag.path.endswith(
                    (".CurrentL1", ".CurrentL2", ".CurrentL3", ".Current", ".CurrentOffered")
                )
                if limited:
                    tag = replace(tag, high=connector.current_max_a)  # noqa: PLW2901
                elif tag.path.endswith(".ActivePower"):
                    tag = replace(tag, high=connector.power_max_kw)  # noqa: PLW2901
                tags.append(tag)
        return tags

    def meter_tags(self, meter: Meter, site: Site) -> list[TagDefinition]:
        """All tags of a meter; one at the grid watches the site's limit."""
        tags = self._expand(["meter"], meter.path, meter.site, meter.path)
        if meter.role != "grid" or self.grid is None:
            return tags
        out: list[TagDefinition] = []
        for tag in tags:
            if tag.path.rpartition(".")[2] not in self.grid.registers:
                out.append(tag)
                continue
            thresholds = tuple(
                ThresholdDefinition(
                    name=t.name,
                    direction=Direction(t.direction),
                    limit=site.limit_a * t.percent / 100,
                    hysteresis=site.limit_a * t.hysteresis_percent / 100,
                )
                for t in self.grid.thresholds
            )
            out.append(replace(tag, thresholds=thresholds))
            out += [self._threshold_bit(tag, t.name, t.alarm) for t in self.grid.thresholds]
        return out

    def site_tags(self, site: Site) -> list[TagDefinition]:
        """The tags of a site itself."""
        return [
            *self._expand(["site"], site.path, site.path, ""),
            *self._expand(["counters"], f"{site.path}.Alarms", site.path, ""),
        ]

    def system_tags(self) -> list[TagDefinition]:
        """The tags of the product itself."""
        return [
            *self._expand(["system"], "System", "", ""),
            *self._expand(["services"], "System.Service", "", ""),
            *self._expand(["counters"], "System.Alarms", "", ""),
        ]

    def _expand(self, templates: Sequence[str], branch: str, site: str, device: str) -> list[TagDefinition]:
        out: list[TagDefinition] = []
        for template in templates:
            for name, section in self.templates.get(template, {}).items():
                tag = self._tag(section, f"{branch}.{name}", site, device)
                out.append(tag)
                out += [self._threshold_bit(tag, t.name, t.alarm) for t in section.thresholds]
        return out

    def _tag(self, section: TagSection, path: str, site: str, device: str) -> TagDefinition:
        initial: Value = section.initial
        if section.kind == "register" and isinstance(initial, (int, float)):
            initial = float(initial)
        return TagDefinition(
            path=path,
            kind=Kind(section.kind),
            source=Source.AGGREGATE if section.sum else Source(section.source),
            unit=section.unit,
            decimals=section.decimals,
            low=section.low,
            high=section.high,
            gain=section.gain,
            deadband=section.deadband,
            address=section.address,
            choices=tuple(section.choices),
            initial=initial,
            write=WriteRule() if section.write else None,
            thresholds=tuple(
                ThresholdDefinition(
                    name=t.name, direction=Direction(t.direction), limit=t.limit, hysteresis=t.hysteresis
                )
                for t in section.thresholds
            ),
            aggregate=AggregateDefinition(pattern=sum_pattern(section, site)) if section.sum else None,
            alarm=self.alarms.get(section.alarm),
            domain=section.domain,
            nature=section.nature,
            record=section.record,
            site=site,
            device=device if section.device_link else "",
            label=texts(section.label, self._languages),
            description=texts(section.description, self._languages),
        )

    def _threshold_bit(self, register: TagDefinition, name: str, alarm: str) -> TagDefinition:
        label = {language: f"{text} {name}" for language, text in register.label.items()}
        return TagDefinition(
            path=f"{register.path}.{name}",
            kind=Kind.BIT,
            source=Source.THRESHOLD,
            alarm=self.alarms.get(alarm),
            site=register.site,
            label=label,
        )


def sum_pattern(section: TagSection, site: str) -> str:
    """The pattern of what a tag of this site adds up."""
    return section.sum.replace("{site}", site)


def texts(given: Mapping[str, str], languages: Sequence[str]) -> dict[str, str]:
    """Texts by language; one given without language is the first language's."""
    return {language or languages[0]: text for language, text in given.items()}


def _alarm(section: AlarmSection, change: AlarmChange | None, languages: Sequence[str]) -> AlarmDefinition:
    merged = section.model_copy(update=change.model_dump(exclude_none=True) if change else {})
    return AlarmDefinition(
        level=merged.level,
        abnormal=merged.abnormal,
        on_delay_us=int(merged.on_delay_s * 1_000_000),
        off_delay_us=int(merged.off_delay_s * 1_000_000),
        needs_acknowledgement=merged.needs_acknowledgement,
        message=texts(merged.message, languages),
        cause=texts(merged.cause, languages),
        consequence=texts(merged.consequence, languages),
        guidance=texts(merged.guidance, languages),
    )
