"""Who they say they are, and how they open the connection."""

from __future__ import annotations

from scada.simulator.recipes.wire import Payload, Recipe


class LongSerial(Recipe):
    """Serial numbers longer than the 25 characters of the standard."""

    name = "schneider_long_serial"
    seen = "Schneider EVlink Smart Wallbox (lbbrhzn/ocpp#213, mobilityhouse/ocpp#122)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Both serial numbers of the boot."""
        if action == "BootNotification":
            serial = "EVB1A22P2RI3N18234120012345678901"
            return payload | {"chargeBoxSerialNumber": serial, "chargePointSerialNumber": serial}
        return payload


class EmptyVendor(Recipe):
    """No vendor at all."""

    name = "huawei_empty_vendor"
    seen = "Huawei SCharger 22KT (evcc-io/evcc#32170)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """The vendor of the boot."""
        return payload | {"chargePointVendor": ""} if action == "BootNotification" else payload


class LongModel(Recipe):
    """A model name of 23 characters."""

    name = "hici_long_model"
    seen = "HICI (lorenzodonini/ocpp-go#359)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """The model of the boot."""
        if action == "BootNotification":
            return payload | {"chargePointModel": "HC-AC-Wallbox-22kW-2024"}
        return payload


class UnknownErrorCode(Recipe):
    """An error code that the standard does not know."""

    name = "legrand_error_code"
    seen = "Legrand GreenUp (lbbrhzn/ocpp#1248)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Every state of a connector while it is used."""
        if action == "StatusNotification" and payload["status"] not in ("Available", "Charging"):
            return payload | {"errorCode": "Error"}
        return payload


class NoSubprotocol(Recipe):
    """No Sec-WebSocket-Protocol; let in only where the project says so."""

    name = "grizzl_no_subprotocol"
    seen = "Grizzl-E (lbbrhzn/ocpp#442, steve-community/steve#1109)"
    offer = ""


class CommaSubprotocol(Recipe):
    """A comma before the subprotocol."""

    name = "keba_leading_comma"
    seen = "Keba x30 1.9 (dallmann-consulting/OCPP.Core#91)"
    offer = ",ocpp1.6"


class AbruptClose(Recipe):
    """The connection breaks without a close frame whenever a transaction has begun."""

    name = "abrupt_close"
    seen = "real charger stacks: TCP closed without a close frame, no boot after the reconnect"

    def heard_answer(self, action: str, request: Payload, answer: Payload) -> Payload | None:
        """The answer to StartTransaction still arrives."""
        if action == "StartTransaction":
            self.charger.lose_link(0.05, abruptly=True)
        return answer


RECIPES = (
    LongSerial,
    EmptyVendor,
    LongModel,
    UnknownErrorCode,
    NoSubprotocol,
    CommaSubprotocol,
    AbruptClose,
)
