"""The demand window: what may flow in the rest of a quarter hour so that its mean keeps the contract."""

from __future__ import annotations

GAP_MAX_S = 60.0
"""A meter that was silent for longer: what flowed meanwhile is taken at the contract's power."""
REST_MIN_S = 30.0
"""Within the last seconds of a window the rest is not divided by ever less."""


class DemandWindow:
    """Energy of the window that runs. Windows begin on whole multiples of their length in wall-clock time."""

    def __init__(self, limit_kw: float, window_s: int) -> None:
        self.limit_kw = limit_kw
        self.window_s = window_s
        self._window: int | None = None
        self._kws = 0.0
        self._before_s: float | None = None

    def allowed_kw(self, now_s: float, wall_s: float, power_kw: float | None) -> float:
        """What may flow until the window ends.

        Args:
            now_s: of the clock that never leaps.
            wall_s: seconds since 1970; where it leaps, the new window begins as if it had kept the contract so far.
            power_kw: that flows; None: not known.
        """
        window, into_s = divmod(wall_s, self.window_s)
        passed_s = 0.0 if self._before_s is None else max(0.0, now_s - self._before_s)
        self._before_s = now_s
        if self._window != int(window):
            began = self._window is not None and int(window) == self._window + 1
            self._window = int(window)
            self._kws = 0.0 if began else self.limit_kw * into_s
            passed_s = min(passed_s, into_s) if began else 0.0
        known = power_kw is not None and passed_s <= GAP_MAX_S
        self._kws += (power_kw if known and power_kw is not None else self.limit_kw) * passed_s
        rest_s = max(REST_MIN_S, self.window_s - into_s)
        return max(0.0, (self.limit_kw * self.window_s - self._kws) / rest_s)
