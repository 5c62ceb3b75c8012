"""Each difficult charger lives through boot, a session and a stop at the real central system, beside all others."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scada.core.records import TransactionRecord, TransactionState
from scada.core.value import SECOND_US
from scada.project import load, scaffold
from scada.runtime.clock import SystemClock
from scada.simulator import ChargePoint, Vehicle
from scada.simulator.pulse import Pulse
from scada.simulator.queue import Message
from scada.simulator.recipes import RECIPES
from scada.simulator.storage import Store
from scada.testing import central_system, until
from scada.testing.plants import without_modes

pytestmark = [pytest.mark.timeout(180)]

STRAIGHT = ("straight_1", "straight_2")
NAMES = (*RECIPES, *STRAIGHT)
WAITED_S = 60.0


@dataclass
class Outcome:
    """What a charger did, and what the central system has of it."""

    token: str
    trouble: str = ""
    began_us: int = 0
    messages: list[Message] = field(default_factory=list)
    records: list[TransactionRecord] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)

    def told(self, action: str) -> dict[str, Any]:
        return next(one.payload for one in self.messages if one.action == action)


def project(folder: Path) -> Path:
    scaffold(folder)
    rows = (folder / "chargers.csv").read_text().splitlines()[:1]
    columns = rows[0].split(",")
    for name in NAMES:
        values = {
            "site": "Depot",
            "tag": name,
            "identity": f"SIM-{name}"[:48],
            "type": "ac3",
            "feeder": "B",
            "connectors": "1",
            "plug": "Type_2",
            "current_a": "32",
            "power_kw": "22",
        }
        rows.append(",".join(values.get(column, "") for column in columns))
    (folder / "chargers.csv").write_text("\n".join(rows) + "\n")
    header = (folder / "tokens.csv").read_text().splitlines()[0]
    tokens = [f"T{n:04d}" + "," * header.count(",") for n in range(len(NAMES))]
    (folder / "tokens.csv").write_text("\n".join([header, *tokens]) + "\n")
    file = folder / "project.toml"
    text = "\n".join(
        line for line in without_modes(file.read_text()).splitlines() if not line.startswith("recipes")
    )
    text = text.replace("meter_sample_s = 5", "meter_sample_s = 1\nallow_missing_subprotocol = true")
    file.write_text(text)
    return folder


async def live(point: ChargePoint, outcome: Outcome) -> None:
    """Boot, a session, a stop."""
    hardware = point.hardware
    put = hardware.queue.put

    def noted(message: Message) -> None:
        outcome.messages.append(message)
        put(message)

    hardware.queue.put = noted  # type: ignore[method-assign]
    outlet = hardware.outlets[1]
    try:
        await until(lambda: point.online, "it is accepted", WAITED_S)
        vehicle = Vehicle(
            name="car",
            battery_kwh=80,
            soc=20,
            phases=3,
            current_max_a=16,
            dc_power_max_kw=0,
            id_tag=outcome.token,
        )
        point.plug_in(1, vehicle)
        outcome.began_us = SystemClock().now_us()
        assert await point.identify(1, outcome.token) == "Accepted"
        state = outlet.state
        assert state.transaction is not None
        await until(
            lambda: state.transaction is None or state.transaction.id, "the start is answered", WAITED_S
        )
        began_wh = state.transaction.meter_start_wh
        await until(lambda: outlet.state.register_wh > began_wh + 2_000, "energy flows", WAITED_S)
        await until(lambda: point.online, "it is there", WAITED_S)
        assert await point.identify(1, outcome.token) == "Accepted"
        await until(lambda: not len(hardware.queue), "everything is told", WAITED_S)
        point.unplug(1)
    except (TimeoutError, AssertionError) as error:
        outcome.trouble = repr(error)


@pytest.fixture(scope="module")
async def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All of them at once, at one central system."""
    folder = tmp_path_factory.mktemp("recipes")
    plant = load(project(folder / "project"))
    pulse, store = Pulse(0.1), Store(folder)
    found = {name: Outcome(f"T{n:04d}") for n, name in enumerate(NAMES)}
    async with central_system(plant, folder / "data") as central:
        points = {
            charger.name: ChargePoint(
                charger,
                central.url,
                store,
                speed=600,
                pulse=pulse,
                call_timeout_s=8.0,
                recipe=RECIPES[charger.name]() if charger.name in RECIPES else None,
            )
            for charger in plant.chargers()
        }
        lives = [asyncio.create_task(point.run()) for point in points.values()]
        lives.append(asyncio.create_task(pulse.run()))
        try:
            await asyncio.gather(*(live(points[name], found[name]) for name in NAMES))
            await asyncio.sleep(0)
            rows = await asyncio.to_thread(central.store.restart)
            for record in rows.transactions:
                found[record.charger.rpartition(".")[2]].records.append(record)
            for charger in plant.chargers():
                seen = central.ocpp.stations[charger.identity].deviations.document().entries
                found[charger.name].deviations = [f"{one.action}: {one.what}" for one in seen]
        finally:
            for task in lives:
                task.cancel()
            await asyncio.gather(*lives, return_exceptions=True)
            store.close()
    return found


@pytest.mark.parametrize("name", NAMES)
async def test_the_session_is_complete_and_right(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert not outcome.trouble
    start, stop = outcome.told("StartTransaction"), outcome.told("StopTransaction")
    rows = [row for row in outcome.records if row.state is not TransactionState.OPEN]
    assert len(outcome.records) == len(rows) == 1, outcome.records
    (row,) = rows
    assert row.energy_wh == stop["meterStop"] - start["meterStart"]
    assert row.id_tag == outcome.token
    assert row.connector == 1
    assert abs(row.started_us - outcome.began_us) < 30 * SECOND_US
    assert row.stopped_us is not None
    assert row.stopped_us >= row.started_us


DEVIATES = {
    "schneider_long_serial": "chargePointSerialNumber",
    "huawei_empty_vendor": "no vendor",
    "hici_long_model": "chargePointModel",
    "legrand_error_code": "errorCode",
    "grizzl_no_subprotocol": "no Sec-WebSocket-Protocol",
    "growatt_local_time": "a time without zone",
    "chago_two_hours_ahead": "a time in the future",
    "monta_short_offset": "a time zone without minutes",
    "microocpp_1970": "a time that cannot be right",
    "ocppgo_year_one": "a time that cannot be right",
    "vestel_empty_samples": "no samples",
    "power_in_wh": "Power.Active.Export in 'Wh'",
    "chargeamps_hertz": "unit 'Hz'",
    "request_energy_measurand": "measurand 'Request.Energy'",
    "beny_leading_comma": "not a JSON array",
    "offline_minus_one": "a transaction id of its own making",
    "tktev_zero": "a transaction id of its own making",
    "etrel_negative_ids": "a transaction id of its own making",
    "orbis_boot_in_session": "startSchedule",
    "grizzl_truncated_json": "Input data was truncated",
    "scame_loose_keys": "readonly",
}
"""Recipes that break the standard itself, and by what it is counted; the others do what it allows."""


@pytest.mark.parametrize("name", [*DEVIATES, *STRAIGHT])
async def test_what_departs_from_the_standard_is_counted_by_its_name_once(
    outcomes: dict[str, Outcome], name: str
) -> None:
    told = outcomes[name].deviations
    if name in STRAIGHT:
        assert told == []
    else:
        assert [DEVIATES[name] in one for one in told].count(True) >= 1, told
        assert len(told) <= 5, "each kind has one line, however often and with whatever values it comes"


def test_each_recipe_names_where_it_was_seen() -> None:
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert recipe.seen
        assert recipe.__doc__
