"""Tickets, shift log and accounts of the whole product: over REST, and by the browser's doors."""

from __future__ import annotations

import base64

import httpx2

from scada.core.ports import DeedFilter
from scada.testing import until
from scada.testing.system import System

NEW = "a new one of mine"


async def test_a_ticket_over_rest(system: System, client: httpx2.AsyncClient) -> None:
    made = await client.post("/tickets", json={"title": "Lamp", "branch": "Depot.CP04", "note": "dark"})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    changed = await client.patch(f"/tickets/{number}", json={"case_number": "C-1", "closed": True})
    assert changed.status_code == 200, changed.text
    assert changed.json()["closed"]
    got = (await client.get(f"/tickets/{number}")).json()
    assert (got["case_number"], got["closed_by"], got["notes"][0]["text"]) == ("C-1", "admin", "dark")
    assert (await client.get("/tickets", params={"open": True, "branch": "Depot.CP04"})).json()["items"] == []
    assert (await client.get("/tickets/999")).status_code == 404
    assert (await client.post("/tickets", json={"title": "x", "branch": "Nowhere"})).status_code == 400
    guest = await client.post("/tickets", json={"title": "x"}, headers=system.basic("gus"))
    assert guest.status_code == 403
    audited = await system.running.store.archive.audit(_of(f"ticket {number}"), 10, None)
    assert [one.action for one in audited.items] == ["ticket_closed", "ticket_opened"]


async def test_a_mode_over_rest(system: System, client: httpx2.AsyncClient) -> None:
    before = (await client.get("/sites/Depot/mode")).json()
    assert (before["state"], before["modes"]) == ("none", ["Normal", "FastClosed"])
    guest = await client.put("/sites/Depot/mode", json={"mode": "Normal"}, headers=system.basic("gus"))
    assert guest.status_code == 403
    assert (await client.put("/sites/Depot/mode", json={"mode": "Party"})).status_code == 404
    begun = await client.put("/sites/Depot/mode", json={"mode": "FastClosed"})
    assert (begun.status_code, begun.json()["state"]) == (202, "switching")
    await until(lambda: system.running.host.tags["Depot.ModeState"].value in ("on", "partly"))
    after = (await client.get("/sites/Depot/mode")).json()
    assert (after["mode"], after["user"]) == ("FastClosed", "admin")
    assert all(step["outcome"] for step in after["steps"])


async def test_the_shift_log_over_rest(client: httpx2.AsyncClient) -> None:
    assert (
        await client.post("/shift-log", json={"text": "bay 7 is dark", "site": "Depot"})
    ).status_code == 204
    (entry,) = (await client.get("/shift-log", params={"limit": 1})).json()["items"]
    assert (entry["text"], entry["site"], entry["user"]) == ("bay 7 is dark", "Depot", "admin")
    assert (await client.post("/shift-log", json={"text": "x", "site": "Nowhere"})).status_code == 404


async def test_who_was_given_a_password_chooses_one_first(system: System) -> None:
    users = system.running.users
    admin = system.running.accounts.actor_named("admin", "test")
    assert admin is not None
    given = await users.add("ines", "operator", "en", "", admin)
    async with httpx2.AsyncClient(base_url=system.http, trust_env=False, timeout=30) as browser:

        async def send(url: str, **fields: str) -> httpx2.Response:
            return await browser.post(url, data=fields, headers={"Origin": system.http})

        assert (await send("/login", name="ines", password=given, next="/alarms")).status_code == 303
        sent = await browser.get("/alarms")
        assert (sent.status_code, sent.headers["location"]) == (303, "/password?next=/alarms")
        refused = await browser.get("/api/v1/tags", headers=_basic("ines", given))
        assert refused.status_code == 403
        wrong = await send("/password", present=given, wanted=NEW, again="another one", next="/alarms")
        assert (wrong.status_code, "differ" in wrong.text) == (403, True)
        elsewhere = await browser.post(
            "/password",
            data={"present": given, "wanted": NEW, "again": NEW},
            headers={"Origin": "http://elsewhere.example"},
        )
        assert elsewhere.status_code == 403
        done = await send("/password", present=given, wanted=NEW, again=NEW, next="/alarms")
        assert (done.status_code, done.headers["location"]) == (303, "/alarms")
        assert (await browser.get("/alarms")).status_code == 200
        # A link on another site changes no account; one of ours does.
        for site, kept in (("cross-site", ""), ("same-origin", "dark")):
            await browser.get("/prefs?theme=dark", headers={"Sec-Fetch-Site": site})
            assert system.running.accounts.theme("ines") == kept
    await users.remove("ines", admin)


def _basic(user: str, password: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def _of(path: str) -> DeedFilter:
    return DeedFilter(object=path)
