"""The trace: what passed, named, without secrets, and bounded."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.plant import Plant
from scada.core.secrecy import HIDDEN, is_secret
from scada.drivers.ocpp.frame_text import BYTES_KEPT
from scada.drivers.ocpp.redaction import redacted
from scada.drivers.ocpp.trace import FRAMES_OF_ONE, Tap, Trace
from scada.testing import FakeClock, small_plant

SECRET = "0123456789abcdef"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return small_plant(tmp_path_factory.mktemp("plant"))


class Site:
    def __init__(self, plant: Plant, chargers: int = 8) -> None:
        self.trace = Trace(FakeClock(), chargers)
        self.taps: dict[str, Tap] = {charger.name: self.trace.tap(charger) for charger in plant.chargers()}

    def charger_says(self, name: str, frame: object) -> None:
        self.taps[name](False, frame if isinstance(frame, bytes) else orjson.dumps(frame))

    def we_say(self, name: str, frame: object) -> None:
        self.taps[name](True, orjson.dumps(frame))

    def seen(self, limit: int = 100, **where: object) -> list[TracedFrame]:
        return list(self.trace.frames(FrameFilter(**where), limit))  # type: ignore[arg-type]


def test_an_answer_bears_the_action_of_its_call(plant: Plant) -> None:
    site = Site(plant)
    site.charger_says("CP01", [2, "1", "Heartbeat", {}])
    site.we_say("CP01", [3, "1", {"currentTime": "2026-11-24T00:00:00Z"}])
    site.we_say("CP02", [2, "1", "Reset", {"type": "Soft"}])
    site.charger_says("CP02", [4, "1", "NotSupported", "", {}])
    told = [(f.charger, f.sent, f.kind, f.action) for f in site.seen()]
    assert told == [
        ("Depot.CP01", False, "call", "Heartbeat"),
        ("Depot.CP01", True, "result", "Heartbeat"),
        ("Depot.CP02", True, "call", "Reset"),
        ("Depot.CP02", False, "error", "Reset"),
    ]


def test_ids_of_the_two_sides_do_not_mix(plant: Plant) -> None:
    site = Site(plant)
    site.charger_says("CP01", [2, "7", "Heartbeat", {}])
    site.we_say("CP01", [2, "7", "ClearCache", {}])
    site.charger_says("CP01", [3, "7", {"status": "Accepted"}])
    assert [f.action for f in site.seen(kinds=frozenset({"result"}))] == ["ClearCache"]


def test_filters(plant: Plant) -> None:
    site = Site(plant)
    for name in ("CP01", "CP02"):
        site.charger_says(name, [2, "1", "Heartbeat", {}])
        site.charger_says(name, [2, "2", "DataTransfer", {"vendorId": "Acme"}])
    assert {f.charger for f in site.seen(charger="Depot.CP01")} == {"Depot.CP01"}
    assert {f.action for f in site.seen(actions=frozenset({"heartbeat"}))} == {"Heartbeat"}
    assert len(site.seen(text="acme")) == 2
    assert len(site.seen(sent=True)) == 0
    newest = site.seen(limit=1)
    assert newest[0].charger == "Depot.CP02"
    assert site.seen(after=newest[0].sequence) == []


def test_what_cannot_be_read_is_shown_as_it_came(plant: Plant) -> None:
    site = Site(plant)
    site.charger_says("CP01", b'[3,"1",{"configurationKey":[]')
    site.charger_says("CP01", b"\xff\xfe")
    site.charger_says("CP02", b"[" * 4_000 + b"]" * 4_000)
    assert [f.kind for f in site.seen()] == ["unreadable"] * 3
    assert site.seen()[0].text == '[3,"1",{"configurationKey":[]'


def test_memory_is_bounded(plant: Plant) -> None:
    site = Site(plant)
    for number in range(FRAMES_OF_ONE.stop + 100):
        site.charger_says("CP01", [2, str(number), "Heartbeat", {}])
    site.charger_says("CP02", [2, "1", "DataTransfer", {"vendorId": "x" * 20_000}])
    assert len(site.seen(limit=10_000, charger="Depot.CP01")) == FRAMES_OF_ONE.stop - 1
    (long,) = site.seen(charger="Depot.CP02")
    assert len(long.text) < BYTES_KEPT + 100
    assert long.text.endswith("bytes)")


def test_a_follower_that_fails_disturbs_nobody(plant: Plant) -> None:
    site = Site(plant)
    seen: list[TracedFrame] = []

    def fail(_frame: TracedFrame) -> None:
        raise RuntimeError("the page is gone")

    site.trace.follow(FrameFilter(), fail)
    end = site.trace.follow(FrameFilter(charger="Depot.CP01"), seen.append)
    site.charger_says("CP01", [2, "1", "Heartbeat", {}])
    site.we_say("CP01", [3, "1", {}])
    site.charger_says("CP02", [2, "1", "Heartbeat", {}])
    end()
    site.charger_says("CP01", [2, "2", "Heartbeat", {}])
    assert [(f.kind, f.action) for f in seen] == [("call", "Heartbeat"), ("result", "Heartbeat")]


@pytest.mark.parametrize(
    "frame",
    [
        [2, "1", "ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}],
        [3, "1", {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]}],
        [3, "1", {"configurationKey": [{"value": SECRET, "readonly": False, "key": "Vendor.WifiPassword"}]}],
        [2, "1", "GetDiagnostics", {"location": f"ftp://CP01:{SECRET}@127.0.0.1:2121/in/"}],
    ],
)
def test_secrets_are_left_out(frame: list[object]) -> None:
    text = orjson.dumps(frame).decode()
    for shown in (redacted(frame, text), redacted(None, text[:-2])):
        assert SECRET not in shown
        assert HIDDEN in shown


def test_other_values_stay(plant: Plant) -> None:
    frame = [2, "1", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}]
    text = orjson.dumps(frame).decode()
    assert redacted(frame, text) == redacted(None, text) == text
    assert not is_secret("SupportedFeatureProfiles")
    assert is_secret("SecurityCtrlr.BasicAuthPassword")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.lists(
        st.tuples(st.booleans(), st.binary(max_size=60) | _json.map(lambda one: json.dumps(one).encode())),
        max_size=20,
    )
)
def test_any_frame_can_be_looked_at(plant: Plant, frames: list[tuple[bool, bytes]]) -> None:
    site = Site(plant)
    for sent, raw in frames:
        site.taps["CP01"](sent, raw)
    assert len(site.seen()) == len(frames)
