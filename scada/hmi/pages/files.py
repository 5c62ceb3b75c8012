"""Files: firmware and its roll-out in waves; diagnostics and logs, asked for, listed and fetched."""

from __future__ import annotations

from markupsafe import Markup

from scada.core.access import Right
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors

REFRESH_S = 5.0
RECEIVED_MAX = 200


async def build(visit: Visit) -> View:
    """The page. Query: `charger` (whose diagnostics)."""
    if not visit.actor.may(Right.MAINTAIN):
        return errors.no_right(visit)
    shelf = visit.services.files
    if shelf is None:
        return errors.missing(visit, visit.tr("This system has no file server for chargers."))
    charger = visit.query.get("charger", "")

    async def render(live: Live) -> Markup:
        received = await shelf.received(charger)
        return visit.render(
            "files_table.html",
            live,
            firmware=await shelf.firmware(),
            received=received[:RECEIVED_MAX],
            more=max(0, len(received) - RECEIVED_MAX),
            time=visit.formats().date_time,
            size=lambda count: visit.formats().number(count / 1_000, 1),
        )

    live = visit.live()
    shown = await render(live)
    names = [one.name for one in await shelf.firmware()]
    bytes_max = visit.plant.files.firmware_bytes_max
    main = visit.render(
        "files.html",
        live,
        table=shown,
        here="files",
        names=names,
        charger=charger,
        key="",
        bytes_max=bytes_max,
        too_large=visit.tr("A firmware file has at most {size} MB.").format(
            size=visit.quantity(bytes_max / 1_000_000)
        ),
    )
    return View(
        title=visit.tr("Firmware and files"),
        main=main,
        live=live,
        sites=tuple(one.path for one in visit.plant.sites),
        nav="files",
        fragments=[Fragment(slot="files", render=render, every_s=REFRESH_S, shown=str(shown))],
    )
