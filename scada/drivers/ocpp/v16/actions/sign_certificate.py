"""SignCertificate (OCPP 1.6 security whitepaper, use cases A02 and A03): a charger asks for a certificate."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct

from scada.core.effects import Event
from scada.core.errors import BadRequest, ScadaError
from scada.core.records import AuditRecord
from scada.drivers.ocpp.frames import CallError
from scada.drivers.ocpp.peer import CallTimeout, PeerClosed
from scada.drivers.ocpp.station import Station, log
from scada.drivers.ocpp.turns import PeerBusy
from scada.identity.certificates import Issued
from scada.runtime.requests import Note

SIGNED = "certificate_signed"
"""Event: how it ended. Data: `status`, `text`, and of a signed one `serial` and `until_s`."""
PROFILE_MIN = 2
"""A charger asks over TLS, after it has proved who it is: nobody else must get a certificate in its name."""


class SignCertificate(Struct, rename="camel"):
    """Whitepaper 6.11."""

    csr: str


async def handle(station: Station, body: dict[str, Any]) -> dict[str, Any]:
    """Check the request and answer; the certificate follows by CertificateSigned."""
    request = station.read("SignCertificate", body, SignCertificate)
    await station.rare()
    reason = ""
    if station.link is None or station.link.profile < PROFILE_MIN:
        reason = f"the charger has not proved who it is over TLS (security profile {PROFILE_MIN})"
    elif station.signing is not None and not station.signing.done():
        reason = "a request of the charger is being signed already"
    else:
        try:
            await station.security.check_request(request.csr)
        except BadRequest as bad:
            reason = str(bad)
    if reason:
        log.warning("ocpp_certificate_refused", charger=station.charger.path, reason=reason)
        station.host.event(Event(SIGNED, station.charger.path, {"status": "Rejected", "text": reason}))
        return {"status": "Rejected"}
    # Not in this handler: the charger expects the answer first.
    name = f"sign {station.charger.identity}"
    station.signing = asyncio.get_running_loop().create_task(_deliver(station, request.csr), name=name)
    return {"status": "Accepted"}


async def _deliver(station: Station, csr: str) -> None:
    """Sign, keep that it was signed, and give it to the charger. The old certificate is good until the new is used."""
    issued: Issued | None = None
    try:
        issued = await station.security.sign(csr)
        await station.host.request(Note((_audit(station, issued),)))
        answer = await station.call("CertificateSigned", {"certificateChain": issued.chain})
        status, text = str(answer["status"]), f"the charger answered {answer['status']}"
    except (ScadaError, CallError, CallTimeout, PeerBusy, PeerClosed) as error:
        status, text = "Failed", str(error)
        log.warning("ocpp_certificate_not_delivered", charger=station.charger.path, reason=text)
    data: dict[str, Any] = {"status": status, "text": text}
    if issued is not None:
        data |= {"serial": issued.serial, "until_s": issued.until_s}
    station.host.event(Event(SIGNED, station.charger.path, data))


def _audit(station: Station, issued: Issued) -> AuditRecord:
    return AuditRecord(
        time_us=station.now_us(),
        user=f"<{station.charger.identity}>",
        origin="ocpp",
        action="certificate_issued",
        object=station.charger.path,
        new=issued.serial,
    )
