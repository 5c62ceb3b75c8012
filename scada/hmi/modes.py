"""The mode of a site on its overview: which, since when, how each step ended, and the buttons of the others."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.command import Outcome
from scada.core.plant import ModeStep, Site, SiteMode
from scada.hmi import words
from scada.hmi.context import Fragment, Visit
from scada.hmi.live import Live
from scada.hmi.sentences import sentence
from scada.i18n import marked
from scada.runtime.modes import StepOutcome, Switched, mode_of, rights, what

WHAT = {
    "ChangeAvailability type=Inoperative": marked("Close connector"),
    "ChangeAvailability type=Operative": marked("Open connector"),
}
"""Steps that have a word; others are named as the catalogue does."""
TOLD_MAX = 20
"""Targets that a confirmation names; of more it gives the number."""


def fragment(visit: Visit, site: Site) -> Fragment | None:
    """The part of the page; None: the site has no modes."""
    if not site.modes or visit.services.modes is None:
        return None

    async def render(live: Live) -> Markup:
        return box(visit, site, live)

    counting = visit.live()
    counting.attributes(
        "", *(f"{site.path}.{name}" for name in ("Mode", "ModeState", "ModeStepsDone", "ModeStepsFailed"))
    )
    return Fragment(slot="mode", render=render, tags=frozenset(counting.used))


def box(visit: Visit, site: Site, live: Live) -> Markup:
    """The strip with the mode."""
    assert visit.services.modes is not None
    switched = visit.services.modes.of(site.path)
    known = {mode.name: mode for mode in site.modes}
    present = known[switched.mode] if switched else None
    failed = switched.failed if switched else ()
    return visit.render(
        "mode.html",
        live,
        site=site,
        switched=switched,
        label=_label(visit, present) if present else "",
        normal=bool(present and present.normal and switched and switched.state == "on"),
        since=visit.formats(site).date_time(switched.since_us) if switched else "",
        done=len(switched.steps) - switched.open if switched else 0,
        later=sum(one.outcome == Outcome.SCHEDULED.value for one in switched.steps) if switched else 0,
        named=lambda text: _named(visit, text),
        failed=[(one, _outcome(visit, one)) for one in failed],
        rows=[(one, _outcome(visit, one)) for one in switched.steps] if switched else [],
        choices=[
            (mode, _label(visit, mode), confirmation(visit, site, mode))
            for mode in site.modes
            if all(visit.actor.may(right) for right in rights(mode, visit.plant))
        ],
    )


def mode_text(visit: Visit, switched: Switched) -> str:
    """A mode and its state, as a line tells them."""
    site = visit.site(switched.site)
    assert site is not None
    state = visit.tr(words.MODE_STATES[switched.state])
    return f"{_label(visit, mode_of(site, switched.mode))} – {state}"


def _label(visit: Visit, mode: SiteMode) -> str:
    return visit.text(mode.label) or mode.name


def _named(visit: Visit, text: str) -> str:
    return visit.tr(WHAT[text]) if text in WHAT else text


def _outcome(visit: Visit, one: StepOutcome) -> str:
    if not one.outcome:
        return visit.tr("waiting")
    told = visit.tr(words.OUTCOMES[Outcome(one.outcome)])
    if one.text:
        return visit.tr("{outcome}: {text}").format(outcome=told, text=sentence(one.text, visit.tr))
    return told


def confirmation(visit: Visit, site: Site, mode: SiteMode) -> str:
    """What a mode will do, a line a step."""
    first = visit.tr("Switch {site} to {mode}? This will be done:").format(
        site=visit.text(site.label) or site.path, mode=_label(visit, mode)
    )
    return "\n".join((first, *(f"• {_told(visit, step)}" for step in mode.steps)))


def _told(visit: Visit, step: ModeStep) -> str:
    if not step.command:
        definition = visit.plant.definitions[step.tag]
        return f"{visit.label(definition)} ({step.tag}) {what(step)} {definition.unit}".rstrip()
    targets = ", ".join(step.targets[:TOLD_MAX])
    if len(step.targets) > TOLD_MAX:
        targets += " " + visit.tr("and {count} more").format(count=len(step.targets) - TOLD_MAX)
    return f"{_named(visit, what(step))} → {targets}"
