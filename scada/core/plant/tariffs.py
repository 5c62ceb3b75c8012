"""What charging costs: prices by energy and time, by time of day. Money is `Decimal`, never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

ALL_DAYS = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices that hold at one time.

    Attributes:
        per_kwh: of energy.
        per_minute: of being connected in a transaction, whether energy flows or not.
    """

    per_kwh: Decimal = Decimal(0)
    per_minute: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Band:
    """A time of the day with prices of its own; it may go over midnight, and then belongs to the day it begins on.

    Attributes:
        from_min, to_min: minutes after midnight in the site's zone; equal: the whole day.
        days: 0 (Monday) to 6.
    """

    from_min: int
    to_min: int
    prices: Prices
    days: tuple[int, ...] = ALL_DAYS
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """A price list.

    Attributes:
        currency: ISO 4217.
        fixed: of each session.
        prices: outside all bands.
        bands: the first that holds counts.
        sites: paths where it holds; empty: everywhere.
        plans: of tokens that it is for; empty: for every token that no other tariff of the site names.
    """

    name: str
    currency: str
    fixed: Decimal = Decimal(0)
    prices: Prices = Prices()
    bands: tuple[Band, ...] = ()
    sites: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bookkeeping:
    """What is worked out of sessions that have ended.

    Attributes:
        tolerance_percent, tolerance_wh: by how much charger and station meter may differ, the larger of the two
            (MID class B is 1 % at the meter itself; chargers without a class differ more).
    """

    tariffs: tuple[Tariff, ...] = ()
    tolerance_percent: float = 2.0
    tolerance_wh: int = 200

    def tariff_for(self, site: str, plan: str) -> Tariff | None:
        """The tariff of a session: one that names plan and site, else the plan, else the site, else one for all."""
        best, best_rank = None, -1
        for tariff in self.tariffs:
            if tariff.sites and site not in tariff.sites:
                continue
            if tariff.plans and plan not in tariff.plans:
                continue
            rank = 2 * bool(tariff.plans) + bool(tariff.sites)
            if rank > best_rank:
                best, best_rank = tariff, rank
        return best
