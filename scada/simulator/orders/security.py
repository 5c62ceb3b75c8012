"""The security whitepaper's certificates and extended trigger."""

from __future__ import annotations

from scada.drivers.ocpp.peer import Handler
from scada.simulator.certificates import CertificateStore
from scada.simulator.maintenance import Maintenance
from scada.simulator.orders.common import Charger, Payload
from scada.simulator.orders.core import CoreOrders


class SecurityOrders:
    """Handlers of certificates and triggers."""

    def __init__(
        self, charger: Charger, core: CoreOrders, maintenance: Maintenance, certificates: CertificateStore
    ) -> None:
        self._charger = charger
        self._core = core.handlers()
        self._maintenance = maintenance
        self._certificates = certificates

    def handlers(self) -> dict[str, Handler]:
        """Action → handler; the plain TriggerMessage knows the file transfers too."""
        return {
            "ExtendedTriggerMessage": self._trigger,
            "TriggerMessage": self._trigger,
            "CertificateSigned": self._signed,
            "InstallCertificate": self._install,
            "DeleteCertificate": self._delete,
            "GetInstalledCertificateIds": self._ids,
        }

    async def _trigger(self, request: Payload) -> Payload:
        match request["requestedMessage"]:
            case "SignChargePointCertificate":
                organization = self._charger.hardware.configuration.text("CpoName")
                csr = self._certificates.request(organization)
                self._charger.tell("SignCertificate", {"csr": csr})
            case "FirmwareStatusNotification":
                self._maintenance.tell_firmware()
            case "DiagnosticsStatusNotification" | "LogStatusNotification":
                self._maintenance.tell_upload()
            case _:
                return await self._core["TriggerMessage"](request)
        return {"status": "Accepted"}

    async def _signed(self, request: Payload) -> Payload:
        if not self._certificates.signed(request["certificateChain"]):
            self._charger.security_event("InvalidChargePointCertificate")
            return {"status": "Rejected"}
        self._charger.hardware.keep()
        if self._charger.hardware.configuration.number("SecurityProfile") == 3:
            self._charger.begin_reconnect()
        return {"status": "Accepted"}

    async def _install(self, request: Payload) -> Payload:
        status = self._certificates.install(request["certificateType"], request["certificate"])
        if status == "Rejected":
            self._charger.security_event("InvalidCentralSystemCertificate")
        self._charger.hardware.keep()
        return {"status": status}

    async def _delete(self, request: Payload) -> Payload:
        status = self._certificates.delete(request["certificateHashData"])
        self._charger.hardware.keep()
        return {"status": status}

    async def _ids(self, request: Payload) -> Payload:
        found = self._certificates.ids(request["certificateType"])
        return {"status": "Accepted", "certificateHashData": found} if found else {"status": "NotFound"}
