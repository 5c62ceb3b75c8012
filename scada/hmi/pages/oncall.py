"""On-call: who is on duty now and next, how everybody is reached, what is sent to whom in words, and previews."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

from scada.alarming.oncall.people import address
from scada.core.access import Right
from scada.core.plant import Contact, OnCallProfile, Report, Rota
from scada.core.records import Channel
from scada.core.value import SECOND_US, TimeUs
from scada.hmi import words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.services import Preview
from scada.i18n import LANGUAGES, Formats

AHEAD_US = 14 * 86_400 * SECOND_US
EVERY_S = 20.0
SPANS_MAX = 200


@dataclass(frozen=True, slots=True)
class Duty:
    """A span of duty as it is listed."""

    begin: str
    end: str
    who: str
    reason: str
    now: bool


async def build(visit: Visit) -> View:
    """The page; `template` and `preview` (a language) open a preview."""

    async def now(live: Live) -> Markup:
        return _now(visit, live)

    live = visit.live()
    shown = await now(live)
    messages = visit.services.messages
    names = list(messages.templates()) if messages else []
    template, language = visit.query.get("template", ""), visit.query.get("preview", "")
    preview = chosen_preview(visit, template, language)
    main = visit.render(
        "oncall.html",
        live,
        now=shown,
        contacts=[_contact(visit, contact) for contact in visit.plant.contacts],
        teams=visit.plant.teams,
        profiles=[(profile.name, profile_sentences(visit, profile)) for profile in visit.plant.profiles],
        reports=[(report.name, _report(visit, report)) for report in visit.plant.reports],
        notices=visit.plant.notices,
        events={kind: visit.tr(text) for kind, text in words.EVENTS.items()},
        may_test=visit.actor.may(Right.MAINTAIN),
        templates=names,
        chosen=template,
        preview_language=language or visit.language,
        preview=preview,
        preview_url="/oncall/preview?" + urlencode({"template": template, "preview": language}),
    )
    return View(
        title=visit.tr("On-call"),
        main=main,
        live=live,
        nav="oncall",
        fragments=[Fragment(slot="duties", render=now, every_s=EVERY_S, shown=str(shown))],
    )


def chosen_preview(visit: Visit, template: str, language: str) -> Preview | None:
    """The preview that an address asks for, or None."""
    messages = visit.services.messages
    if messages is None or template not in messages.templates() or language not in LANGUAGES:
        return None
    return messages.preview(template, language)


def _now(visit: Visit, live: Live) -> Markup:
    oncall = visit.services.host.core.oncall
    now_us = visit.services.host.clock.now_us()
    duties = oncall.duties(now_us)
    rotas = []
    for rota in visit.plant.rotas:
        formats = Formats(visit.language, rota.timezone)
        spans = oncall.duty_spans(rota.name, now_us, now_us + AHEAD_US)
        rotas.append(
            {
                "rota": rota,
                "who": ", ".join(duties.get(rota.name, ())) or visit.tr("nobody"),
                "feed": f"/api/v1/oncall/{quote(rota.name)}.ics",
                "spans": [
                    Duty(
                        "" if span.begin_us <= now_us else formats.date_hour(span.begin_us),
                        # The last one is cut off by the horizon, not by a hand-over.
                        formats.date_hour(span.end_us) if span.end_us < now_us + AHEAD_US else "…",
                        ", ".join(span.who) or visit.tr("nobody"),
                        span.reason,
                        span.begin_us <= now_us,
                    )
                    for span in spans[:SPANS_MAX]
                ],
                "note": _rota_note(visit, rota),
            }
        )
    return visit.render("oncall_now.html", live, rotas=rotas)


def _rota_note(visit: Visit, rota: Rota) -> str:
    parts = [visit.tr("times of {zone}").format(zone=rota.timezone)]
    if rota.fallback:
        parts.append(visit.tr("where nobody is on duty: {names}").format(names=", ".join(rota.fallback)))
    if rota.calendar:
        parts.append(visit.tr("calendar file {file}").format(file=rota.calendar))
    return " · ".join(parts)


def _contact(visit: Visit, contact: Contact) -> dict[str, Any]:
    tr = visit.tr
    quiet = ""
    if contact.quiet is not None:
        quiet = tr("{begin} to {end}: alarms below level {level} wait").format(
            begin=_time(contact.quiet.begin_min),
            end=_time(contact.quiet.end_min),
            level=contact.quiet.below_level,
        )
    return {
        "contact": contact,
        "language": LANGUAGES.get(contact.language, contact.language),
        "channels": [
            (tr(words.CHANNELS[channel]), address(contact, channel))
            for channel in Channel
            if address(contact, channel)
        ],
        "quiet": quiet,
    }


def profile_sentences(visit: Visit, profile: OnCallProfile) -> list[str]:
    """A profile in words: what is told to whom, what follows, and when it ends."""
    tr = visit.tr
    plant = visit.plant
    low, high = profile.levels
    what = [tr("alarms of level {low} to {high}").format(low=low, high=high)]
    if profile.sites:
        labels = {site.path: visit.text(site.label) or site.path for site in plant.sites}
        what.append(
            tr("at {sites}").format(sites=", ".join(labels.get(site, site) for site in profile.sites))
        )
    for name, chosen, table in (
        (tr("domain {names}"), profile.domains, words.DOMAINS),
        (tr("nature {names}"), profile.natures, words.NATURES),
    ):
        if chosen:
            what.append(name.format(names=", ".join(tr(table.get(one, one)) for one in chosen)))
    if profile.filter is not None:
        what.append(tr("where {expression}").format(expression=profile.filter.text))
    states = ", ".join(tr(words.ALARM_EVENTS.get(state, state)) for state in profile.states)
    told = tr("{what}; when {states}: to {names} by {channels}.").format(
        what=", ".join(what),
        states=states,
        names=", ".join(profile.to),
        channels=_channels(visit, profile.channels),
    )
    sentences = [told[:1].upper() + told[1:]]
    sentences += [
        tr("Not acknowledged after {span}: to {names} by {channels}.").format(
            span=_span(visit, step.after_us),
            names=", ".join(step.to),
            channels=_channels(visit, step.channels),
        )
        for step in profile.steps
    ]
    if profile.repeat_us and profile.steps:
        sentences.append(
            tr("The last step is repeated every {span}, at most {count} times.").format(
                span=_span(visit, profile.repeat_us), count=profile.repeat_max
            )
        )
    if profile.steps:
        sentences.append(
            tr("It ends when somebody acknowledges, or the alarm returns to normal.")
            if profile.ends_on_return
            else tr("It ends when somebody acknowledges; a return to normal alone does not end it.")
        )
    return sentences


def _report(visit: Visit, report: Report) -> str:
    tr = visit.tr
    days = (
        tr("daily")
        if len(report.days) == 7
        else ", ".join(tr(words.DAYS[day]) for day in sorted(report.days))
    )
    text = tr("{days} at {time} ({zone}) to {names}").format(
        days=days, time=_time(report.at_min), zone=report.timezone, names=", ".join(report.to)
    )
    return text[:1].upper() + text[1:]


def _channels(visit: Visit, channels: Iterable[Channel]) -> str:
    return ", ".join(visit.tr(words.CHANNELS[channel]) for channel in channels)


def _span(visit: Visit, span_us: TimeUs) -> str:
    """A span in the largest unit that fits."""
    seconds = span_us // SECOND_US
    for size, text in ((3600, visit.tr("{count} h")), (60, visit.tr("{count} min"))):
        if seconds >= size and seconds % size == 0:
            return text.format(count=seconds // size)
    return visit.tr("{count} s").format(count=seconds)


def _time(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
