from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.alarming.threshold import attach_thresholds
from scada.core.database import TagDatabase
from scada.core.tag import Direction, Source, TagDefinition, ThresholdDefinition
from scada.core.value import GOOD, Kind, Quality

NOW = 1_790_000_000_000_000


def database(*thresholds: ThresholdDefinition) -> TagDatabase:
    made = TagDatabase(
        [
            TagDefinition(path="S.X", kind=Kind.REGISTER, source=Source.DRIVER, thresholds=thresholds),
            *(
                TagDefinition(path=f"S.X.{t.name}", kind=Kind.BIT, source=Source.THRESHOLD)
                for t in thresholds
            ),
        ]
    )
    attach_thresholds(made)
    return made


HI = ThresholdDefinition(name="Hi", direction=Direction.HIGH, limit=60, hysteresis=3)
LO = ThresholdDefinition(name="Lo", direction=Direction.LOW, limit=10, hysteresis=2)


@pytest.mark.parametrize(
    ("values", "hi", "lo"),
    [
        ([20], [False], [False]),
        ([60, 60.1, 58, 57, 56.9], [False, True, True, True, False], [False] * 5),
        ([10, 9.9, 11, 12, 12.1], [False] * 5, [False, True, True, True, False]),
        ([5, 70, 5], [False, True, False], [True, False, True]),
    ],
)
def test_set_beyond_the_limit_cleared_past_the_hysteresis(
    values: list[float], hi: list[bool], lo: list[bool]
) -> None:
    made = database(HI, LO)
    x = made["S.X"]
    seen = []
    for value in values:
        made.write([(x, float(value), GOOD, NOW)], NOW)
        seen.append((made["S.X.Hi"].value, made["S.X.Lo"].value))
    assert seen == list(zip(hi, lo, strict=True))


def test_bits_freeze_while_the_value_cannot_be_trusted() -> None:
    made = database(HI)
    x, bit = made["S.X"], made["S.X.Hi"]
    made.write([(x, 70.0, GOOD, NOW)], NOW)
    made.write([(x, 20.0, Quality.UNCERTAIN_LAST_USABLE_VALUE, NOW)], NOW)
    assert (bit.value, bit.quality) == (True, Quality.UNCERTAIN_LAST_USABLE_VALUE)
    made.write([(x, 20.0, GOOD, NOW)], NOW)
    assert (bit.value, bit.quality) == (False, GOOD)


@given(st.lists(st.floats(-20, 100), min_size=1, max_size=50))
def test_the_band_changes_nothing_but_the_cost(values: list[float]) -> None:
    """Against the obvious way: look at every threshold at each value."""
    made = database(HI, LO)
    x = made["S.X"]
    hi = lo = False
    for value in values:
        made.write([(x, value, GOOD, NOW)], NOW)
        hi = value >= 57 if hi else value > 60
        lo = value <= 12 if lo else value < 10
        assert (made["S.X.Hi"].value, made["S.X.Lo"].value) == (hi, lo)
