"""From the wire to the glass: one depot run as people run it, with a simulated charger, a real SMTP server, a browser
and an OPC UA client.

An operator logs in, sees values move, finds and acknowledges the alarm of a charger that went away, reads the mail
about it, and stops a session; a maintainer sends a message by its form; another system reads the same values over OPC UA.
"""

from __future__ import annotations

import asyncio
import mailbox
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from asyncua.client.client import Client
from asyncua.ua import NodeId
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.uaerrors import UaStatusCodeError
from playwright.async_api import Page, expect

from scada.simulator import ChargePoint, MailCatcher, Vehicle
from scada.testing import small_plant, until
from scada.testing.browser import chromium, headless_browser
from scada.testing.ports import free_port
from scada.testing.processes import Supervisor, scada, supervisor
from scada.testing.system import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CARD = '[data-select="Depot.CP03.C1"]'
JOINED = "(document.querySelector('[data-clock]')?.textContent ?? '--:--:--') !== '--:--:--'"
"""The page is live: what is done before that is not sent, and says so."""

node_id: Any = NodeId  # its stubs want wrapped integers and texts


class Depot:
    """The running product and the one charger at hand."""

    def __init__(self, running: Supervisor, point: ChargePoint, mails: Path) -> None:
        self.running = running
        self.point = point
        self.mails = mails
        self.http = running.addresses["http"]

    async def rest(self, path: str, **query: Any) -> Any:
        async with httpx2.AsyncClient(trust_env=False, auth=("admin", PASSWORD)) as client:
            return (await client.get(f"{self.http}/api/v1{path}", params=query)).json()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def depot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Depot]:
    chromium()
    folder = tmp_path_factory.mktemp("slice")
    plant = small_plant(folder)
    project = folder / "project"
    (project / "meters.csv").unlink()
    ports = (free_port(), free_port(), free_port())
    smtp_port = free_port()
    file = project / "project.toml"
    text = file.read_text().replace("\nport = 2525", f"\nport = {smtp_port}")
    file.write_text(
        text.replace("on_delay_s = 20", "on_delay_s = 1")
        .replace("meter_sample_s = 5", "meter_sample_s = 1")
        .replace("[oncall_settings]\n", "[oncall_settings]\nrestart_window_s = 0\n")
    )
    async with AsyncExitStack() as stack:
        catcher = asyncio.create_task(MailCatcher(folder / "mail", smtp_port).run())
        running = await asyncio.to_thread(
            stack.enter_context, supervisor(project, "--no-simulate", "--log-level", "warning", ports=ports)
        )
        for name, role in (("olga", "operator"), ("gus", "guest")):
            added = await asyncio.to_thread(
                scada, "user", "add", str(project), name, "--role", role, env={"SCADA_NEW_PASSWORD": PASSWORD}
            )
            assert added.returncode == 0
        charger = plant.chargers_by_path["Depot.CP03"]
        point = ChargePoint(charger, running.addresses["ocpp"], folder, speed=20, tick_s=0.1, boot_s=0.2)
        life = asyncio.create_task(point.run())
        await until(lambda: point.online, "the charger is online")
        try:
            yield Depot(running, point, folder / "mail")
        finally:
            for task in (life, catcher):
                task.cancel()
            await asyncio.gather(life, catcher, return_exceptions=True)
    assert "Traceback" not in running.output.read_text()


async def log_in(page: Page, http: str, user: str) -> None:
    await page.goto(f"{http}/login")
    await page.fill("[name=name]", user)
    await page.fill("[name=password]", PASSWORD)
    await page.click("[type=submit]")
    await page.wait_for_selector(CARD)


def car() -> Vehicle:
    return Vehicle(
        name="Bus 1",
        battery_kwh=80,
        soc=30,
        phases=3,
        current_max_a=32,
        dc_power_max_kw=0,
        id_tag="FLEET-0001",
    )


async def charge(point: ChargePoint) -> None:
    point.unplug(1)  # whatever an earlier story left
    await until(lambda: point.online and not len(point.hardware.queue), "the charger is free")
    point.plug_in(1, car())
    assert await point.identify(1, "FLEET-0001") == "Accepted"


