"""Which profiles a transition of an alarm is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from scada.core.access import LEVEL_MAX
from scada.core.plant import OnCallProfile, Plant
from scada.core.records import AlarmTransition
from scada.core.tag import ExpressionText
from scada.core.value import TimeUs

Filter: TypeAlias = Callable[[AlarmTransition, TimeUs], bool]
"""Whether a profile's expression is true for a transition at a moment."""


class Rule(NamedTuple):
    """A profile with its compiled filter."""

    profile: OnCallProfile
    filter: Filter | None


class Profiles:
    """All profiles, in the order of the file.

    Args:
        make_filter: compiles an expression on alarm and tags.
    """

    def __init__(self, plant: Plant, make_filter: Callable[[ExpressionText], Filter]) -> None:
        self.by_name: dict[str, Rule] = {
            profile.name: Rule(profile, make_filter(profile.filter) if profile.filter else None)
            for profile in plant.profiles
        }
        self._of_level: list[list[Rule]] = [
            [
                rule
                for rule in self.by_name.values()
                if rule.profile.levels[0] <= number <= rule.profile.levels[1]
            ]
            for number in range(LEVEL_MAX + 1)
        ]
        self._default = {level.number: self.by_name.get(level.oncall) for level in plant.levels}

    def of(self, transition: AlarmTransition, now_us: TimeUs) -> list[Rule]:
        """The profiles that an alarm goes to, whatever events each is told of.

        The default profile of a level takes its alarms without regard to its own levels, sites and filter.
        """
        level = transition.level
        of_level = self._of_level[level] if 0 <= level <= LEVEL_MAX else ()
        rules = [rule for rule in of_level if _selects(rule, transition, now_us)]
        default = self._default.get(level)
        if default is not None and default not in rules:
            rules.append(default)
        return rules


def _selects(rule: Rule, transition: AlarmTransition, now_us: TimeUs) -> bool:
    profile = rule.profile
    return (
        (not profile.sites or transition.site in profile.sites)
        and (not profile.domains or transition.domain in profile.domains)
        and (not profile.natures or transition.nature in profile.natures)
        and (rule.filter is None or rule.filter(transition, now_us))
    )
