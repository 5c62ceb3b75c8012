"""No flood: windows, digests and limits, over a real outbox and a real mail server, with a clock that leaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scada.core.access import Actor, Right
from scada.core.plant import Contact
from scada.core.records import AlarmState
from scada.core.value import SECOND_US
from scada.runtime.requests import Shelve
from scada.testing.clock import FakeClock

OPERATOR = Actor("olga", frozenset(Right), "test")


def body(mail: Any, kind: str = "plain") -> str:
    return str(mail.get_body((kind,)).get_content())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def raised(helpers: Any, clock: FakeClock, number: int, **changes: Any) -> Any:
    return helpers.row(number, created_us=clock.now_us(), **changes)


async def test_a_window_makes_one_message(server: Any, start: Any, helpers: Any, clock: FakeClock) -> None:
    site = await start(server.port, clock=clock)
    later_us = clock.now_us() + 5 * SECOND_US
    rows = [
        raised(helpers, clock, 1, not_before_us=later_us),
        raised(helpers, clock, 2, not_before_us=later_us + 3 * SECOND_US, alarm={"alarm": "Depot.CP01.Hot", "level": 10}),
        raised(helpers, clock, 3, not_before_us=later_us, alarm={"event": "returned", "state": "normal"}),
    ]  # fmt: skip
    await site.put(*rows)
    clock.leap(6)
    await helpers.wait(lambda: server.mails)
    (mail,) = server.mails
    assert mail["Message-ID"] == "<1@scada>"
    assert mail["References"].split() == ["<3@scada>", "<2@scada>"]
    assert mail["Subject"] == "ALARM: Too hot · CP01 (Bay 1) · North depot and 1 more"
    text = body(mail)
    assert "Returned to normal: Charger offline" in text, "the newest state of each alarm"
    assert "2 alarms · 1 not acknowledged" in text

    async def settled() -> bool:
        return {row.state for row in (await site.rows()).values()} == {"sent"}

    await helpers.wait(settled)
    by_cause = {row.record.cause: row for row in (await site.rows()).values()}
    assert [by_cause[n].sent_with for n in (1, 2, 3)] == [0, by_cause[1].id, by_cause[1].id]
    assert [bool(by_cause[n].text) for n in (1, 2, 3)] == [True, False, False]
    assert {row.sent_us for row in by_cause.values()} == {clock.now_us()}


async def test_raised_and_returned_within_the_window_is_told_as_returned(
    server: Any, start: Any, helpers: Any, clock: FakeClock
) -> None:
    site = await start(server.port, clock=clock)
    await site.stop()
    back = {"event": "returned", "state": AlarmState.RETURNED_UNACKNOWLEDGED.value}
    await site.put(raised(helpers, clock, 1), raised(helpers, clock, 2, alarm=back))
    site.start()
    await helpers.wait(lambda: server.mails)
    assert server.mails[0]["Subject"] == "Returned to normal: Charger offline · CP01 (Bay 1) · North depot"
    assert "Raised:        2026-01-01 11:00:00 CET" in body(server.mails[0])


async def test_a_flood_is_one_bounded_message(
    server: Any, start: Any, helpers: Any, clock: FakeClock
) -> None:
    site = await start(server.port, clock=clock)
    await site.stop()
    await site.put(*(raised(helpers, clock, n, alarm={"alarm": f"Depot.X{n}"}) for n in range(1, 1_001)))
    site.start()
    await helpers.wait(lambda: server.mails)

    async def settled() -> bool:
        return {row.state for row in (await site.rows()).values()} == {"sent"}

    await helpers.wait(settled)
    assert len(server.mails) == 1
    assert "1000 alarms · 1000 not acknowledged" in body(server.mails[0])
    assert "and 975 more" in body(server.mails[0], "html")
    assert len(server.mails[0].as_bytes()) < 100_000


async def test_past_the_limit_one_digest_says_what_was_held_back(
    server: Any, start: Any, helpers: Any, clock: FakeClock, plant: Any
) -> None:
    few = replace(plant.contacts[0], per_hour=2)
    site = await start(server.port, clock=clock, changes={"contacts": (few,)})

    async def states() -> list[str]:
        rows = {row.record.cause: row.state for row in (await site.rows()).values()}
        return [rows[number] for number in sorted(rows)]

    async def all_sent(number: int) -> bool:
        return await states() == ["sent"] * number

    for number in (1, 2):
        await site.put(raised(helpers, clock, number, alarm={"alarm": f"Depot.X{number}"}))
        await helpers.wait(lambda wanted=number: len(server.mails) == wanted)
        await helpers.wait(lambda wanted=number: all_sent(wanted))  # it bears the time before the leap
        clock.leap(60)
    for number in (3, 4, 5):
        await site.put(raised(helpers, clock, number, alarm={"alarm": f"Depot.X{number}"}))
        clock.leap(60)

    async def held() -> bool:
        return await states() == ["sent", "sent", "held", "held", "held"]

    await helpers.wait(held)
    critical = raised(
        helpers, clock, 6, urgent=True, recipient="other@example.org", alarm={"alarm": "Depot.X6"}
    )
    await site.put(critical)
    await helpers.wait(lambda: len(server.mails) == 3)
    assert server.recipients[-1] == "other@example.org", "another address has a limit of its own"
    clock.leap(3600 - 5 * 60 + 1)
    await helpers.wait(lambda: len(server.mails) == 4)
    digest = server.mails[3]
    assert digest["Subject"].startswith("Digest: 3 alarms, 3 not acknowledged")
    assert "Messages held back because of the hourly limit: 3, since 2026-09-21" in body(digest)
    await helpers.wait(lambda: states())
    assert len(server.mails) == 4


async def test_an_urgent_message_passes_the_limit_and_takes_the_held_along(
    server: Any, start: Any, helpers: Any, clock: FakeClock, plant: Any
) -> None:
    few = replace(plant.contacts[0], per_hour=1)
    site = await start(server.port, clock=clock, changes={"contacts": (few,)})
    await site.put(raised(helpers, clock, 1))
    await helpers.wait(lambda: len(server.mails) == 1)
    await site.put(raised(helpers, clock, 2, alarm={"alarm": "Depot.CP01.Hot", "level": 10}))

    async def held() -> bool:
        return "held" in {row.state for row in (await site.rows()).values()}

    await helpers.wait(held)
    await site.put(raised(helpers, clock, 3, urgent=True, alarm={"alarm": "Depot.X"}))
    await helpers.wait(lambda: len(server.mails) == 2)
    assert "held back because of the hourly limit: 1" in body(server.mails[1])
    assert "Too hot" in body(server.mails[1])


async def test_reports_are_not_merged(server: Any, start: Any, helpers: Any, clock: FakeClock) -> None:
    site = await start(server.port, clock=clock)
    await site.stop()
    snapshot = '{"kind": "report", "report": "Daily", "site": "", "time_us": 1790000000000000, "from_us": 0}'
    report = replace(raised(helpers, clock, 2), template="report", snapshot=snapshot)
    await site.put(
        raised(helpers, clock, 1), report, raised(helpers, clock, 3, alarm={"alarm": "Depot.CP01.Hot"})
    )
    site.start()
    await helpers.wait(lambda: len(server.mails) == 2)
    text = next(body(mail) for mail in server.mails if mail["Message-ID"] == "<2@scada>")
    assert "North depot" in text
    assert "0 online, 1 offline (CP01)" in text
    assert "Energy: 0.0 kWh" in text
    assert "Day and night: Ann" in text


async def test_a_contact_who_is_gone_still_gets_what_was_meant_for_him(
    server: Any, start: Any, helpers: Any, clock: FakeClock
) -> None:
    site = await start(server.port, clock=clock, changes={"contacts": (Contact(name="Zoe", email="z@example.org", language="en"),), "profiles": ()})  # fmt: skip
    await site.put(raised(helpers, clock, 1))
    await helpers.wait(lambda: server.recipients == ["ann@example.org"])


async def test_what_is_suppressed_before_it_is_sent_is_withdrawn(
    server: Any, start: Any, helpers: Any, clock: FakeClock
) -> None:
    site = await start(server.port, clock=clock)
    later_us = clock.now_us() + 5 * SECOND_US
    hot = {"alarm": "Depot.CP01.Hot", "level": 10}
    await site.put(
        raised(helpers, clock, 1, not_before_us=later_us),
        raised(helpers, clock, 2, not_before_us=later_us, alarm=hot),
    )
    await site.host.request(
        Shelve(("Depot.CP01.Online",), clock.now_us() + 3600 * SECOND_US, OPERATOR, "works")
    )
    clock.leap(6)
    await helpers.wait(lambda: server.mails)
    (mail,) = server.mails
    assert mail["Subject"] == "ALARM: Too hot · CP01 (Bay 1) · North depot"

    async def settled() -> bool:
        return {row.state for row in (await site.rows()).values()} == {"sent", "withdrawn"}

    await helpers.wait(settled)


async def test_a_latched_alarm_is_not_told_as_returned(
    server: Any, start: Any, helpers: Any, clock: FakeClock
) -> None:
    site = await start(server.port, clock=clock)
    await site.stop()
    latched = {"event": "returned", "state": AlarmState.LATCHED_UNACKNOWLEDGED.value}
    await site.put(raised(helpers, clock, 1), raised(helpers, clock, 2, alarm=latched))
    site.start()
    await helpers.wait(lambda: server.mails)
    assert server.mails[0]["Subject"].startswith("ALARM, held until reset: Charger offline")
