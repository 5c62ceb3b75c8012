"""The station screen: nobody logs in, so it is off by default and says only what the site publishes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from scada.charging.sessions import StartTransaction
from scada.core.plant import SCREEN_FIELDS
from scada.core.value import Quality
from scada.hmi.screen import BURST, Pace, Screen
from scada.testing import FakeClock

C = "Depot.CP03.C2"


def publish(world: Any, *fields: str) -> TestClient:
    """The screen of a site that publishes these, over HTTP."""
    plant = world.services.plant
    site = replace(plant.sites[0], station_screen=frozenset(fields))
    screen = Screen(replace(world.services, plant=replace(plant, sites=(site,))))
    routes = [Route("/screen/{site}", screen.page), Route("/screen/{site}/state", screen.state)]
    return TestClient(Starlette(routes=routes))


async def charge(world: Any) -> None:
    world.online("Depot.CP03")
    world.write(f"{C}.Status", "Charging")
    world.write(f"{C}.ActivePower", 7.44)
    await world.host.request(
        StartTransaction(
            charger="Depot.CP03",
            connector=2,
            id_tag="FLEET-0001",
            meter_start_wh=0,
            time_us=world.clock.now_us(),
        )
    )


def bay(client: TestClient, language: str = "en") -> dict[str, Any]:
    found = client.get(f"/screen/Depot/state?lang={language}").json()["bays"]
    return next(one for one in found if one["name"].endswith(" 4"))


def test_it_is_off_unless_the_site_says_so(world: Any) -> None:
    client = publish(world)
    for path in ("/screen/Depot", "/screen/Depot/state", "/screen/Nowhere"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, "")


async def test_only_what_is_published_is_said(world: Any) -> None:
    await charge(world)
    client = publish(world, "state", "power")
    shown = bay(client)
    assert (shown["state"], shown["state_text"], shown["power"]) == ("Charging", "Charging", "7.4 kW")
    assert set(shown) == {"id", "name", "plug", "state", "state_text", "power"}
    bare = publish(world, "state")
    assert "7.4" not in bare.get("/screen/Depot").text + bare.get("/screen/Depot/state").text


async def test_nobody_is_named_whatever_is_published(world: Any) -> None:
    await charge(world)
    client = publish(world, *SCREEN_FIELDS)
    said = client.get("/screen/Depot").text + json.dumps(client.get("/screen/Depot/state").json())
    for secret in ("FLEET-0001", "Bus 1", "DEPOT-CP03", "ErrorCode", "data-action", "/charger/", "/login"):
        assert secret not in said


async def test_what_is_not_known_is_not_called_free(world: Any) -> None:
    client = publish(world, "state")
    assert bay(client)["state"] == "Offline", "no charger has connected yet"
    world.online("Depot.CP03")
    world.write(f"{C}.Status", "Available", Quality.UNCERTAIN_LAST_USABLE_VALUE)
    world.clock.leap(2)
    assert bay(client)["state_text"] == "unknown"
    world.write(f"{C}.Status", "Available")
    world.clock.leap(2)
    answer = client.get("/screen/Depot/state?lang=en").json()
    assert bay(client)["state_text"] == "Free"
    assert answer["free"] == "1 of 12 free"


async def test_a_picture_is_made_once_a_second_however_many_look(world: Any) -> None:
    await charge(world)
    client = publish(world, "state", "power")
    assert bay(client)["power"] == "7.4 kW"
    world.write(f"{C}.ActivePower", 9.0)
    assert bay(client)["power"] == "7.4 kW"
    world.clock.leap(1)
    assert bay(client)["power"] == "9.0 kW"


def test_the_page_is_in_the_readers_language_and_strict(world: Any) -> None:
    client = publish(world, "state")
    answer = client.get("/screen/Depot?lang=fr&theme=dark")
    assert 'lang="fr" data-theme="dark"' in answer.text
    assert "Pas de liaison" in answer.text or "Hors ligne" in answer.text or "connexion" in answer.text
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert 'lang="en"' in client.get("/screen/Depot?lang=xx", headers={"accept-language": "en"}).text


def test_who_asks_too_often_is_told_to_come_later() -> None:
    clock = FakeClock()
    pace = Pace(clock)
    assert all(pace.allows("10.0.0.1") for _ in range(int(BURST)))
    assert not pace.allows("10.0.0.1")
    assert pace.allows("10.0.0.2"), "others are not held up"
    clock.leap(1)
    assert [pace.allows("10.0.0.1") for _ in range(6)] == [True] * 4 + [False] * 2


async def test_too_many_requests_are_refused_over_http(world: Any) -> None:
    client = publish(world, "state")
    answers = [client.get("/screen/Depot/state").status_code for _ in range(int(BURST) + 3)]
    assert answers == [200] * int(BURST) + [429] * 3