def text_of(mail: mailbox.MaildirMessage) -> str:
    """The plain text; alarms that come together are told together."""
    part = next(one for one in mail.walk() if one.get_content_type() == "text/plain")
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode()


async def test_an_operators_night(depot: Depot) -> None:
    async with headless_browser() as browser:
        page = await browser.new_page(viewport={"width": 1600, "height": 900})
        trouble: list[str] = []
        page.on("pageerror", lambda error: trouble.append(str(error)))
        await log_in(page, depot.http, "olga")

        # A vehicle comes: the card says so, and its values move.
        await charge(depot.point)
        card = page.locator(CARD)
        await expect(card).to_have_attribute("data-state", "Charging", timeout=10_000)
        await expect(card.locator(".pw")).to_contain_text("22.0", timeout=10_000)
        session = await page.locator(CARD).text_content()
        await page.wait_for_function(
            "([card, before]) => document.querySelector(card).textContent !== before",
            arg=[CARD, session],
            timeout=10_000,
        )

        # Another charger has never come: after its delay that is an alarm, on the banner, in the list, in the mail.
        await page.goto(f"{depot.http}/alarms")
        row = page.locator("tr.alarm.unack", has_text="CP01")
        await expect(row).to_have_count(1, timeout=10_000)
        await expect(row).to_contain_text("Charger offline")
        await row.get_by_role("button", name="Acknowledge").click()
        await expect(page.locator("tr.alarm.ack", has_text="CP01")).to_have_count(1, timeout=10_000)
        (newest, *_) = (await depot.rest("/alarms/journal", alarm="Depot.CP01.Online"))["items"]
        assert (newest["event"], newest["user"]) == ("acknowledged", "olga")
        assert newest["origin"].startswith("hmi")
        await until(lambda: any("CP01" in text_of(mail) for mail in mailbox.Maildir(depot.mails)), "the mail")

        # She stops the session: asked, confirmed, and done only when the charger has done it.
        await page.goto(f"{depot.http}/site/Depot?connector=Depot.CP03.C1")
        stop = page.locator("[data-command=RemoteStop]")
        await expect(stop).not_to_have_attribute("aria-disabled", "true", timeout=10_000)
        await stop.click()
        await page.locator("dialog [value=yes]").click()
        await expect(page.locator(".toast.done")).to_have_count(1, timeout=20_000)
        assert depot.point.hardware.outlets[1].state.transaction is None
        (last, *_) = (await depot.rest("/sessions", charger="Depot.CP03"))["items"]
        assert (last["state"], last["reason"]) == ("closed", "Remote")
        assert last["energy_wh"] > 0
        await page.goto(f"{depot.http}/sessions")
        await expect(page.locator("table")).to_contain_text("FLEET-0001")
        depot.point.unplug(1)
        assert trouble == []


async def test_a_message_by_its_form_and_another_language(depot: Depot) -> None:
    async with headless_browser() as browser:
        page = await browser.new_page(viewport={"width": 1600, "height": 900})
        await log_in(page, depot.http, "admin")
        await until(lambda: depot.point.online, "the charger is back")
        await page.goto(f"{depot.http}/test/Depot.CP03")
        await page.locator("[name=action]").select_option("TriggerMessage")
        await page.get_by_role("button", name="Choose").click()
        await page.wait_for_url("**action=TriggerMessage*")
        answer = page.locator("[data-slot=answer]")
        send = page.get_by_role("button", name="Send", exact=True)

        # What the schema refuses is not sent.
        await page.wait_for_function(JOINED)
        await send.click()
        await page.locator("dialog [value=yes]").click()
        await expect(answer.locator(".refusal")).to_contain_text("requestedMessage", timeout=10_000)
        await page.locator('[name="$.requestedMessage"]').select_option("StatusNotification")
        await page.locator('[name="$.connectorId"]').fill("1")
        await send.click()
        await page.locator("dialog [value=yes]").click()
        await expect(answer).to_contain_text("Accepted", timeout=10_000)
        await page.goto(f"{depot.http}/test/Depot.CP03?tab=trace&actions=TriggerMessage")
        await expect(page.locator("[data-slot=trace]")).to_contain_text("StatusNotification", timeout=10_000)

        # The language is the user's: the same page now, and every later one.
        await page.goto(f"{depot.http}/sessions?charger=Depot.CP03")
        await page.locator(".langs").get_by_role("link", name="FR").click()
        await expect(page.locator("html")).to_have_attribute("lang", "fr")
        assert page.url.endswith("/sessions?charger=Depot.CP03")
        later = await browser.new_page(locale="en-GB")
        await log_in(later, depot.http, "admin")
        await later.goto(f"{depot.http}/alarms")
        await expect(later.locator("h1")).to_have_text("Alarmes")
        await later.locator(".langs").get_by_role("link", name="EN").click()
        await expect(later.locator("h1")).to_have_text("Alarms")


