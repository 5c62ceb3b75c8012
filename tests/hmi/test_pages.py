"""Pages as HTML: generated from the plant, escaped, offering only what the user may do."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from scada.charging.sessions import StartTransaction
from scada.hmi import report_requests, shell
from scada.hmi.context import View
from scada.hmi.pages import PAGES
from scada.i18n import Formats

HOSTILE = "<script>alert(1)</script>\"'`${1}</template>"
VISITS: list[tuple[str, str, dict[str, str]]] = [
    ("/site/{path}", "Depot", {}),
    ("/site/{path}", "Depot", {"connector": "Depot.CP03.C2"}),
    ("/", "", {}),
    ("/view/{path}", "Depot", {"connector": "Depot.CP03.C2"}),
    ("/view/{path}", "home", {}),
    ("/symbols", "", {}),
    ("/charger/{path}", "Depot.CP07", {}),
    ("/alarms", "", {}),
    ("/alarms", "", {"group": "place", "order": "newest"}),
    ("/alarms/suppressed", "", {}),
    ("/alarms/journal", "", {}),
    ("/alarms/figures", "", {"span": "7d"}),
    ("/alarm/{path}", "Depot.CP07.C1.ErrorOverVoltage", {}),
    ("/oncall", "", {}),
    ("/tag/{path}", "Depot.CP07.C1.Temperature", {}),
    ("/tag/{path}", "Depot.CP07.C1.Temperature.Hi", {}),
    ("/sessions", "", {}),
    ("/tokens", "", {}),
    ("/tokens", "", {"tab": "refused"}),
    ("/tokens", "", {"tab": "waiting"}),
    ("/tokens", "", {"tab": "vehicles"}),
    ("/reservations", "", {}),
    ("/local-lists", "", {}),
    ("/commissioning", "", {}),
    ("/campaigns", "", {}),
    ("/sessions", "", {"flag": "any", "energy_min": "5"}),
    ("/reports", "", {}),
    ("/trends", "", {}),
    ("/trends", "", {"tags": "Depot.CP07.C1.Temperature", "q": "CP01"}),
    ("/mails", "", {}),
    ("/mails", "", {"tab": "outbox"}),
    ("/tags", "", {}),
    ("/search", "", {"q": "CP02"}),
    ("/search", "", {"q": "C"}),
    ("/system", "", {}),
    ("/tickets", "", {"alarm": "Depot.CP07.C1.ErrorOverVoltage"}),
    ("/shift", "", {}),
    ("/shift/handover", "", {}),
    ("/not-normal", "", {}),
    ("/meters", "", {}),
    ("/timeline/{path}", "Depot.CP07", {}),
    ("/timeline/{path}", "Depot.CP07", {"kinds": "alarm,status", "before": "1900000000000000"}),
    ("/{path:path}", "nothing", {}),
]


class Tags(HTMLParser):
    """All elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def with_attribute(self, name: str) -> list[str]:
        return [
            value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name
        ]


async def page(world: Any, route: str, user: str = "op", **given: Any) -> tuple[View, Tags]:
    visit = world.visit(user, **given)
    view = await PAGES[route](visit)
    return view, Tags(str(shell.around(visit, view)))


