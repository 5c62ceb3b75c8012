"""What may stand in project.toml about the books: tariffs, and how far two meters may differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from scada.project.charging_schema import TimeOfDay
from scada.project.fields import SecretReference, Segment, Strict
from scada.project.oncall_schema import BeginOfDay

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _exact(value: Any) -> Any:
    # What TOML reads as 0.1 is meant as 0.1.
    return Decimal(repr(value)) if isinstance(value, float) else value


Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100_000, max_digits=12, decimal_places=6)]


class PricesSection(Strict):
    """Prices by energy and time."""

    per_kwh: Price = Decimal(0)
    per_minute: Price = Decimal(0)


class BandSection(PricesSection):
    """[[tariffs.bands]]: prices of a time of the day; `from` = `to` means the whole day."""

    name: Annotated[str, Field(max_length=40)] = ""
    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    days: Annotated[list[str], Field(max_length=7)] = list(DAYS)


class TariffSection(PricesSection):
    """[[tariffs]]. Without `sites` everywhere, without `plans` for every token."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    fixed: Price = Decimal(0)
    sites: Annotated[list[str], Field(max_length=1_000)] = []
    plans: Annotated[list[str], Field(max_length=100)] = []
    bands: Annotated[list[BandSection], Field(max_length=20)] = []


class BookkeepingSection(Strict):
    """[sessions]: how far the station's own meter may differ from the charger's, the larger of the two."""

    meter_tolerance_percent: Annotated[float, Field(ge=0, le=100)] = 2.0
    meter_tolerance_wh: Annotated[int, Field(ge=0, le=1_000_000)] = 200


class ExportSection(Strict):
    """[[exports]]: every so many minutes, or at a time of the day."""

    name: Segment
    url: Annotated[SecretReference, Field(min_length=1)]
    what: Annotated[list[Literal["sessions", "alarms", "audit", "energy"]], Field(min_length=1, max_length=4)]
    every_min: Annotated[int, Field(ge=1, le=10_080)] | None = None
    at: BeginOfDay | None = None
    prefix: Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9_]*)?$", max_length=30)] = ""
