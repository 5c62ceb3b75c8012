"""When there is nothing to show: unknown address, missing right, a page that failed."""

from __future__ import annotations

from scada.core.errors import Unavailable
from scada.hmi.context import View, Visit
from scada.hmi.sentences import sentence


def view(visit: Visit, title: str, text: str, status: int) -> View:
    """A page with one sentence and the way back."""
    live = visit.live()
    return View(
        title=title,
        main=visit.render("error.html", live, title=title, text=text),
        live=live,
        status=status,
    )


async def build(visit: Visit) -> View:
    """There is no such page."""
    return missing(visit, visit.tr("There is no page at this address."))


def missing(visit: Visit, text: str) -> View:
    """What the address names does not exist."""
    return view(visit, visit.tr("Not found"), text, 404)


def away(visit: Visit, error: Unavailable) -> View:
    """It is there, but cannot be read now."""
    return view(visit, visit.tr("Error"), sentence(str(error), visit.tr), 503)


def no_right(visit: Visit) -> View:
    """The user may not see it."""
    return view(visit, visit.tr("No right"), visit.tr("Your role does not include this page."), 403)


def failed(visit: Visit) -> View:
    """The server could not build the page."""
    text = visit.tr("The page could not be built. The server has noted why; supervision goes on.")
    return view(visit, visit.tr("Error"), text, 500)
