"""Sections about alarms → the plant's masks, syntheses, actions and roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from scada.core.access import Right, Role
from scada.core.plant import Action, ActionStep, Mask, Site, Synthesis
from scada.core.tag import ExpressionText, Source, TagDefinition
from scada.core.value import SECOND_US, Kind
from scada.project.alarm_schema import ActionSection, RoleTable, StepSection, SynthesisSection
from scada.project.expand import Types, places, scoped, texts
from scada.project.schema import ProjectFile
from scada.project.sections import Sections

ACTIONS = "actions.toml"


def masks(project: ProjectFile, types: Types, sites: Sequence[Site]) -> tuple[Mask, ...]:
    """The masks of device types and of the project."""
    found = list(types.device_masks(sites))
    for number, section in enumerate(project.masks):
        for path, scope in places(section.of, sites) if section.of else (("", {}),):
            found.append(
                Mask(
                    name=f"{section.name} {path}".rstrip(),
                    select=scoped(section.select, scope),
                    when=ExpressionText(
                        text=section.when, scope=scope, place=f"project.toml|masks[{number}].when"
                    ),
                    reason=texts(section.reason, project.project.languages),
                )
            )
    return tuple(found)


def synthesis_tag(
    section: SynthesisSection, sites: Iterable[Site], languages: Sequence[str]
) -> TagDefinition:
    """The register that a synthesis keeps."""
    top = section.tag.partition(".")[0]
    return TagDefinition(
        path=section.tag,
        kind=Kind.REGISTER,
        source=Source.COUNTER,
        initial=0.0,
        site=top if any(site.path == top for site in sites) else "",
        label=texts(section.label, languages),
    )


def syntheses(project: ProjectFile) -> tuple[Synthesis, ...]:
    """The counters over filters."""
    return tuple(
        Synthesis(
            tag=section.tag,
            filter=ExpressionText(text=section.filter, place=f"project.toml|syntheses[{number}].filter"),
        )
        for number, section in enumerate(project.syntheses)
    )


def actions(sections: Sections, sites: Sequence[Site], languages: Sequence[str]) -> tuple[Action, ...]:
    """The actions, once for each place that they are of."""
    return tuple(_actions(sections.actions.actions, sites, languages))


def roles(sections: Sections, project: ProjectFile) -> Mapping[str, Role]:
    """The standard roles and those of the project."""
    return {name: _role(table) for name, table in {**sections.roles, **project.roles}.items()}


def _actions(
    sections: Sequence[ActionSection], sites: Sequence[Site], languages: Sequence[str]
) -> Iterator[Action]:
    for number, section in enumerate(sections):
        where = f"{ACTIONS}|actions[{number}]"
        for path, scope in places(section.of, sites) if section.of else (("", {}),):
            yield Action(
                name=f"{section.name} {path}".rstrip(),
                place=path,
                event=section.on,
                when=_text(section.when, scope, f"{where}.when"),
                steps=tuple(
                    _step(step, scope, f"{where}.steps[{position}]", languages)
                    for position, step in enumerate(section.steps)
                ),
            )


def _step(step: StepSection, scope: Mapping[str, str], where: str, languages: Sequence[str]) -> ActionStep:
    return ActionStep(
        command=step.command,
        target=scoped(step.target, scope),
        arguments=step.arguments,
        write=scoped(step.write, scope),
        value=_text(value_text(step), scope, f"{where}.value") if step.write else None,
        mail=tuple(step.mail),
        text=texts(step.text, languages),
        delay_us=int((step.delay_s or 0) * SECOND_US),
        condition=_text(step.condition, scope, f"{where}.condition"),
    )


def value_text(step: StepSection) -> str:
    """The value of a write as an expression: a number or truth value means itself."""
    value = step.value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value if isinstance(value, str) else repr(value)


def _text(text: str, scope: Mapping[str, str], place: str) -> ExpressionText | None:
    return ExpressionText(text=text, scope=scope, place=place) if text else None


def _role(table: RoleTable) -> Role:
    return Role(
        rights=frozenset(Right(right) for right in table.rights),
        see=table.see_levels,
        acknowledge=table.acknowledge_levels,
        mask=table.mask_levels,
        sites=frozenset(table.sites),
        domains=frozenset(table.domains),
    )
