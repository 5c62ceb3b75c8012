"""What a charger can be asked for: what it says itself, what its make is known for, and what it has refused as unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scada.drivers.ocpp.profile import Profile

UNKNOWN_CODES = frozenset(("NotSupported", "NotImplemented"))
"""Codes of CALLERROR that mean: I do not know this action (OCPP 1.6J table 7)."""


class Capabilities:
    """Of one charger.

    Attributes:
        features: names of the feature profiles that it says it has; None: it has not said.
        unsupported: action → code with which it refused it as unknown.
    """

    def __init__(
        self, features: Iterable[str] | None = None, unsupported: Mapping[str, str] | None = None
    ) -> None:
        self.features = None if features is None else frozenset(features)
        self.unsupported = dict(unsupported or {})

    def experience(self, action: str, code: str) -> None:
        """The charger has answered a call with an error."""
        if code in UNKNOWN_CODES:
            self.unsupported[action] = code

    def has(self, feature: str, profile: Profile) -> bool:
        """Whether the charger has a feature profile, as far as is known."""
        if feature in profile.capabilities.lacks:
            return False
        return self.features is None or feature in self.features or feature in profile.capabilities.has

    def why_not(self, command: str, actions: Iterable[str], feature: str, profile: Profile) -> str:
        """Why a command is not for this charger, in words; empty: it may be tried.

        Args:
            actions: that the command needs.
            feature: feature profile that they belong to; empty: any charger has them.
        """
        if command in profile.commands.avoid:
            return f"chargers of this make ({profile.label}) must not be given {command}"
        for action in actions:
            if action in self.unsupported:
                return f"this charger does not know {action}: it answered {self.unsupported[action]}"
        if feature and not self.has(feature, profile):
            return f"this charger does not have the feature {feature}"
        return ""
