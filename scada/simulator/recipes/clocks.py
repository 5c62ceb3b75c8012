"""What time they believe it is, and how they write it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from scada.simulator.recipes.wire import Payload, Recipe

_KEYS = ("timestamp",)


def bend_times(value: Any, bend: Callable[[datetime], str]) -> Any:
    """A payload with each of its timestamps written anew."""
    if isinstance(value, dict):
        return {
            key: bend(datetime.fromisoformat(one))
            if key in _KEYS and isinstance(one, str)
            else bend_times(one, bend)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [bend_times(one, bend) for one in value]
    return value


class OldTimestamps(Recipe):
    """Meter values of a year ago, without measurand, in kWh with three decimals."""

    name = "alfen_old_timestamps"
    seen = "Alfen Eve (lbbrhzn/ocpp#18, #44)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues alone."""
        if action != "MeterValues":
            return payload
        payload = bend_times(payload, lambda one: (one - timedelta(days=365)).isoformat())
        for value in payload["meterValue"]:
            for sample in value["sampledValue"]:
                if sample["measurand"] == "Energy.Active.Import.Register":
                    del sample["measurand"]
                    sample |= {"value": f"{int(sample['value']) / 1000:.3f}", "unit": "kWh"}
        return payload


class LocalTime(Recipe):
    """Local time without zone: of a zone two hours east of Greenwich."""

    name = "growatt_local_time"
    seen = "Growatt THOR (evcc-io/evcc#10399)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """All of them."""
        zone = timezone(timedelta(hours=2))
        bent = bend_times(payload, lambda one: one.astimezone(zone).replace(tzinfo=None).isoformat())
        return dict(bent)


class AheadAfterBoot(Recipe):
    """Two hours ahead (local time with a Z) until the first heartbeat."""

    name = "chago_two_hours_ahead"
    seen = "Chago (steve-community/steve#136)"

    def __init__(self) -> None:
        self._told = False

    def call(self, action: str, payload: Payload) -> Payload | None:
        """States after the boot."""
        if action == "Heartbeat":
            self._told = True
        if self._told or action != "StatusNotification":
            return payload
        return dict(bend_times(payload, lambda one: (one + timedelta(hours=2)).isoformat()))


class ShortOffset(Recipe):
    """An offset without minutes."""

    name = "monta_short_offset"
    seen = "monta's emulator (monta-app/ocpp-emulator#5, #53)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """All of them."""
        zone = timezone(timedelta(hours=2))
        return dict(bend_times(payload, lambda one: f"{one.astimezone(zone):%Y-%m-%dT%H:%M:%S}+02"))


class Epoch(Recipe):
    """1970, as a clock without battery has it, in every message."""

    name = "microocpp_1970"
    seen = "MicroOcpp (matth-x/MicroOcpp#311, #354)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """All of them, with what has passed since the first."""
        first = self.__dict__.setdefault("_first", datetime.now(UTC))
        epoch = datetime(1970, 1, 1, 0, 0, 0, 740_000, tzinfo=UTC)
        return dict(bend_times(payload, lambda one: (epoch + max(timedelta(0), one - first)).isoformat()))


class YearOne(Recipe):
    """A time that was never set: the year 1."""

    name = "ocppgo_year_one"
    seen = "clients on ocpp-go (lorenzodonini/ocpp-go#20)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """All but those of the transaction's ends."""
        if action in ("StartTransaction", "StopTransaction"):
            return payload
        return dict(bend_times(payload, lambda _: "0001-01-01T00:00:00Z"))


RECIPES = (OldTimestamps, LocalTime, AheadAfterBoot, ShortOffset, Epoch, YearOne)
