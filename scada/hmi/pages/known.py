"""What is known of a charger: how commissioning ended, and what it does otherwise than the standard says."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.commissioning import CommissioningReport, Deviations
from scada.core.plant import Charger
from scada.core.value import TimeUs
from scada.hmi.context import Fragment, Render, Visit
from scada.hmi.live import Live

DEVIATIONS_SHOWN = 20
"""The most frequent; all of them are on the REST interface."""
PAUSE_S = 2.0
_FINE = frozenset(("unchanged", "accepted"))


def known(visit: Visit, charger: Charger) -> tuple[Render, Fragment]:
    """The part of a charger's page, and how it keeps up."""
    knowledge = visit.services.knowledge
    formats = visit.formats(visit.site(charger.site))

    def time(time_us: TimeUs) -> str:
        return formats.date_time(time_us) if time_us else "–"

    async def render(into: Live) -> Markup:
        report = knowledge.report(charger.path) if knowledge else None
        deviations = knowledge.deviations(charger.path) if knowledge else Deviations()
        return visit.render(
            "known.html",
            into,
            report=report,
            open_keys=_open(report),
            deviations=sorted(deviations.entries, key=lambda one: -one.count)[:DEVIATIONS_SHOWN],
            more=max(0, len(deviations.entries) - DEVIATIONS_SHOWN),
            time=time,
        )

    watching = visit.live()
    watching.attributes(
        "", *(f"{charger.path}.{name}" for name in ("Commissioned", "CommissionedAt", "Deviations"))
    )
    return render, Fragment(slot="known", render=render, tags=frozenset(watching.used), pause_s=PAUSE_S)


def _open(report: CommissioningReport | None) -> list[tuple[str, str, str, str]]:
    """(key, wanted, what it is, status) of the keys that are not as the project wants them."""
    return [
        (one.key, one.wanted, one.before or "–", one.reason or one.status)
        for one in (report.keys if report else ())
        if one.status not in _FINE
    ]
