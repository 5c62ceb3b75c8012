"""What a tag must be in itself and with others: kind, range, threshold, alarm and expression fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scada.core.catalogue import CATALOGUE
from scada.core.tag import Condition, Source, TagDefinition, ThresholdDefinition
from scada.core.value import Kind
from scada.project.files import near_or_known

THRESHOLDS_MAX = 4

Mistake = tuple[str, str, str]
"""(column, reason, hint)."""


def mistakes(tag: TagDefinition, tags: Mapping[str, TagDefinition]) -> Iterator[Mistake]:
    """What is wrong with a tag.

    Args:
        tags: all tags by path.
    """
    is_register = tag.kind is Kind.REGISTER
    for column, given in (
        ("unit", tag.unit),
        ("low", tag.low is not None),
        ("high", tag.high is not None),
        ("deadband", tag.deadband),
        ("decimals", tag.decimals),
        ("history.deadband", tag.history is not None and tag.history.deadband),
    ):
        if given and not is_register:
            yield column, f"is for registers; {tag.path} is a {tag.kind.value}", ""
    if tag.low is not None and tag.high is not None and tag.low > tag.high:
        yield "low", f"{tag.low:g} is above high, {tag.high:g}", ""
    if tag.gain == 0:
        yield "gain", "0 would make every value 0", ""
    if tag.thresholds and not is_register:
        yield "kind", f"{tag.path} has thresholds: only registers do", ""
    if tag.choices and tag.kind is not Kind.TEXT:
        yield "choices", f"is for texts; {tag.path} is a {tag.kind.value}", ""
    if len(set(tag.choices)) < len(tag.choices):
        yield "choices", "a choice is there twice", ""
    if tag.alarm is not None and tag.kind is not Kind.BIT:
        yield (
            "alarm.level",
            f"is for bits; {tag.path} is a {tag.kind.value}",
            "a register alarms by a threshold",
        )
    if (tag.expression is not None) != (tag.source is Source.EXPRESSION):
        told = "stands for source expression only" if tag.expression else "is empty: source is expression"
        yield "expression", told, ""
    if tag.expression is not None and not tag.expression.text.strip():
        yield "expression", "is empty", ""
    yield from _initial(tag)
    yield from _write(tag)


def _initial(tag: TagDefinition) -> Iterator[Mistake]:
    value = tag.initial
    if value is None:
        return
    fits = {Kind.BIT: bool, Kind.TEXT: str}.get(tag.kind)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (isinstance(value, fits) if fits is not None else is_number):
        yield "initial", f"{value!r} is no value of a {tag.kind.value}", ""
    elif tag.choices and value not in tag.choices:
        yield "initial", f"{value!r} is none of the choices", near_or_known(str(value), tag.choices)


def _write(tag: TagDefinition) -> Iterator[Mistake]:
    rule = tag.write
    if rule is None:
        return
    if tag.source is not Source.INTERNAL and not rule.command:
        yield (
            "write.right",
            f"{tag.path} is written by its {tag.source.value}",
            "a write needs a command there",
        )
    if (rule.low is not None or rule.high is not None) and tag.kind is not Kind.REGISTER:
        yield "write.low", f"is for registers; {tag.path} is a {tag.kind.value}", ""
    if rule.low is not None and rule.high is not None and rule.low > rule.high:
        yield "write.low", f"{rule.low:g} is above write.high, {rule.high:g}", ""
    spec = CATALOGUE.get(rule.command)
    if spec is not None:
        known = [argument.name for argument in spec.arguments]
        if not rule.argument and known:
            yield (
                "write.argument",
                f"is empty: which argument of {spec.name} takes the value?",
                ", ".join(known),
            )
        elif rule.argument and rule.argument not in known:
            reason = f"{spec.name} has no argument '{rule.argument[:60]}'"
            yield "write.argument", reason, near_or_known(rule.argument, known)


def threshold_mistakes(
    register: TagDefinition, threshold: ThresholdDefinition, tags: Mapping[str, TagDefinition]
) -> Iterator[Mistake]:
    """What is wrong with a threshold of a register."""
    if len(register.thresholds) > THRESHOLDS_MAX:
        yield (
            "name",
            f"{register.path} has {len(register.thresholds)} thresholds",
            f"{THRESHOLDS_MAX} at most",
        )
    for column, path in (("limit_tag", threshold.limit_tag), ("reference", threshold.reference)):
        if not path:
            continue
        other = tags.get(path)
        if other is None:
            yield column, f"there is no register {path}", near_or_known(path, _registers(tags))
        elif other.kind is not Kind.REGISTER:
            yield column, f"{path} is a {other.kind.value}, no register", ""
    if (threshold.condition is Condition.DEVIATION) != bool(threshold.reference):
        told = "is for condition deviation only" if threshold.reference else "is empty: deviation from what?"
        yield "reference", told, ""
    positive = threshold.condition in (Condition.RATE, Condition.DEVIATION, Condition.STALE)
    if positive and not threshold.limit_tag and threshold.limit <= 0:
        yield "limit", f"must be above 0 for condition {threshold.condition.value}", ""


def _registers(tags: Mapping[str, TagDefinition]) -> list[str]:
    return [path for path, tag in tags.items() if tag.kind is Kind.REGISTER][:2_000]
