"""What they make of charging profiles."""

from __future__ import annotations

from scada.simulator.recipes.wire import Payload, Recipe

_REJECTED = {"status": "Rejected"}


class LevelZeroOnly(Recipe):
    """Profiles of stack level 0 only; it reboots when it has to measure too much."""

    name = "abb_stack_level_zero"
    seen = "ABB Terra AC 1.8, Wallbox 5 (evcc-io/evcc#15493, lbbrhzn/ocpp#1275)"

    def heard(self, action: str, payload: Payload) -> Payload | None:
        """Profiles and measurands."""
        if action == "SetChargingProfile" and payload["csChargingProfiles"]["stackLevel"] > 0:
            return dict(_REJECTED)
        if (
            action == "ChangeConfiguration"
            and payload["key"] == "MeterValuesSampledData"
            and payload["value"].count(",") > 9
        ):
            self.charger.begin_reset("HardReset")
        return None


class ZeroStops(Recipe):
    """Profiles in W only, and a limit of 0 ends the transaction."""

    name = "huawei_zero_stops"
    seen = "Huawei SCharger (evcc-io/evcc#29274)"

    def heard(self, action: str, payload: Payload) -> Payload | None:
        """Profiles."""
        if action != "SetChargingProfile":
            return None
        schedule = payload["csChargingProfiles"]["chargingSchedule"]
        if schedule["chargingRateUnit"] != "W":
            return dict(_REJECTED)
        if schedule["chargingSchedulePeriod"][0]["limit"] == 0:
            hardware = self.charger.hardware
            for number in [payload["connectorId"]] if payload["connectorId"] else hardware.outlets:
                if number in hardware.outlets:
                    hardware.stop(number, "Remote")
        return None


class NoProfiles(Recipe):
    """Every profile is rejected while another system manages the energy."""

    name = "schneider_rejects_profiles"
    seen = "Schneider EVlink (lbbrhzn/ocpp#877)"

    def heard(self, action: str, payload: Payload) -> Payload | None:
        """Profiles."""
        return dict(_REJECTED) if action == "SetChargingProfile" else None


class WattsOnly(Recipe):
    """Profiles in W only, and it says so."""

    name = "watts_only"
    seen = "real charger stacks: profiles only in W"

    def heard(self, action: str, payload: Payload) -> Payload | None:
        """Profiles."""
        if action != "SetChargingProfile":
            return None
        unit = payload["csChargingProfiles"]["chargingSchedule"]["chargingRateUnit"]
        return dict(_REJECTED) if unit == "A" else None

    def answer(self, action: str, request: Payload, payload: Payload) -> Payload:
        """GetConfiguration."""
        for entry in payload.get("configurationKey", ()) if action == "GetConfiguration" else ():
            if entry["key"] == "ChargingScheduleAllowedChargingRateUnit":
                entry["value"] = "Power"
        return payload


RECIPES = (LevelZeroOnly, ZeroStops, NoProfiles, WattsOnly)
