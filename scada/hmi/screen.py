"""The station screen: a page for a screen at the site. No log-in, so it says only what the site publishes, and nothing else.

Off unless the site's `station_screen` names what it shows. It has no token, name or number of anybody, no alarm text, no
command, no way on; a site that publishes nothing and one that is not there are answered alike.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from scada.core.plant import Charger, Connector, Site
from scada.core.ports import Clock
from scada.core.value import SECOND_US, TimeUs, is_bad, is_good
from scada.hmi import words
from scada.hmi.access import language_of, theme_of
from scada.hmi.context import THEMES, environment
from scada.hmi.faceplate import title_of
from scada.hmi.services import HmiServices
from scada.hmi.symbols import svg
from scada.i18n import LANGUAGES, Formats, Translate, translator
from scada.mimic import library

PICTURE_US = SECOND_US
"""A site's picture is made at most so often in each language, however many look."""
PER_S, BURST = 4.0, 20.0
"""Requests of one address: so many a second on average, so many at once; more are told to come later (429)."""
ADDRESSES_MAX = 2_000
"""So many addresses are counted; of more, the one that was quiet longest is forgotten."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}

Json = dict[str, Any]


class Pace:
    """How often an address may ask: a bucket that fills with time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, TimeUs]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Whether it may ask now; counts it when it may."""
        now_us = self._clock.now_us()
        left, since_us = self._buckets.pop(address, (BURST, now_us))
        left = min(BURST, left + PER_S * max(0, now_us - since_us) / SECOND_US)
        allowed = left >= 1
        self._buckets[address] = (left - 1 if allowed else left, now_us)
        while len(self._buckets) > ADDRESSES_MAX:
            self._buckets.popitem(last=False)
        return allowed


class Screen:
    """Pages and pictures of the sites that publish something."""

    def __init__(self, services: HmiServices) -> None:
        self._services = services
        self._pace = Pace(services.host.clock)
        # Bounded by sites and languages.
        self._pictures: dict[tuple[str, str], tuple[TimeUs, Json]] = {}

    async def page(self, request: Request) -> Response:
        """The page: `/screen/{site}`, `?lang=` and `?theme=` as the screen wants them."""
        return await self._answer(request, self._page)

    async def state(self, request: Request) -> Response:
        """What it shows now, for its script."""
        return await self._answer(request, self._state)

    async def _answer(
        self, request: Request, make: Callable[[Site, str, Request], Awaitable[Response]]
    ) -> Response:
        if not self._pace.allows(request.client.host if request.client else ""):
            return Response(status_code=429, headers={"Retry-After": "2"})
        wanted = request.path_params.get("site", "")
        site = next((one for one in self._services.plant.sites if one.path == wanted), None)
        if site is None or not site.station_screen:
            return Response(status_code=404, headers=_HEADERS)
        language = request.query_params.get("lang", "")
        if language not in LANGUAGES:
            language = language_of(request, self._services)
        return await make(site, language, request)

    async def _page(self, site: Site, language: str, request: Request) -> Response:
        theme = request.query_params.get("theme", "")
        picture = self._picture(site, language)
        tr = translator(language)
        text = (
            environment()
            .get_template("screen.html")
            .render(
                _=tr,
                language=language,
                theme=theme if theme in THEMES else theme_of(request, self._services),
                title=self._services.plant.text(site.label, language) or site.path,
                state_url=f"/screen/{quote(site.path)}/state?lang={language}",
                picture=picture,
                drawings=[svg(library().connector(connector)) for _, connector in _connectors(site)],
                version=self._services.version,
            )
        )
        return HTMLResponse(text, headers=_HEADERS)

    async def _state(self, site: Site, language: str, _request: Request) -> Response:
        return JSONResponse(self._picture(site, language), headers=_HEADERS)

    def _picture(self, site: Site, language: str) -> Json:
        now_us = self._services.host.clock.now_us()
        known = self._pictures.get((site.path, language))
        if known is not None and 0 <= now_us - known[0] < PICTURE_US:
            return known[1]
        made = picture(self._services, site, language)
        self._pictures[(site.path, language)] = (now_us, made)
        return made


def _connectors(site: Site) -> Iterator[tuple[Charger, Connector]]:
    for charger in site.chargers:
        for connector in charger.connectors:
            yield charger, connector


def picture(services: HmiServices, site: Site, language: str) -> Json:
    """What the screen of a site shows: ready words, and of a connector only what the site publishes."""
    tr, formats = translator(language), Formats(language, site.timezone)
    bays = [
        {"id": number, **_bay(services, site, charger, connector, tr, formats)}
        for number, (charger, connector) in enumerate(_connectors(site))
    ]
    free = sum(bay["state"] == "Available" for bay in bays)
    return {
        "clock": formats.hour(services.host.clock.now_us()),
        "free": tr("{free} of {all} free").format(free=free, all=len(bays)) if _shows(site, "state") else "",
        "bays": bays,
    }


def _shows(site: Site, field: str) -> bool:
    return field in site.station_screen


def _bay(
    services: HmiServices, site: Site, charger: Charger, connector: Connector, tr: Translate, formats: Formats
) -> Json:
    def read(name: str) -> object:
        tag = services.host.tags.get(f"{connector.path}.{name}")
        return None if tag is None or is_bad(tag.quality) else tag.value

    def figure(name: str, decimals: int, unit: str) -> str:
        value = read(name)
        known = isinstance(value, (int, float)) and not isinstance(value, bool)
        return f"{formats.number(float(value), decimals)} {unit}" if known else "–"  # type: ignore[arg-type]

    name = tr("Bay {bay}").format(bay=connector.bay) if connector.bay else title_of(charger, connector)
    made: Json = {"name": name, "plug": connector.plug.replace("_", " "), "state": ""}
    if _shows(site, "state"):
        made["state"] = _state(services, charger, connector)
        made["state_text"] = (
            tr(words.STATUS[made["state"]]) if made["state"] in words.STATUS else tr("unknown")
        )
    charging = read("InTransaction") is True
    if _shows(site, "power"):
        made["power"] = figure("ActivePower", 1, "kW") if charging else ""
    if _shows(site, "energy"):
        made["energy"] = figure("SessionEnergy", 1, "kWh") if charging else ""
    if _shows(site, "soc"):
        known = services.host.tags.get(f"{connector.path}.Soc") is not None
        made["soc"] = figure("Soc", 0, "%") if charging and known else ""
    if _shows(site, "since"):
        start = read("SessionStart")
        told = charging and isinstance(start, (int, float))
        made["since"] = tr("since {time}").format(time=formats.hour(int(start * SECOND_US))) if told else ""  # type: ignore[operator]
    return made


def _state(services: HmiServices, charger: Charger, connector: Connector) -> str:
    """The state as the public may take it: a charger without a link, or an old state, is not called free."""
    online = services.host.tags.get(f"{charger.path}.Online")
    if online is None or online.value is not True:
        return "Offline"
    status = services.host.tags.get(f"{connector.path}.Status")
    known = status is not None and is_good(status.quality) and isinstance(status.value, str)
    return str(status.value) if known and status is not None else ""
