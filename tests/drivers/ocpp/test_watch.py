"""Pings, silence, pace and what stands in a request: without a socket."""

from __future__ import annotations

import base64

import pytest

from scada.drivers.ocpp.handshake import identity_of, password_of, pick
from scada.drivers.ocpp.turns import Pace
from scada.drivers.ocpp.watch import Watch


class Line:
    def __init__(self) -> None:
        self.heard_s, self.pings, self.aborted = 0.0, 0, False

    def send_ping(self) -> None:
        self.pings += 1

    def abort(self) -> None:
        self.aborted = True


def test_a_charger_is_pinged_and_closed_when_it_is_silent() -> None:
    now = 0.0
    watch, line = Watch(lambda: now), Line()
    watch.add(line, "CP", ping_s=30, heartbeat_s=60)
    for now in range(1, 121):
        line.heard_s = now
        watch.look()
    assert (line.pings, line.aborted) == (4, False)
    now = 181.0
    watch.look()
    assert line.aborted


def test_a_charger_that_knows_no_pings_lives_by_its_heartbeats() -> None:
    now = 0.0
    watch, line = Watch(lambda: now), Line()
    watched = watch.add(line, "CP", ping_s=30, heartbeat_s=60)
    watched.ping_s = 0
    now = 180.0
    watch.look()
    assert (line.pings, line.aborted) == (0, False)
    now = 181.0
    watch.look()
    assert line.aborted


def test_a_flood_is_read_slowly_and_a_days_queue_at_once() -> None:
    pace = Pace(per_s=100, burst=1_000)
    assert max(pace.wait_s(5.0) for _ in range(1_000)) == 0
    waits = [pace.wait_s(5.0) for _ in range(100)]
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(1.0)
    assert pace.wait_s(60.0) == 0


def test_giant_messages_count_as_several() -> None:
    pace = Pace(per_s=100, burst=1_000)
    waits = [pace.wait_s(5.0, 256 * 1024) for _ in range(20)]
    assert waits[0] == 0
    assert waits[-1] == pytest.approx(20 * 65 / 100 - 10)


@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/ocpp//CP1/", "CP1"),
        ("/ocpp/CP%2A1?x=1", "CP*1"),
        ("/ocpp/", ""),
        ("/CP1", ""),
        ("/ocpp/a/b", ""),
        ("/ocpp/" + "x" * 49, ""),
        ("/ocpp/%00", ""),
    ],
)
def test_identities(path: str, identity: str) -> None:
    assert identity_of(path, "/ocpp/") == identity


def test_passwords_may_hold_anything_and_identities_no_colon() -> None:
    def header(text: bytes) -> str:
        return "BASIC  " + base64.b64encode(text).decode()

    assert password_of(header(b"CP1:a:b\xff"), "CP1") == b"a:b\xff"
    assert password_of(header(b"CP2:x"), "CP1") is None
    assert password_of(header(b"CP:1:x"), "CP:1") is None
    assert password_of("Basic ?", "CP1") is None


def test_subprotocols_as_chargers_spell_them() -> None:
    assert pick(["ocpp2.0.1", "OCPP1.6"], ["ocpp1.6"]) == "OCPP1.6"
    assert pick(["soap"], ["ocpp1.6"]) is None
