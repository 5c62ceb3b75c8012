"""The on-call page: duties, profiles in words, previews; and the outbox with what became of each message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from scada.core.message_ports import OutboxRow
from scada.core.plant import EscalationStep, OnCallProfile
from scada.core.records import Channel, OutboxRecord
from scada.hmi.pages import mails, oncall, outbox

MINUTE_US = 60_000_000
PROFILE = OnCallProfile(
    name="Night",
    to=("Depot team",),
    levels=(20, 29),
    sites=("Depot",),
    domains=("safety", "own"),
    states=("raised", "returned"),
    steps=(EscalationStep(after_us=5 * MINUTE_US, to=("Engineers",), channels=(Channel.SMS, Channel.EMAIL)),),
    repeat_us=3600 * 1_000_000,
    repeat_max=3,
)
MESSAGE = OutboxRow(
    id=7,
    record=OutboxRecord(
        message_id="<1@scada.invalid>",
        thread_id="",
        created_us=1_790_000_000_000_000,
        contact="Duty engineer",
        recipient="duty@depot.example",
        language="en",
        template="alarm",
        cause=4,
        snapshot="{}",
        profile="Night",
        level=22,
    ),
    state="sent",
    attempts=2,
    next_try_us=0,
    last_answer="250 kept",
    subject="ALARM: <b>",
    text="line 1\nline <2>",
    sent_us=1_790_000_001_000_000,
)


def test_a_profile_in_words(world: Any) -> None:
    assert oncall.profile_sentences(world.visit(), PROFILE) == [
        "Alarms of level 20 to 29, at Depot North, domain safety, own; when raised, returned: to Depot team by e-mail.",
        "Not acknowledged after 5 min: to Engineers by short message, e-mail.",
        "The last step is repeated every 1 h, at most 3 times.",
        "It ends when somebody acknowledges; a return to normal alone does not end it.",
    ]
    ends = replace(PROFILE, ends_on_return=True)
    assert oncall.profile_sentences(world.visit(), ends)[-1].endswith("returns to normal.")
    assert len(oncall.profile_sentences(world.visit(), replace(PROFILE, steps=()))) == 1
    french = " ".join(oncall.profile_sentences(world.visit(language="fr"), PROFILE))
    assert "Non acquittée après 5 min" in french
    assert "short message" not in french


async def test_who_is_on_duty_now_is_said_and_what_comes(world: Any) -> None:
    view = await oncall.build(world.visit("op"))
    now = world.host.core.oncall.duties(world.clock.now_us())["Engineers"]
    html = str(view.main)
    assert f"<b>{', '.join(now)}</b>" in html
    assert "/api/v1/oncall/Engineers.ics" in html
    assert 'data-deed="test"' not in html
    assert 'data-deed="test"' in str((await oncall.build(world.visit("admin"))).main)


async def test_a_preview_is_shown_in_a_frame_that_can_do_nothing(world: Any) -> None:
    html = str((await oncall.build(world.visit("op", template="alarm", preview="fr"))).main)
    assert "alarm in fr" in html
    assert "&lt;b&gt;plain" in html
    assert 'sandbox=""' in html
    for template, language in (("nothing", "fr"), ("alarm", "xx"), ("../x", "en")):
        assert oncall.chosen_preview(world.visit(), template, language) is None


async def test_the_outbox_tells_what_became_of_a_message(world: Any) -> None:
    held = replace(MESSAGE, id=8, state="held", sent_us=0, text="", attempts=0, next_try_us=MESSAGE.sent_us)
    carried = replace(MESSAGE, id=6, sent_with=7)
    later = replace(held, id=9, state="waiting", attempts=3)
    world.archive.messages = [later, held, MESSAGE, carried]
    html = str((await outbox.build(world.visit("op"))).main)
    assert "line &lt;2&gt;" in html
    assert "with no. 7" in html
    assert "kept back: its contact has had the messages of this hour" in html
    assert "tried 3 times without success" in html
    assert "250 kept" in html
    assert "/mails/outbox.csv" in html


async def test_who_sees_not_all_alarms_reads_no_messages_about_them(world: Any) -> None:
    world.archive.messages = [MESSAGE]
    html = str((await outbox.build(world.visit("night"))).main)
    assert "Duty engineer" in html
    assert "ALARM" not in html
    assert "line 1" not in html
    # The catcher's mails are the same texts.
    assert "Mail catcher" not in str((await mails.build(world.visit("night"))).main)
    assert "Mail catcher" in str((await mails.build(world.visit("op"))).main)
