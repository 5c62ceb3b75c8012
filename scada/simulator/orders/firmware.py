"""Firmware management profile, and its signed counterpart of the security whitepaper."""

from __future__ import annotations

from typing import Any

from scada.core import moment
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import Handler
from scada.simulator.certificates import CertificateStore
from scada.simulator.maintenance import Maintenance, Update, Upload
from scada.simulator.orders.common import Charger, Payload


class FirmwareOrders:
    """Handlers of firmware, diagnostics and logs."""

    def __init__(self, charger: Charger, maintenance: Maintenance, certificates: CertificateStore) -> None:
        self._charger = charger
        self._maintenance = maintenance
        self._certificates = certificates

    def handlers(self) -> dict[str, Handler]:
        """Action → handler."""
        return {
            "UpdateFirmware": self._update,
            "SignedUpdateFirmware": self._signed_update,
            "GetDiagnostics": self._diagnostics,
            "GetLog": self._log,
        }

    async def _update(self, request: Payload) -> Payload:
        self._maintenance.update(
            Update(
                location=request["location"],
                retrieve_us=_time(request, "retrieveDate"),
                retries=request.get("retries", 0),
                retry_s=request.get("retryInterval", 0),
            )
        )
        return {}

    async def _signed_update(self, request: Payload) -> Payload:
        firmware = request["firmware"]
        if not self._certificates.trusts_signer(firmware["signingCertificate"]):
            self._charger.security_event("InvalidFirmwareSigningCertificate")
            return {"status": "InvalidCertificate"}
        cancelled = self._maintenance.update(
            Update(
                location=firmware["location"],
                retrieve_us=_time(firmware, "retrieveDateTime"),
                install_us=_time(firmware, "installDateTime") if "installDateTime" in firmware else 0,
                retries=request.get("retries", 0),
                retry_s=request.get("retryInterval", 0),
                request_id=request["requestId"],
                certificate=firmware["signingCertificate"],
                signature=firmware["signature"],
            )
        )
        return {"status": "AcceptedCanceled" if cancelled else "Accepted"}

    async def _diagnostics(self, request: Payload) -> Payload:
        name = f"{self._charger.hardware.charger.name}-diagnostics.log"
        body = self._maintenance.log_text(*_span(request, "startTime", "stopTime"))
        self._maintenance.leave(
            Upload(
                location=request["location"],
                name=name,
                body=body,
                retries=request.get("retries", 0),
                retry_s=request.get("retryInterval", 0),
            )
        )
        return {"fileName": name}

    async def _log(self, request: Payload) -> Payload:
        wanted = request["log"]
        name = f"{self._charger.hardware.charger.name}-{request['logType']}.log"
        cancelled = self._maintenance.leave(
            Upload(
                location=wanted["remoteLocation"],
                name=name,
                body=self._maintenance.log_text(*_span(wanted, "oldestTimestamp", "latestTimestamp")),
                retries=request.get("retries", 0),
                retry_s=request.get("retryInterval", 0),
                request_id=request["requestId"],
            )
        )
        return {"status": "AcceptedCanceled" if cancelled else "Accepted", "filename": name}


def _time(request: dict[str, Any], name: str) -> int:
    time_us = moment.parse(request[name])
    if time_us is None:
        raise CallError("PropertyConstraintViolation", f"{name}: no time")
    return time_us


def _span(request: dict[str, Any], first: str, last: str) -> tuple[int, int]:
    from_us = _time(request, first) if first in request else 0
    return from_us, _time(request, last) if last in request else 2**62
