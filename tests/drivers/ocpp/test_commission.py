"""A charger is learned: what is asked, what is set, what the report says, and when it is done again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.commissioning import CommissioningReport
from scada.core.plant import OcppSettings
from scada.drivers.ocpp.client import connect_peer
from scada.drivers.ocpp.peer import Peer
from scada.drivers.ocpp.profile import Meter, Profile
from scada.drivers.ocpp.v16.commission.keys import read_entries, same_value
from scada.drivers.ocpp.v16.commission.wanted import wanted_keys
from scada.testing import Central, central_system, small_plant, until

MEASURANDS = {"Energy.Active.Import.Register", "Power.Active.Import"}


@dataclass
class Device:
    """A charger with keys that do something."""

    keys: dict[str, str] = field(default_factory=dict)
    read_only: set[str] = field(default_factory=set)
    reboot: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)
    """Keys that it accepts and does not change."""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def read(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("GetConfiguration", body))
        names = body.get("key") or list(self.keys)
        most = int(self.keys.get("GetConfigurationMaxKeys", "1000"))
        assert len(body.get("key", ())) <= most
        return {
            "configurationKey": [
                {"key": key, "readonly": key in self.read_only, "value": self.keys[key]}
                for key in names
                if key in self.keys
            ],
            "unknownKey": [key for key in names if key not in self.keys],
        }

    async def change(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("ChangeConfiguration", body))
        key, value = body["key"], body["value"]
        if key not in self.keys:
            return {"status": "NotSupported"}
        if key == "MeterValuesSampledData" and not set(value.split(",")) <= MEASURANDS:
            return {"status": "Rejected"}
        if key not in self.deaf:
            self.keys[key] = value
        return {"status": "RebootRequired" if key in self.reboot else "Accepted"}

    async def other(self, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(("", body))
        return {"status": "Accepted"}

    async def version(self, _body: dict[str, Any]) -> dict[str, Any]:
        return {"listVersion": 12}


@asynccontextmanager
async def connected(central: Central, device: Device) -> AsyncIterator[Peer]:
    peer = await connect_peer(
        central.url,
        "DEPOT-CP03",
        {
            "GetConfiguration": device.read,
            "ChangeConfiguration": device.change,
            "TriggerMessage": device.other,
            "Reset": device.other,
            "GetLocalListVersion": device.version,
        },
    )
    task = asyncio.create_task(peer.run())
    try:
        yield peer
    finally:
        await peer.close()
        await task


async def boot(central: Central, peer: Peer, firmware: str = "1.0") -> CommissioningReport:
    station = central.ocpp.stations["DEPOT-CP03"]
    before = central.ocpp.knowledge.report("Depot.CP03")
    await peer.call(
        "BootNotification",
        {"chargePointVendor": "Maker", "chargePointModel": "M", "firmwareVersion": firmware},
    )
    await until(lambda: central.ocpp.knowledge.report("Depot.CP03") is not before, "it is learned")
    await until(lambda: station.read_tag("Commissioned") != "running")
    report = central.ocpp.knowledge.report("Depot.CP03")
    assert report is not None
    return report


async def test_the_report_says_what_was_asked_taken_and_refused(central: Central) -> None:
    device = Device(
        {
            "HeartbeatInterval": "900",
            "MeterValueSampleInterval": "60",
            "MeterValuesSampledData": "",
            "AuthorizeRemoteTxRequests": "True",
            "LocalAuthListEnabled": "TRUE",
            "StopTransactionOnInvalidId": "false",
            "NumberOfConnectors": "2",
            "SupportedFeatureProfiles": "Core, LocalAuthListManagement",
        },
        read_only={"AuthorizeRemoteTxRequests"},
        reboot={"StopTransactionOnInvalidId"},
        deaf={"MeterValueSampleInterval"},
    )
    station = central.ocpp.stations["DEPOT-CP03"]
    await station.forget()
    async with connected(central, device) as peer:
        report = await boot(central, peer)
    states = {one.key: one.status for one in report.keys}
    assert states == {
        "HeartbeatInterval": "accepted",
        "MeterValueSampleInterval": "not_kept",
        "MeterValuesSampledData": "accepted",
        "AuthorizeRemoteTxRequests": "read_only",
        "LocalAuthListEnabled": "unchanged",
        "StopTransactionOnInvalidId": "reboot_required",
    }
    assert (
        set(device.keys["MeterValuesSampledData"].split(",")) == MEASURANDS
    )  # what it takes of the wanted ones
    measurands = next(one for one in report.keys if one.key == "MeterValuesSampledData")
    assert "does not take" in measurands.reason
    assert (report.state, report.features, report.connectors) == (
        "refused",
        ["Core", "LocalAuthListManagement"],
        2,
    )
    assert (report.local_list_version, report.reboot_required, report.firmware) == (12, True, "1.0")
    assert report.mismatches == []
    assert station.read_tag("Commissioned") == "refused 2"
    assert not any("type" in body for _, body in device.asked)  # no reset: the project does not allow one


async def test_it_is_learned_again_after_another_firmware_and_not_after_a_mere_reconnect(
    central: Central,
) -> None:
    device = Device({"HeartbeatInterval": str(central.plant.ocpp.heartbeat_s)})
    await central.ocpp.stations["DEPOT-CP03"].forget()
    async with connected(central, device) as peer:
        await boot(central, peer, "1.0")
    device.asked.clear()
    async with connected(central, device):
        await until(lambda: sum(1 for action, _ in device.asked if not action) >= 3, "states are asked for")
        assert not [body for action, body in device.asked if action]
    async with connected(central, device) as peer:
        report = await boot(central, peer, "2.0")
        assert report.firmware == "2.0"
        assert [body for action, body in device.asked if action == "GetConfiguration"]


async def test_the_parts_of_a_request_are_as_long_as_the_charger_takes(central: Central) -> None:
    device = Device(
        {
            "GetConfigurationMaxKeys": "2",
            "HeartbeatInterval": "1",
            "MeterValueSampleInterval": "1",
            "MeterValuesSampledData": "",
        }
    )
    await central.ocpp.stations["DEPOT-CP03"].forget()
    async with connected(central, device) as peer:
        report = await boot(central, peer)
    assert report.state == "done"
    assert max(len(body.get("key", ())) for action, body in device.asked if action == "GetConfiguration") == 2


async def test_what_was_learned_and_counted_survives_a_restart(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("again")
    plant = small_plant(folder)
    device = Device({"HeartbeatInterval": "1", "SupportedFeatureProfiles": "Core"})
    async with central_system(plant, folder / "data") as central:
        async with connected(central, device) as peer:
            await boot(central, peer)
        station = central.ocpp.stations["DEPOT-CP03"]
        station.deviation("something odd", "Heartbeat")
        station.capabilities.experience("ClearCache", "NotImplemented")
        await central.ocpp.knowledge.keep_deviations("Depot.CP03", station.deviations.document())
    async with central_system(plant, folder / "data") as central:
        station = central.ocpp.stations["DEPOT-CP03"]
        report = central.ocpp.knowledge.report("Depot.CP03")
        assert report is not None
        assert report.vendor == "Maker"
        assert station.configuration["SupportedFeatureProfiles"] == ("Core", False)
        assert station.capabilities.features == frozenset({"Core"})
        assert station.deviations.count_of("something odd") == 1


def test_the_projects_word_counts_over_the_makes_and_the_products() -> None:
    settings = OcppSettings(
        heartbeat_s=30,
        measurands=("A", "B", "C"),
        aligned_s=900,
        websocket_ping_s=20,
        keys={"X": "project", "Y": "1"},
    )
    profile = Profile(
        meter=Meter(measurands=("A", "C", "D"), measurands_max=5),
        names={"HeartbeatInterval": "HeartBeatInterval", "WebSocketPingInterval": ""},
        keys={"X": "make", "Z": "2"},
    )
    known = {"StopTransactionOnInvalidId": ("false", False), "MeterValuesSampledDataMaxLength": ("1", True)}
    assert wanted_keys(settings, profile, known) == {
        "HeartBeatInterval": "30",
        "MeterValueSampleInterval": "10",
        "MeterValuesSampledData": "A",
        "ClockAlignedDataInterval": "900",
        "StopTransactionOnInvalidId": "true",
        "X": "project",
        "Y": "1",
        "Z": "2",
    }


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("true", "TRUE", True),
        ("a, b", "b,a", True),
        ("10", "10.0", True),
        ("10", "1", False),
        ("", "x", False),
        ("a", "a,b", False),
    ],
)
def test_values_that_mean_the_same(one: str, other: str, same: bool) -> None:
    assert same_value(one, other) is same


json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["key", "value", "readonly", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values | st.fixed_dictionaries({"configurationKey": json_values}))
def test_no_answer_breaks_the_reading_of_keys(answer: object) -> None:
    entries, _ = read_entries(answer)
    for key, value, read_only in entries:
        assert key
        assert isinstance(value, str)
        assert isinstance(read_only, bool)
