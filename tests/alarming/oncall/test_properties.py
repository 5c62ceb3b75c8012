"""Whatever happens, in whatever order, and however often we are started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scada.core.plant import EscalationStep, OnCallSettings, QuietHours, Rota, Shift, Team
from scada.core.records import AlarmEvent, AlarmState, Channel
from scada.core.value import SECOND_US

if TYPE_CHECKING:
    from tests.alarming.oncall.conftest import Kit

MOVES = (
    (AlarmEvent.RAISED, AlarmState.ACTIVE_UNACKNOWLEDGED),
    (AlarmEvent.RAISED, AlarmState.ACTIVE_ACKNOWLEDGED),
    (AlarmEvent.RETURNED, AlarmState.RETURNED_UNACKNOWLEDGED),
    (AlarmEvent.RETURNED, AlarmState.NORMAL),
    (AlarmEvent.RETURNED, AlarmState.LATCHED_UNACKNOWLEDGED),
    (AlarmEvent.ACKNOWLEDGED, AlarmState.ACTIVE_ACKNOWLEDGED),
    (AlarmEvent.ACKNOWLEDGED, AlarmState.NORMAL),
    (AlarmEvent.ACKNOWLEDGED, AlarmState.SHELVED),
    (AlarmEvent.RESET, AlarmState.NORMAL),
    (AlarmEvent.COMMENTED, AlarmState.ACTIVE_UNACKNOWLEDGED),
    (AlarmEvent.SHELVED, AlarmState.SHELVED),
    (AlarmEvent.UNSHELVED, AlarmState.NORMAL),
    (AlarmEvent.UNSHELVED, AlarmState.SUPPRESSED),
    (AlarmEvent.SUPPRESSED, AlarmState.SUPPRESSED),
    (AlarmEvent.UNSUPPRESSED, AlarmState.NORMAL),
    (AlarmEvent.OUT_OF_SERVICE, AlarmState.OUT_OF_SERVICE),
)
HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(("Depot.CP01.Fault", "Mall.CP01.Fault", "System.MailOk")), st.sampled_from(MOVES)
        ),
        st.tuples(st.just("tick"), st.sampled_from((0.5, 5, 20, 61, 300, 1000, 4000))),
        st.tuples(st.just("restart"), st.sampled_from((0, 30, 1000, 10_000))),
    ),
    max_size=60,
)


def plant_parts(kit: Kit) -> dict[str, Any]:
    both = (Channel.EMAIL, Channel.WEBHOOK)
    steps = (
        EscalationStep(after_us=60 * SECOND_US, to=("Duty",), channels=both),
        EscalationStep(after_us=600 * SECOND_US, to=("Team",), channels=both),
    )
    states = ("raised", "returned", "acknowledged", "unshelved")
    hook = "https://hook.example/x"
    return {
        "contacts": (
            kit.contact("Ann", webhook=hook, quiet=QuietHours(begin_min=0, end_min=720)),
            kit.contact("Bob", webhook=hook),
        ),
        "teams": (Team(name="Team", contacts=("Ann", "Bob")),),
        "rotas": (
            Rota(
                name="Duty", timezone="UTC", fallback=("Bob",),
                shifts=(Shift(days=(0, 2, 4), begin_min=0, end_min=800, who=("Ann",)),),
            ),
        ),
        "profiles": (
            kit.profile("one", ("Team", "Duty"), states=states, channels=both, steps=steps, repeat_us=900 * SECOND_US, repeat_max=2),
            kit.profile("two", ("Duty", "Ann"), states=states[:2], steps=steps[:1], ends_on_return=True, window_us=5 * SECOND_US),
        ),
        "oncall": OnCallSettings(restart_window_us=30 * SECOND_US),
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(happenings=HAPPENINGS)
def test_nothing_suppressed_is_mailed_each_step_is_once_and_ids_are_unique(
    kit: Kit, happenings: list[tuple[Any, Any]]
) -> None:
    world = kit.World("2026-06-01T11:30", **plant_parts(kit))
    for what, how in happenings:
        if what == "tick":
            messages = world.tick(seconds=how)
        elif what == "restart":
            messages = world.restart(how)
        else:
            messages = world.move(what, *how)
            readers = [(m.contact, m.channel) for m in messages]
            assert len(readers) == len(set(readers)), "twice for one transition"
        for message in messages:
            facts = kit.facts(message)
            state = world.states[facts["alarm"]].state
            assert facts["state"] == state.value
            assert not state.suppressed
            assert message.not_before_us == 0 or message.not_before_us > world.now_us
            if facts["alarm"] == "System.MailOk":
                assert message.channel is Channel.WEBHOOK
    ids = [m.message_id for m in world.messages]
    assert len(ids) == len(set(ids))
    assert all(one.isascii() and one.isprintable() and " " not in one for one in ids)
    steps = [
        (f["alarm"], f["profile"], f["since_us"], f["step"], m.contact, m.channel)
        for m in world.messages
        if "step" in (f := kit.facts(m))
    ]
    assert len(steps) == len(set(steps))
    # What is on disk and in memory agree: nothing is open of an alarm that is.
    for (alarm, profile), record in world.escalations.items():
        state = world.states[alarm].state
        running = world.oncall._escalations._alarms.get(alarm, {}).get(profile)
        if not record.ended:
            assert running is not None
            assert not state.suppressed
            assert state is not AlarmState.NORMAL


@settings(max_examples=100, deadline=None)
@given(ticks=st.lists(st.integers(1, 700), min_size=1, max_size=40), restarts=st.sets(st.integers(0, 39)))
def test_each_step_is_taken_exactly_once_whenever_we_look_and_start(
    kit: Kit, ticks: list[int], restarts: set[int]
) -> None:
    steps = tuple(EscalationStep(after_us=n * 600 * SECOND_US, to=("Ann",)) for n in range(1, 6))
    world = kit.World(profiles=(kit.profile("night", ("Bob",), steps=steps),))
    world.raised()
    total = 0
    for number, seconds in enumerate(ticks):
        if number in restarts:
            world.restart()
        world.tick(seconds=seconds)
        total += seconds
    taken = [kit.facts(m)["step"] for m in world.messages[1:]]
    assert taken == list(range(1, min(5, total // 600) + 1))