async def test_a_guest_is_offered_nothing(depot: Depot) -> None:
    async with headless_browser() as browser:
        page = await browser.new_page()
        await log_in(page, depot.http, "gus")
        await page.goto(f"{depot.http}/site/Depot?connector=Depot.CP03.C1")
        await page.wait_for_selector(CARD)
        assert await page.locator("[data-command=RemoteStop]").count() == 0
        await page.goto(f"{depot.http}/alarms")
        await page.wait_for_selector("tr.alarm")
        assert await page.get_by_role("button", name="Acknowledge").count() == 0
        for path in ("/test/Depot.CP03", "/users"):  # asked for by their addresses all the same
            answer = await page.goto(f"{depot.http}{path}")
            assert answer is not None
            assert answer.status == 403


async def test_nobody_gets_in_without_a_password(depot: Depot) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for path in ("/", "/site/Depot", "/alarms", "/sessions", "/charger/Depot.CP03", "/tags", "/mails"):
            answer = await client.get(f"{depot.http}{path}")
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login")


async def test_another_system_sees_the_same_over_opc_ua(depot: Depot) -> None:
    await charge(depot.point)
    seen: list[tuple[float, int]] = []

    class Subscriber:
        def datachange_notification(self, _node: object, value: float, data: Any) -> None:
            seen.append((value, data.monitored_item.Value.StatusCode.value))

    client = Client(depot.running.addresses["opcua"])
    client.set_user("olga")
    client.set_password(PASSWORD)
    async with client:
        index = await client.get_namespace_index("urn:ev-scada:Demo")
        power = client.get_node(node_id("Depot.CP03.C1.ActivePower", index))
        subscription = await client.create_subscription(100, Subscriber())
        await subscription.subscribe_data_change(power)
        await until(lambda: any(value > 20 and status == 0 for value, status in seen), "power over OPC UA")
        units = await (await power.get_child("0:EngineeringUnits")).read_value()
        assert units.DisplayName.Text == "kW"
        value_range = await (await power.get_child("0:EURange")).read_value()
        assert (value_range.Low, value_range.High) == (0.0, 22.0)
        connector = client.get_node(node_id("Depot.CP03.C1", index))
        (method,) = [
            child
            for child in await connector.get_children()
            if (await child.read_browse_name()).Name == "RemoteStop"
        ]
        outcome, text = await connector.call_method(method.nodeid)
        assert (outcome, "stopped" in text) == ("done", True)
        # The link goes: the last value stays, and says that it is old.
        depot.point.unplug(1)
        depot.point.lose_link(3)
        await until(lambda: seen[-1][1] == StatusCodes.UncertainNoCommunicationLastUsableValue, "quality")
    guest = Client(depot.running.addresses["opcua"])
    guest.set_user("gus")
    guest.set_password(PASSWORD)
    async with guest:
        connector = guest.get_node(node_id("Depot.CP03.C1", index))
        with pytest.raises(UaStatusCodeError) as denied:
            await connector.call_method(method.nodeid)
        assert denied.value.code == StatusCodes.BadUserAccessDenied
