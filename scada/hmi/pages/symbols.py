"""The symbol library: every symbol in every state, size, quality and alarm. For integrators who place them, and for tests."""

from __future__ import annotations

from scada.hmi import words
from scada.hmi.context import View, Visit
from scada.mimic import library

SIZES = (24, 48, 96)
QUALITIES = ("good", "uncertain", "bad", "forced")
SHARE, LIMIT = 0.6, 0.8
"""How full the samples are drawn."""
ON_OFF = ("on", "off")


async def build(visit: Visit) -> View:
    """The page."""
    live = visit.live()
    main = visit.render(
        "symbols.html",
        live,
        symbols=library().symbols,
        sizes=SIZES,
        qualities=QUALITIES,
        share=SHARE,
        limit=LIMIT,
        state_word=lambda state: _word(visit, state),
    )
    return View(title=visit.tr("Symbols"), main=main, live=live, nav="overview")


def _word(visit: Visit, state: str) -> str:
    if state in ON_OFF:
        return visit.tr("on") if state == "on" else visit.tr("off")
    return visit.tr(words.STATUS[state]) if state in words.STATUS else state
