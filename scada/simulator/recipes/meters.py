"""What their meters tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from scada.simulator.recipes.wire import Payload, Recipe

REGISTER = "Energy.Active.Import.Register"


def samples(payload: Payload) -> Iterator[dict[str, Any]]:
    """The samples of MeterValues or StopTransaction."""
    for value in payload.get("meterValue") or payload.get("transactionData") or []:
        yield from value["sampledValue"]


class HugeTransaction(Recipe):
    """The largest number of 64 bits as transaction outside any."""

    name = "alfen_huge_transaction"
    seen = "Alfen Eve (lbbrhzn/ocpp#45)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues without transaction."""
        if action == "MeterValues" and "transactionId" not in payload:
            return payload | {"transactionId": 9223372036854775807}
        return payload


class StaleTransaction(Recipe):
    """The transaction of long ago outside any, a context on some samples only."""

    name = "enplus_stale_transaction"
    seen = "EN+ (evcc-io/evcc#14673, #15691)"
    pings = False

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues."""
        if action != "MeterValues":
            return payload
        for place, sample in enumerate(samples(payload)):
            if place % 2:
                sample.pop("context", None)
            else:
                sample["context"] = "Trigger"
        return {"transactionId": 3} | payload


class SessionRegister(Recipe):
    """The register counts from 0 in a transaction, and for life outside; so do start and stop."""

    name = "abb_session_register"
    seen = "ABB Terra AC (lbbrhzn/ocpp#374, #919)"
    whole: ClassVar[bool] = True
    """Whether start and stop count so too."""

    def __init__(self) -> None:
        self._began: dict[int, int] = {}
        self._by_id: dict[int, int] = {}

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Subtract the meter of the start."""
        if action == "StartTransaction":
            self._began[payload["connectorId"]] = payload["meterStart"]
            return payload | {"meterStart": 0} if self.whole else payload
        if action == "MeterValues" and "transactionId" in payload:
            began = self._began.get(payload["connectorId"], 0)
            for sample in samples(payload):
                if sample.get("measurand") == REGISTER:
                    sample["value"] = str(int(sample["value"]) - began)
        if action == "StopTransaction" and self.whole:
            began = self._by_id.get(payload["transactionId"], 0)
            return payload | {"meterStop": payload["meterStop"] - began}
        return payload

    def heard_answer(self, action: str, request: Payload, answer: Payload) -> Payload | None:
        """Learn the transaction's number."""
        if action == "StartTransaction":
            self._by_id[answer["transactionId"]] = self._began[request["connectorId"]]
        return answer


class MixedRegister(SessionRegister):
    """The register counts from 0 in MeterValues, start and stop tell that for life."""

    name = "grizzl_mixed_register"
    seen = "Grizzl-E (lbbrhzn/ocpp#2093)"
    whole = False


class FallingRegister(Recipe):
    """After a stop the register is a little ahead of what stop and next start say."""

    name = "wallbox_falling_register"
    seen = "Wallbox Copper (lbbrhzn/ocpp#1069)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """The register outside transactions, with decimals."""
        if action == "MeterValues" and "transactionId" not in payload:
            for sample in samples(payload):
                if sample.get("measurand") == REGISTER:
                    sample["value"] = f"{int(sample['value']) + 4.1:.1f}"
        return payload


class EmptySamples(Recipe):
    """A meter value without samples before each real one."""

    name = "vestel_empty_samples"
    seen = "Vestel EVC04 (lbbrhzn/ocpp#466)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues."""
        if action == "MeterValues":
            first = payload["meterValue"][0]["timestamp"]
            return payload | {
                "meterValue": [{"timestamp": first, "sampledValue": []}, *payload["meterValue"]]
            }
        return payload


class ExtraSample(Recipe):
    """One more sample in each meter value."""

    sample: ClassVar[Mapping[str, str]]

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues."""
        if action == "MeterValues":
            for value in payload["meterValue"]:
                value["sampledValue"].append(dict(self.sample))
        return payload


class PowerInWattHours(ExtraSample):
    """A power whose unit is one of energy."""

    name = "power_in_wh"
    seen = "lbbrhzn/ocpp#1618"
    sample: ClassVar = {"value": "0", "measurand": "Power.Active.Export", "unit": "Wh"}


class Hertz(ExtraSample):
    """A unit that the schema of 1.6 does not know."""

    name = "chargeamps_hertz"
    seen = "ChargeAmps Halo (lbbrhzn/ocpp#1576)"
    sample: ClassVar = {"value": "50.01", "measurand": "Frequency", "unit": "Hz"}


class OwnMeasurand(ExtraSample):
    """A measurand of the vendor's own."""

    name = "request_energy_measurand"
    seen = "mobilityhouse/ocpp#54"
    sample: ClassVar = {"value": "12", "measurand": "Request.Energy", "unit": "Wh"}


class SignedFactor(ExtraSample):
    """A power factor below 0, without unit."""

    name = "etrel_power_factor"
    seen = "Etrel Inch (lbbrhzn/ocpp#1217)"
    sample: ClassVar = {"value": "-0.147", "measurand": "Power.Factor", "phase": "L1"}

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Powers in kW besides."""
        for sample in samples(payload) if action == "MeterValues" else ():
            if sample.get("measurand") == "Power.Active.Import":
                sample |= {"value": f"{float(sample['value']) / 1000:.3f}", "unit": "kW"}
        return super().call(action, payload)


class KilowattHoursAsWattHours(Recipe):
    """The register in kWh, called Wh."""

    name = "openevse_kwh_as_wh"
    seen = "OpenEVSE 4.2.2 (OpenEVSE/openevse_esp32_firmware#703)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues."""
        for sample in samples(payload) if action == "MeterValues" else ():
            if sample.get("measurand") == REGISTER:
                sample["value"] = str(int(sample["value"]) // 1000)
        return payload


class ExportForImport(Recipe):
    """The register of export for what is imported."""

    name = "export_for_import"
    seen = "real charger stacks: Energy.Active.Export.Register used for import"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues."""
        for sample in samples(payload) if action == "MeterValues" else ():
            if sample.get("measurand") == REGISTER:
                sample["measurand"] = "Energy.Active.Export.Register"
        return payload


class SilentMeter(Recipe):
    """Takes every setting and never sends a meter value."""

    name = "wallbox_silent_meter"
    seen = "Wallbox Pulsar Pro (evcc-io/evcc#28541)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """MeterValues never leave."""
        return None if action == "MeterValues" else payload


class LeadingComma(Recipe):
    """Samples that begin with a comma: no JSON."""

    name = "beny_leading_comma"
    seen = "ZJ Beny BCP-A2N (lbbrhzn/ocpp#1078)"
    careless = frozenset({"MeterValues"})

    def frames(self, action: str, frame: bytes, *, is_call: bool) -> list[bytes]:
        """MeterValues."""
        if action == "MeterValues" and is_call:
            return [frame.replace(b'"sampledValue":[', b'"sampledValue":[,')]
        return [frame]


RECIPES = (
    HugeTransaction,
    StaleTransaction,
    SessionRegister,
    MixedRegister,
    FallingRegister,
    EmptySamples,
    PowerInWattHours,
    Hertz,
    OwnMeasurand,
    SignedFactor,
    KilowattHoursAsWattHours,
    ExportForImport,
    SilentMeter,
    LeadingComma,
)
