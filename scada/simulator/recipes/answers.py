"""How they answer."""

from __future__ import annotations

from typing import Any

from scada.simulator.recipes.wire import Payload, Recipe


class TruncatedJson(Recipe):
    """GetConfiguration is answered with half a frame, errors have four elements."""

    name = "grizzl_truncated_json"
    seen = "Grizzl-E 5.x (lbbrhzn/ocpp#176, #442, #899)"

    def error(self, frame: list[Any]) -> list[Any]:
        """Without details, with a code of a later list."""
        return [frame[0], frame[1], "FormationViolation", frame[3]]

    def frames(self, action: str, frame: bytes, *, is_call: bool) -> list[bytes]:
        """The answer ends where the keys begin."""
        if action == "GetConfiguration" and not is_call:
            return [frame[: frame.index(b"[", 1) + 1]]
        return [frame]


class LooseKeys(Recipe):
    """Keys whose readonly is 0 or 1, and whose values are numbers."""

    name = "scame_loose_keys"
    seen = "Scame (evcc-io/evcc#26253, mobilityhouse/ocpp#582, #695)"

    def answer(self, action: str, request: Payload, payload: Payload) -> Payload:
        """GetConfiguration."""
        for entry in payload.get("configurationKey", ()) if action == "GetConfiguration" else ():
            entry["readonly"] = "true" if entry["readonly"] else 0
            if str(entry.get("value", "")).isdecimal():
                entry["value"] = int(entry["value"])
        return payload


class RateUnitName(Recipe):
    """The rate unit is called W."""

    name = "rate_unit_w"
    seen = "several (evcc-io/evcc, charger/ocpp/cp_setup.go)"

    def answer(self, action: str, request: Payload, payload: Payload) -> Payload:
        """GetConfiguration."""
        for entry in payload.get("configurationKey", ()) if action == "GetConfiguration" else ():
            if entry["key"] == "ChargingScheduleAllowedChargingRateUnit":
                entry["value"] = "W"
        return payload


RECIPES = (TruncatedJson, LooseKeys, RateUnitName)
