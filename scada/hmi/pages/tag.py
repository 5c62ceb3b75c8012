"""One tag: its value, what is configured of it, and what may be done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from scada.core.access import Right
from scada.core.records import HoldKind, HoldRecord
from scada.core.tag import AlarmDefinition, Tag, TagDefinition, ThresholdDefinition
from scada.core.value import SECOND_US, Kind, TimeUs
from scada.hmi import alarms, words
from scada.hmi.context import Crumb, Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.hmi.trend import drawing

TREND_SPAN_US = 3600 * SECOND_US
TREND_PIXELS = 600
TREND_EVERY_S = 10.0


async def build(visit: Visit) -> View:
    """The page of a tag."""
    tag = visit.services.host.tags.get(visit.path)
    if tag is None:
        return errors.missing(visit, visit.tr("There is no tag {path}.").format(path=visit.path))
    definition, plant = tag.definition, visit.plant
    branch = plant.place_of(tag.path)
    live = visit.live()

    async def status(into: Live) -> Markup:
        return _status(visit, tag, into)

    async def trend(_live: Live) -> Markup:
        return await _trend(visit, definition)

    drawn = definition.kind is Kind.REGISTER and definition.history is not None
    shown, curve = await status(live), await trend(live) if drawn else Markup()
    site = visit.site(definition.site)
    # An alarm is seen by its level; its settings are part of it.
    alarm = definition.alarm
    if alarm is not None and not visit.actor.scope.sees(alarm.level, definition.site, definition.domain):
        alarm = None
    main = visit.render(
        "tag.html",
        live,
        tag=tag,
        definition=definition,
        site=site,
        status=shown,
        trend=curve,
        drawn=drawn,
        facts=facts(visit, definition),
        thresholds=[_threshold(visit, definition, one, live) for one in definition.thresholds],
        alarm=alarm,
        alarm_facts=_alarm_facts(visit, alarm) if alarm else [],
        choices=_choices(visit, definition),
        may_write=definition.write is not None and visit.actor.may(Right(definition.write.right)),
        may_force=visit.actor.may(Right.MAINTAIN),
        may_mask=alarm is not None
        and alarms.may(visit.actor, Right.MASK, alarm, definition.site, definition.domain),
    )
    fragments = [Fragment(slot="tag-status", render=status, alarms=True, shown=str(shown))]
    if drawn:
        fragments.append(Fragment(slot="tag-trend", render=trend, every_s=TREND_EVERY_S, shown=str(curve)))
    return View(
        title=tag.path,
        main=main,
        live=live,
        sites=(definition.site,) if definition.site else (),
        site=site,
        nav="tags",
        crumbs=(
            Crumb(visit.tr("Tags"), "/tags"),
            Crumb(
                alarms.branch_name(plant, branch, visit.language) or visit.tr("System"),
                alarms.url_of(plant, branch),
            ),
            Crumb(tag.path.removeprefix(f"{branch}."), f"/tag/{tag.path}"),
        ),
        fragments=fragments,
    )


def _status(visit: Visit, tag: Tag, live: Live) -> Markup:
    """Whether it is forced, or its alarm is out of service or shelved: by whom, why, until when."""
    holds = [
        hold
        for hold in visit.services.host.board.holds()
        if hold.path == tag.path or (tag.definition.alarm and _above(hold, tag.path))
    ]
    formats = visit.formats(visit.site(tag.definition.site))
    return visit.render(
        "tag_status.html",
        live,
        tag=tag,
        forced=next((hold for hold in holds if hold.kind is HoldKind.FORCED), None),
        others=[
            (
                visit.tr(words.HOLDS[hold.kind]),
                alarms.branch_name(visit.plant, hold.path, visit.language),
                hold,
            )
            for hold in holds
            if hold.kind is not HoldKind.FORCED
        ],
        formats=formats,
        may_force=visit.actor.may(Right.MAINTAIN),
    )


def _above(hold: HoldRecord, path: str) -> bool:
    return hold.kind is HoldKind.OUT_OF_SERVICE and path.startswith(hold.path + ".")


def facts(visit: Visit, d: TagDefinition) -> list[tuple[str, str]]:
    """What is configured of a tag, in words; what is not set is left out."""
    tr, number = visit.tr, visit.quantity
    found = [
        (tr("Kind"), tr(words.KINDS[d.kind])),
        (tr("Source"), tr(words.SOURCES[d.source])),
        (tr("Domain"), tr(words.DOMAINS.get(d.domain, d.domain))),
        (tr("Nature"), tr(words.NATURES.get(d.nature, d.nature))),
        (tr("Unit"), d.unit),
        (tr("Address"), d.address),
        (tr("Device"), d.device),
    ]
    if d.low is not None or d.high is not None:
        low, high = ("…" if one is None else number(one) for one in (d.low, d.high))
        found.append((tr("Range"), tr("{low} to {high}").format(low=low, high=high)))
    if (d.gain, d.offset) != (1.0, 0.0):
        found.append(
            (
                tr("Scaling"),
                tr("raw × {gain} + {offset}").format(gain=f"{d.gain:g}", offset=f"{d.offset:g}"),
            )
        )
    if d.deadband:
        found.append((tr("Deadband"), f"{d.deadband:g} {d.unit}".rstrip()))
    if d.choices:
        found.append((tr("States"), ", ".join(d.choices)))
    if d.expression is not None:
        found.append((tr("Expression"), d.expression.text))
        found += [(f"  {word} =", branch) for word, branch in d.expression.scope.items()]
    if d.watchdog_us:
        found.append(
            (
                tr("Watchdog"),
                tr("bad when it has not changed for {span}").format(span=span(visit, d.watchdog_us)),
            )
        )
    if d.history is None:
        found.append((tr("History"), tr("not kept")))
    elif d.history.every_us:
        every = tr("every {span}, class {name}")
        found.append(
            (tr("History"), every.format(span=span(visit, d.history.every_us), name=d.history.retention))
        )
    else:
        text = tr("each change, class {name}").format(name=d.history.retention)
        if d.history.deadband:
            text = tr("changes of {size} and more, class {name}").format(
                size=f"{d.history.deadband:g} {d.unit}".rstrip(), name=d.history.retention
            )
        found.append((tr("History"), text))
    found.append((tr("Kept over a restart"), tr("yes") if d.retain else tr("no")))
    if d.write is not None:
        right = tr("right '{right}'").format(right=d.write.right)
        by = tr("command {name}").format(name=d.write.command) if d.write.command else tr("the tag itself")
        found.append((tr("Written by"), f"{by}, {right}"))
    return [(name, text) for name, text in found if text]


def _threshold(
    visit: Visit, definition: TagDefinition, one: ThresholdDefinition, live: Live
) -> Mapping[str, Any]:
    bit = f"{definition.path}.{one.name}"
    unit = definition.unit
    if one.condition.value == "rate":
        unit = f"{unit}/s"
    elif one.condition.value == "stale":
        unit = "s"
    alarm = visit.plant.definitions[bit].alarm if bit in visit.plant.definitions else None
    return {
        "name": one.name,
        "bit": bit,
        "condition": visit.tr(words.CONDITIONS[one.condition]).format(reference=one.reference),
        "limit": live.value(one.limit_tag)
        if one.limit_tag
        else visit.formats().number(one.limit, _places(one)),
        "limit_tag": one.limit_tag,
        "unit": unit,
        "hysteresis": f"{one.hysteresis:g} {unit}".rstrip() if one.hysteresis else "–",
        "delays": f"{span(visit, one.on_delay_us)} / {span(visit, one.off_delay_us)}",
        "level": alarm.level if alarm else None,
    }


def _places(one: ThresholdDefinition) -> int:
    return 0 if one.limit.is_integer() else 2


def _alarm_facts(visit: Visit, alarm: AlarmDefinition) -> list[tuple[str, str]]:
    tr = visit.tr
    level = next((one for one in visit.plant.levels if one.number == alarm.level), None)
    name = f"{alarm.level} · {visit.text(level.name)}" if level else str(alarm.level)
    found = [
        (tr("Message"), visit.text(alarm.message)),
        (tr("Level"), name),
        (tr("Level to acknowledge"), _other(alarm.acknowledge_level, alarm.level)),
        (tr("Level to mask"), _other(alarm.mask_level, alarm.level)),
        (tr("Abnormal state"), tr("on (1)") if alarm.abnormal else tr("off (0)")),
        (tr("Delay on / off"), f"{span(visit, alarm.on_delay_us)} / {span(visit, alarm.off_delay_us)}"),
        (tr("Needs acknowledgement"), tr("yes") if alarm.needs_acknowledgement else tr("no")),
        (tr("Latches"), tr("yes") if alarm.latching else tr("no")),
        (tr("Catalogue"), alarm.name),
    ]
    return [(name, text) for name, text in found if text]


def _other(level: int | None, usual: int) -> str:
    return "" if level is None or level == usual else str(level)


def _choices(visit: Visit, definition: TagDefinition) -> Iterable[tuple[str, str]]:
    if definition.kind is Kind.BIT:
        return [("true", visit.tr("on (1)")), ("false", visit.tr("off (0)"))]
    return [(choice, choice) for choice in definition.choices]


def span(visit: Visit, span_us: TimeUs) -> str:
    """A time of the configuration: `90 s`."""
    return f"{visit.quantity(span_us / SECOND_US)} s"


async def _trend(visit: Visit, definition: TagDefinition) -> Markup:
    now_us = visit.services.host.clock.now_us()
    from_us = now_us - TREND_SPAN_US
    points = await visit.services.archive.curve(definition.path, from_us, now_us, TREND_PIXELS)
    formats = visit.formats(visit.site(definition.site))
    empty = visit.tr("Nothing has been recorded in the last hour.")
    return drawing(points, from_us, now_us, formats, definition.unit, definition.decimals, empty)
