"""Who is told of a transition, how, and when the message may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scada.alarming.oncall import MAIL_PATH
from scada.core.errors import NotFound
from scada.core.plant import DutySpan, EventNotice, Level, OnCallSettings, QuietHours, Rota, Shift, Team
from scada.core.records import AlarmEvent, AlarmState, Channel
from scada.core.tag import ExpressionText
from scada.core.value import SECOND_US

if TYPE_CHECKING:
    from tests.alarming.oncall.conftest import Kit

FAULT = "Depot.CP01.Fault"


@pytest.mark.parametrize(
    ("selects", "told"),
    [
        ({}, True),
        ({"levels": (20, 20)}, True),
        ({"levels": (21, 29)}, False),
        ({"sites": ("Depot",)}, True),
        ({"sites": ("Mall",)}, False),
        ({"domains": ("charging",)}, True),
        ({"domains": ("metering",)}, False),
        ({"natures": ("fault",)}, True),
        ({"natures": ("link",)}, False),
        ({"states": ("returned",)}, False),
        ({"filter": ExpressionText(text="yes")}, True),
        ({"filter": ExpressionText(text="no")}, False),
    ],
)
def test_a_profile_selects(kit: Kit, selects: dict[str, Any], told: bool) -> None:
    world = kit.World(profiles=(kit.profile(**selects),))
    world.filters["no"] = False
    assert bool(world.raised()) is told


def test_each_state_is_told_to_whom_it_is_for(kit: Kit) -> None:
    world = kit.World(
        profiles=tuple(
            kit.profile(state, ("Ann",), states=(state,))
            for state in ("raised", "returned", "acknowledged", "unshelved")
        )
    )
    assert [m.profile for m in world.raised()] == ["raised"]
    assert [m.profile for m in world.returned()] == ["returned"]
    assert [m.profile for m in world.acknowledged()] == ["acknowledged"]
    assert world.move(FAULT, AlarmEvent.SHELVED, AlarmState.SHELVED) == []
    assert [m.profile for m in world.move(FAULT, AlarmEvent.UNSHELVED, AlarmState.NORMAL)] == ["unshelved"]


@pytest.mark.parametrize(
    "event",
    [
        event
        for event in AlarmEvent  # in order: each worker of pytest-xdist must see the same tests
        if event.value not in ("raised", "returned", "acknowledged", "unshelved")
    ],
)
def test_the_rest_is_told_to_nobody(kit: Kit, event: AlarmEvent) -> None:
    everything = kit.profile(states=tuple(event.value for event in AlarmEvent))
    assert kit.World(profiles=(everything,)).move(FAULT, event, AlarmState.ACTIVE_UNACKNOWLEDGED) == []


def test_one_message_a_contact_and_channel_however_many_profiles_name_them(kit: Kit) -> None:
    both = (Channel.EMAIL, Channel.WEBHOOK)
    world = kit.World(
        contacts=(kit.contact("Ann", webhook="https://hook.example/ann"), kit.contact("Bob")),
        teams=(Team(name="Team", contacts=("Ann", "Bob")),),
        profiles=(
            kit.profile("first", ("Team", "Ann"), channels=both, window_us=60 * SECOND_US),
            kit.profile("second", ("Ann", "Bob"), template="other", window_us=5 * SECOND_US),
        ),
    )
    messages = world.raised()
    assert [(m.contact, m.channel) for m in messages] == [
        ("Ann", Channel.EMAIL), ("Ann", Channel.WEBHOOK), ("Bob", Channel.EMAIL),
    ]  # fmt: skip
    assert {m.template for m in messages} == {"alarm"}
    # The shorter of the windows counts: nobody is told later for being named twice.
    assert [m.not_before_us - world.now_us for m in messages] == [5_000_000, 60_000_000, 5_000_000]
    assert len({m.message_id for m in messages}) == 3


def test_a_level_has_a_profile_of_its_own(kit: Kit) -> None:
    levels = tuple(
        Level(number=n, name={}, priority="high", severity=1, oncall="night" if n == 20 else "")
        for n in range(30)
    )
    profiles = (kit.profile("day", ("Ann",), levels=(0, 5)), kit.profile("night", ("Bob",), levels=(29, 29)))
    world = kit.World(profiles=profiles)
    object.__setattr__(world.plant, "levels", levels)
    world.restart()
    assert [m.contact for m in world.raised()] == ["Bob"]


def test_the_alarm_about_the_mail_path_goes_by_webhook_only(kit: Kit) -> None:
    ann = kit.contact("Ann", webhook="https://hook.example/ann", sms="ann@sms.example")
    world = kit.World(
        contacts=(ann,), profiles=(kit.profile(channels=tuple(Channel), states=("raised", "returned")),)
    )
    assert [m.channel for m in world.raised(MAIL_PATH)] == [Channel.WEBHOOK]
    assert [m.channel for m in world.returned(MAIL_PATH)] == [Channel.WEBHOOK]


def test_the_messages_of_an_occurrence_are_one_conversation(kit: Kit) -> None:
    world = kit.World(profiles=(kit.profile(to=("Ann", "Bob"), states=("raised", "returned")),))
    heads = {m.contact: m.message_id for m in world.raised()}
    world.restart(60)
    assert {m.contact: m.thread_id for m in world.returned()} == heads
    world.acknowledged()
    world.tick(seconds=100)
    assert not set(heads.values()) & {m.message_id for m in world.raised()}


def test_two_people_in_other_letters_are_two(kit: Kit) -> None:
    for names in (("王伟", "李娜"), ("Zoë", "Zoé"), ("A B", "A_B")):
        world = kit.World(
            contacts=tuple(kit.contact(name, email="duty@depot.example") for name in names),
            profiles=(kit.profile(to=names),),
        )
        ids = {m.message_id for m in world.raised()}
        assert len(ids) == 2
        assert all(one.isascii() and one.isprintable() for one in ids)


def test_after_a_start_messages_wait_for_others(kit: Kit) -> None:
    world = kit.World(oncall=OnCallSettings(restart_window_us=30 * SECOND_US))
    start_us = world.now_us
    world.tick(seconds=10)
    assert world.raised()[0].not_before_us == start_us + 30 * SECOND_US
    world.tick(seconds=25)
    assert world.raised("Depot.CP02.Fault")[0].not_before_us == 0


@pytest.mark.parametrize(
    ("now", "level", "until"),
    [
        ("2026-06-01T21:59", 20, ""),
        ("2026-06-01T22:00", 20, "2026-06-02T06:00:00"),
        ("2026-06-02T05:59", 20, "2026-06-02T06:00:00"),
        ("2026-06-02T06:00", 20, ""),
        ("2026-06-02T03:00", 22, ""),
        ("2026-03-29T01:30", 20, "2026-03-29T06:00:00"),  # the night is an hour shorter
        ("2026-10-25T01:30", 20, "2026-10-25T06:00:00"),
    ],
)
def test_raised_at_night_waits_for_the_morning(kit: Kit, now: str, level: int, until: str) -> None:
    quiet = QuietHours(begin_min=22 * 60, end_min=6 * 60, below_level=22)
    world = kit.World(
        now, "Europe/Paris", contacts=(kit.contact("Ann", quiet=quiet, timezone="Europe/Paris"),)
    )
    (message,) = world.raised(level=level)
    assert (world.local(message.not_before_us) if message.not_before_us else "") == until


def test_a_critical_alarm_waits_for_no_morning(kit: Kit) -> None:
    quiet = QuietHours(begin_min=0, end_min=1439, below_level=29)
    world = kit.World(contacts=(kit.contact("Ann", quiet=quiet),))
    (message,) = world.raised(level=26)
    assert message.urgent
    assert message.not_before_us == 0


def test_events_are_told_to_who_wants_them(kit: Kit) -> None:
    world = kit.World(
        notices=(
            EventNotice(name="boots", to=("Ann",), event="boot", sites=("Depot",)),
            EventNotice(name="all boots", to=("Ann", "Bob"), event="boot"),
        ),
    )
    messages = [*world.event("boot", "Depot.CP01", vendor="X" * 100_000), *world.event("boot", "Depot.CP01")]
    assert [(m.contact, m.profile) for m in messages] == [("Ann", "boots"), ("Bob", "all boots")] * 2
    assert len({m.message_id for m in messages}) == 4
    assert kit.facts(messages[0])["left_out"] is True
    assert kit.facts(messages[2])["site"] == "Depot"
    assert [m.contact for m in world.event("boot", "Mall.CP01")] == ["Ann", "Bob"]
    assert world.event("link", "Depot.CP01") == []


def test_who_is_on_duty_is_told_and_shown(kit: Kit) -> None:
    rota = Rota(
        name="Duty",
        timezone="UTC",
        shifts=(
            Shift(days=tuple(range(7)), begin_min=0, end_min=720, who=("Ann",)),
            Shift(days=tuple(range(7)), begin_min=720, end_min=1440, who=("Team",)),
        ),
    )
    world = kit.World(
        "2026-06-01T11:00", rotas=(rota,), teams=(Team(name="Team", contacts=("Bob", "Ann")),),
        profiles=(kit.profile(to=("Duty",)),),
    )  # fmt: skip
    assert world.oncall.duties(world.now_us) == {"Duty": ("Ann",)}
    assert [m.contact for m in world.raised()] == ["Ann"]
    world.tick("2026-06-01T12:00")
    assert world.oncall.duties(world.now_us) == {"Duty": ("Bob", "Ann")}
    assert [m.contact for m in world.raised("Depot.CP02.Fault")] == ["Bob", "Ann"]
    world.oncall.set_calendar(
        "Duty", [DutySpan(begin_us=world.now_us, end_us=world.now_us + SECOND_US, who=("Ann",))]
    )
    assert world.oncall.duties(world.now_us) == {"Duty": ("Ann",)}
    spans = world.oncall.duty_spans("Duty", world.now_us - SECOND_US, world.now_us + 2 * SECOND_US)
    assert [span.who for span in spans] == [("Ann",), ("Team",)]
    for call in (lambda: world.oncall.duty_spans("No", 0, 1), lambda: world.oncall.set_calendar("No", [])):
        with pytest.raises(NotFound):
            call()


def test_others_send_through_the_same_door(kit: Kit) -> None:
    quiet = QuietHours(begin_min=0, end_min=1439)
    world = kit.World(
        contacts=(kit.contact("Ann", quiet=quiet), kit.contact("Bob", email="", sms="bob@sms.example")),
        teams=(Team(name="Team", contacts=("Ann", "Bob")),),
    )
    messages = world.oncall.message(("Team", "Ann"), "action", {"text": "x"}, world.now_us)
    again = world.oncall.message(("Team",), "action", {"text": "x"}, world.now_us, urgent=True)
    assert [(m.contact, m.channel) for m in messages] == [("Ann", Channel.EMAIL), ("Bob", Channel.SMS)]
    assert [bool(m.not_before_us) for m in (*messages, *again)] == [True, False, False, False]
    assert len({m.message_id for m in (*messages, *again)}) == 4
