"""Masks that mask each other, and what a mask may not do."""

from __future__ import annotations

import pytest

from scada.core.expression import ExpressionError
from scada.core.plant import Mask
from scada.core.tag import AlarmDefinition, ExpressionText
from scada.testing.cores import MemoryCore, bit, plant_of


def core_of(*masks: tuple[str, str]) -> MemoryCore:
    made = tuple(
        Mask(name=f"m{n}", select=select, when=ExpressionText(text=when))
        for n, (select, when) in enumerate(masks)
    )
    return MemoryCore(plant_of(*(bit(f"S.{name}", AlarmDefinition(level=9)) for name in "ABC"), masks=made))


def test_alarms_that_mask_each_other_in_a_circle_are_named() -> None:
    core = core_of(("S.B", "active(S.A)"), ("S.C", "active(S.B)"), ("S.A", "active(S.C)"))
    cycle = core.core.masks.cycle()
    assert cycle is not None
    assert {"S.A", "S.B", "S.C"} == set(cycle)
    assert core_of(("S.B", "active(S.A)"), ("S.C", "active(S.B)")).core.masks.cycle() is None


def test_an_alarm_does_not_mask_itself() -> None:
    core = core_of(("S.*", "active(S.A)"))
    assert core.core.masks.cycle() is None
    core.write({"S.A": True, "S.B": True})
    assert [view.path for view in core.board.views()] == ["S.A"]
    assert [mask.definition.name for mask in core.core.masks.holding()] == ["m0"]


def test_two_masks_of_one_alarm_both_must_go() -> None:
    core = core_of(("S.C", "active(S.A)"), ("S.C", "active(S.B)"))
    core.write({"S.A": True, "S.B": True, "S.C": True})
    core.write({"S.A": False})
    assert core.state("S.C").suppressed
    core.write({"S.B": False})
    assert core.state("S.C").active


@pytest.mark.parametrize("when", ["S.Nothing", "1", "active(S.D)"])
def test_a_wrong_condition_is_found_at_the_start(when: str) -> None:
    with pytest.raises(ExpressionError):
        core_of(("S.*", when))
