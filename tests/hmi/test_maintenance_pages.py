"""Pending chargers, configuration keys over many chargers, campaigns, files: what an engineer does to the stock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from scada.core.access import Actor
from scada.core.errors import BadRequest
from scada.core.file_ports import FirmwareFile, ReceivedFile
from scada.core.pending import Adoption, PendingCharger
from scada.hmi.pages import PAGES
from scada.runtime.campaigns import Campaigns
from scada.runtime.documents import Documents


@dataclass
class Room:
    """One charger waits, and says hostile things."""

    done: list[Any] = field(default_factory=list)

    def list(self) -> Sequence[PendingCharger]:
        return [
            PendingCharger(identity="NEW-1", vendor="<b>Acme", device_type="ac", connectors=2, online=True)
        ]

    async def reject(self, identity: str, actor: Actor) -> None:
        self.done.append(identity)

    async def adopt(self, identity: str, adoption: Adoption, actor: Actor) -> None:
        if not adoption.cells and not adoption.replaces:
            raise BadRequest("chargers.csv: tag is missing")
        self.done.append((identity, adoption))


class Shelf:
    """A firmware file and one of diagnostics."""

    async def firmware(self) -> Sequence[FirmwareFile]:
        return [FirmwareFile(name="v2.bin", size_bytes=2_500, sha256="ab" * 32, changed_us=1)]

    async def received(self, charger: str = "") -> Sequence[ReceivedFile]:
        one = ReceivedFile(
            id="f1", charger="Depot.CP03", purpose="diagnostics", name="<i>.zip", size_bytes=9, received_us=1
        )
        return [one] if charger in ("", one.charger) else []

    async def add_firmware(self, name: str, body: AsyncIterator[bytes]) -> FirmwareFile:
        raise NotImplementedError

    async def sign_firmware(self, name: str, signature: str, certificate: str) -> FirmwareFile:
        raise NotImplementedError

    async def remove_firmware(self, name: str) -> None:
        raise NotImplementedError

    async def received_path(self, file_id: str) -> tuple[ReceivedFile, Path]:
        raise NotImplementedError


def told(charger: str) -> dict[str, tuple[str, bool]]:
    """Two chargers differ in a key."""
    return {"HeartbeatInterval": ("60" if charger == "Depot.CP03" else "300", False)}


@pytest.fixture
def stock(world: Any) -> Any:
    """The world with real campaigns, and a room, a shelf and keys of the test's."""
    campaigns = Campaigns(
        world.host, world.services.router, Documents(world.host, {}), lambda user, _: world.actor(user), told
    )
    world.services = replace(
        world.services, campaigns=campaigns, configuration=told, pending=Room(), files=Shelf()
    )
    return world


async def act(
    stock: Any, name: str, user: str = "admin", page: str = "/pending", **given: Any
) -> tuple[str, str]:
    tab, wire = await stock.open(page, "", user)
    await tab.act(name, {"id": "a", **given})
    last: tuple[str, str] = wire.toasts()[-1]
    return last


async def html(stock: Any, page: str, path: str = "", user: str = "admin", **query: str) -> str:
    tab, _ = await stock.open(page, path, user, **query)
    return str(tab.view.main)


async def test_a_pending_charger_is_taken_in_or_refused(stock: Any) -> None:
    shown = await html(stock, "/pending", adopt="NEW-1")
    assert "&lt;b&gt;Acme" in shown
    assert 'value="ac"' in shown
    room = stock.services.pending
    assert await act(stock, "adopt", identity="NEW-1") == ("failed", "chargers.csv: tag is missing")
    assert room.done == []
    given = {"site": "Depot", "tag": "CP09", "type": "ac", "nonsense": "x"}
    assert (await act(stock, "adopt", identity="NEW-1", **given))[0] == "done"
    assert room.done.pop() == ("NEW-1", Adoption(cells={"site": "Depot", "tag": "CP09", "type": "ac"}))
    await act(stock, "adopt", identity="NEW-1", replaces="Depot.CP03", tag="CP09")
    assert room.done.pop() == ("NEW-1", Adoption(cells={}, replaces="Depot.CP03"))
    assert (await act(stock, "reject", identity="NEW-1"))[0] == "done"
    assert room.done == ["NEW-1"]


@pytest.mark.parametrize("page", ["/pending", "/keys", "/files"])
async def test_who_may_not_gets_no_page_and_no_deed(stock: Any, page: str) -> None:
    view = await PAGES[page](stock.visit("op"))
    assert view.status == 403
    for name in ("adopt", "reject"):
        assert (await act(stock, name, "op", "/tokens", identity="NEW-1"))[0] == "failed"
    campaign = {"command": "ChangeConfiguration", "targets": "Depot.CP03", "arg_key": "A", "arg_value": "1"}
    assert (await act(stock, "start_campaign", "op", "/tokens", **campaign))[0] == "failed"
    assert stock.services.pending.done == []
    assert stock.services.campaigns.all() == []


async def test_a_key_is_compared_and_changed_on_two_chargers(stock: Any) -> None:
    listed = await html(stock, "/keys")
    assert "300" in listed
    assert "1×" in listed
    compared = await html(stock, "/keys", key="HeartbeatInterval")
    assert "Depot.CP03" in compared
    given = {"command": "ChangeConfiguration", "arg_key": "HeartbeatInterval", "arg_value": "60"}
    assert await act(stock, "start_campaign", page="/keys", **given) == ("failed", "nothing is selected")
    targets = ["Depot.CP03", "Depot.CP07"]
    state, text = await act(stock, "start_campaign", page="/keys", targets=targets, waves="1, 1", **given)
    assert (state, text) == ("done", "begun: 2 chargers")
    (campaign,) = stock.services.campaigns.all()
    assert list(campaign.items) == targets
    assert campaign.head.plan.waves == (1, 1)
    number = campaign.head.id
    assert f"/campaigns/{number}" in await html(stock, "/campaigns", user="guest")
    detail = await html(stock, "/campaigns/{path}", number)
    assert "0 / 2" in detail
    assert "steer_campaign" in detail
    assert "steer_campaign" not in await html(stock, "/campaigns/{path}", number, "guest")
    assert (await act(stock, "steer_campaign", "guest", campaign=number, what="cancel"))[0] == "failed"
    assert (await act(stock, "steer_campaign", campaign=number, what="cancel"))[0] == "done"
    assert campaign.head.phase.value == "cancelled"


async def test_a_campaign_that_is_gone_is_said(stock: Any) -> None:
    view = await PAGES["/campaigns/{path}"](stock.visit("admin", "nothing"))
    assert view.status == 404


async def test_files_are_listed_and_hostile_names_escaped(stock: Any) -> None:
    shown = await html(stock, "/files", charger="Depot.CP03")
    assert "v2.bin" in shown
    assert "&lt;i&gt;.zip" in shown
    assert 'data-command="GetDiagnostics"' in shown
    assert "&lt;i&gt;.zip" not in await html(stock, "/files", charger="Depot.CP07")