@pytest.mark.parametrize(("route", "path", "query"), VISITS)
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("user", ["admin", "op", "guest"])
async def test_every_page_is_built_for_everybody(
    world: Any, route: str, path: str, query: dict[str, str], language: str, user: str
) -> None:
    view, tags = await page(world, route, user, path=path, language=language, **query)
    assert view.status == (404 if path == "nothing" else 200)
    assert view.title
    # A strict browser is served: no inline script, style or handler is in what we write.
    names = {name for _, attributes in tags.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert not [tag for tag, _ in tags.elements if tag in ("script", "style")]


@pytest.mark.parametrize(("route", "path", "query"), VISITS)
async def test_what_devices_and_addresses_say_is_escaped(
    world: Any, route: str, path: str, query: dict[str, str]
) -> None:
    for charger in ("Depot.CP07", "Depot.CP03"):
        world.write(f"{charger}.Model", HOSTILE)
        world.write(f"{charger}.Online", True)
    for connector in ("Depot.CP07.C1", "Depot.CP03.C2"):
        world.write(f"{connector}.Status", "Faulted")
        world.write(f"{connector}.VendorErrorCode", HOSTILE)
        world.write(f"{connector}.Faulted", True)
    await world.host.request(
        StartTransaction(
            charger="Depot.CP07",
            connector=1,
            id_tag=HOSTILE,
            meter_start_wh=0,
            time_us=world.clock.now_us(),
        )
    )
    query = {**query, "q": HOSTILE, "token": HOSTILE, "alarm": HOSTILE, "id": HOSTILE}
    _, tags = await page(world, route, "admin", path=path, **query)
    assert "script" not in [tag for tag, _ in tags.elements]
    assert "template" not in [tag for tag, _ in tags.elements]


async def test_overview_shows_every_connector_under_its_feeder(world: Any) -> None:
    _, tags = await page(world, "/site/{path}", path="Depot")
    connectors = [c.path for charger in world.services.plant.chargers() for c in charger.connectors]
    assert tags.with_attribute("data-select") == connectors
    assert "Feeder A" in tags.text
    assert "Feeder B" in tags.text


async def test_places_name_the_tags_and_the_snapshot_has_their_values(world: Any) -> None:
    world.write("Depot.CP03.C2.ActivePower", 7.4)
    view, tags = await page(world, "/site/{path}", path="Depot", connector="Depot.CP03.C2")
    tag = world.host.tags["Depot.CP03.C2.ActivePower"]
    assert str(tag.index) in tags.with_attribute("data-t")
    snapshot = view.live.snapshot()
    assert snapshot["v"][snapshot["i"].index(tag.index)] == 7.4


async def test_guest_is_offered_no_command(world: Any) -> None:
    for route, path, query in VISITS:
        _, tags = await page(world, route, "guest", path=path, **query)
        assert "command" not in tags.with_attribute("data-action")
        assert not [a for a in tags.with_attribute("data-action") if a.startswith("ack")]
        assert not tags.with_attribute("data-may-ack")


async def test_operator_may_operate_but_not_maintain(world: Any) -> None:
    _, tags = await page(world, "/charger/{path}", "op", path="Depot.CP07")
    commands = set(tags.with_attribute("data-command"))
    assert {"RemoteStart", "RemoteStop", "Reset", "UnlockConnector", "ChangeAvailability"} <= commands
    assert not commands & {"GetConfiguration", "TriggerMessage", "ClearCache"}


async def test_commands_that_need_it_ask_first(world: Any) -> None:
    _, tags = await page(world, "/charger/{path}", "admin", path="Depot.CP07")
    for _, attributes in tags.elements:
        if attributes.get("data-command") in ("Reset", "RemoteStop", "UnlockConnector"):
            assert attributes.get("data-confirm")


async def test_what_is_not_there_is_said(world: Any) -> None:
    for route, path in (("/site/{path}", "Nowhere"), ("/charger/{path}", "Depot.CP99")):
        view, tags = await page(world, route, path=path)
        assert view.status == 404
        assert path in tags.text
    _, tags = await page(world, "/sessions")
    assert "No session fits" in tags.text
    _, tags = await page(world, "/mails")
    assert "No mail yet" in tags.text


async def test_search_opens_the_charger_or_lists_tags(world: Any) -> None:
    world.write("Depot.CP02.SerialNumber", "SN-77")
    for wanted in ("cp02", "DEPOT-CP02", "sn-77"):
        view, _ = await page(world, "/search", q=wanted)
        assert view.title == "CP02"
    view, tags = await page(world, "/search", q="CP03 · C2")
    assert view.title == "Depot North"
    assert "CP03 · C2" in tags.text
    view, tags = await page(world, "/search", q="Frequency Grid")
    assert "Depot.Grid.Frequency" in tags.text


async def test_french_page_holds_no_english(world: Any) -> None:
    _, tags = await page(world, "/charger/{path}", "admin", path="Depot.CP07", language="fr")
    assert not re.search(r"\b(Connector|Commands|Charger|Power|Quality|Log out)\b", tags.text)


async def test_a_last_day_is_meant_with_all_its_hours(world: Any) -> None:
    visit = world.visit(**{"from": "2026-10-25", "to": "2026-10-25"})
    where = report_requests.session_filter(visit, Formats("en", "Europe/Paris"))
    assert where.from_us is not None
    assert where.to_us == where.from_us + 25 * 3_600_000_000  # the clock went back that night
    assert report_requests.session_filter(world.visit(to="9999-12-31x"), visit.formats()).to_us is None


async def test_no_transaction_is_a_dash_not_a_number(world: Any) -> None:
    _, tags = await page(world, "/site/{path}", path="Depot", connector="Depot.CP03.C2")
    index = str(world.host.tags["Depot.CP03.C2.TransactionId"].index)
    formats = [a.get("data-f") for _, a in tags.elements if a.get("data-t") == index]
    assert formats == ["transaction"]
