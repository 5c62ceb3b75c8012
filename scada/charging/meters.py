"""Energy of a transaction out of registers that chargers count in different ways.

Some registers count the charger's lifetime, some begin at 0 with each session, and some chargers mix the two: the one in
samples with a transactionId, the other in StartTransaction and StopTransaction. Two registers of different sources are
never subtracted from each other.
"""

from __future__ import annotations

from scada.charging.matching import flagged
from scada.core.records import TransactionRecord

ENERGY_MAX_WH = 2_000_000
"""No vehicle takes more at once: a difference beyond is one of two different registers."""
LIFETIME_SURE_WH = 200_000
"""A register that stood beyond this at the start counts a lifetime."""

UNKNOWN, LIFETIME, SESSION = 0, 1, 2


class SampleMeter:
    """The energy of one open transaction, by its samples.

    Args:
        learned: what the connector's samples were last; `UNKNOWN`: not learned yet.

    Attributes:
        source: `LIFETIME` or `SESSION`, once it is clear.
        energy_wh: so far; never falls.
        sampled: whether samples told something.
    """

    __slots__ = ("_learned", "_named", "_sources", "_start_wh", "energy_wh", "sampled")

    def __init__(self, start_wh: int, energy_wh: int = 0, learned: int = UNKNOWN) -> None:
        self._start_wh = start_wh
        self._learned = learned
        self._sources = [UNKNOWN, UNKNOWN]
        """Of samples without and with our transactionId."""
        self._named = False
        self.energy_wh = energy_wh
        self.sampled = energy_wh > 0

    @property
    def source(self) -> int:
        """What its samples count."""
        return self._sources[self._named]

    def take(self, register_wh: float, named: bool) -> int | None:
        """The energy by a sample; None: the sample says nothing (of another register, backwards, impossible).

        Args:
            named: the sample came with our transactionId. Once such came, others do not count.
        """
        if named is not self._named:
            if not named:
                return None
            self._named = True
        source = self._sources[named]
        if source == UNKNOWN:
            source = self._sources[named] = self._guess(register_wh)
        energy_wh = int(register_wh) - (self._start_wh if source == LIFETIME else 0)
        if not self.energy_wh <= energy_wh <= ENERGY_MAX_WH:
            return None
        self.energy_wh = energy_wh
        self.sampled = True
        return energy_wh

    def _guess(self, register_wh: float) -> int:
        lifetime_wh, known_wh = register_wh - self._start_wh, self.energy_wh
        if lifetime_wh < known_wh and register_wh >= known_wh:
            return SESSION
        if lifetime_wh > ENERGY_MAX_WH and known_wh <= register_wh <= ENERGY_MAX_WH:
            return SESSION
        if self._start_wh < LIFETIME_SURE_WH and self._learned == SESSION and register_wh <= ENERGY_MAX_WH:
            return SESSION
        if known_wh and abs(register_wh - known_wh) < abs(lifetime_wh - known_wh):
            return SESSION
        return LIFETIME


def settle(record: TransactionRecord, meter_stop_wh: int, samples: SampleMeter) -> tuple[int, str]:
    """(energy, flags) of a transaction that ends with this register.

    The energy is what the two registers say, unless they cannot be of the same source: then it is that of the samples.
    """
    said_wh = meter_stop_wh - record.meter_start_wh
    flags = record.flags
    if samples.source == SESSION:
        flags = flagged(flags, "session_register")
    if said_wh < 0:
        session = samples.source == SESSION and samples.energy_wh <= meter_stop_wh <= ENERGY_MAX_WH
        return (meter_stop_wh if session else samples.energy_wh), flagged(flags, "meter_backwards")
    if said_wh > ENERGY_MAX_WH:
        return (samples.energy_wh if samples.sampled else said_wh), flagged(flags, "meter_implausible")
    return said_wh, flags
