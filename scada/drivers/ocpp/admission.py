"""Who may come in: each request is looked at before its handshake is answered, and a refusal is told once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from scada.core.plant import Plant
from scada.drivers.ocpp.handshake import identity_of, password_of
from scada.drivers.ocpp.listener import Connection
from scada.drivers.ocpp.pending import WaitingRoom
from scada.drivers.ocpp.security import ClientCertificate, Link, Refusal
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.tls import TlsDoor

REFUSALS_REMEMBERED = 1_000
"""Refused identities and addresses that are counted apart; further ones are neither logged nor counted."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may come in, and how it has come."""

    station: Station
    link: Link


class Admission:
    """Decides at the doors.

    Args:
        stations: by identity.
        pending: where unknown chargers wait; None: they are refused.
    """

    def __init__(
        self, plant: Plant, stations: Mapping[str, Station], tls: TlsDoor, pending: WaitingRoom | None
    ) -> None:
        self._plant, self._stations, self._tls, self._pending = plant, stations, tls, pending
        self._path = plant.network.ocpp_path.rstrip("/") + "/"
        self._refused: dict[str, int] = {}

    async def admit(self, secure: bool, connection: ServerConnection, request: Request) -> Response | None:
        """Let only chargers of the project in, and them only with what their security profile asks for."""
        assert isinstance(connection, Connection)
        if getattr(request, "method", "GET") != "GET":
            return connection.respond(HTTPStatus.METHOD_NOT_ALLOWED, "use GET\n")
        identity = identity_of(request.path, self._path)
        station = self._stations.get(identity)
        if station is None:
            return await self._unknown(identity, connection, secure=secure)
        link = self._judge(station, connection, request, secure=secure)
        if isinstance(link, Refusal):
            self.refused(identity, link.reason)
            if link.reason != "password":
                return connection.respond(HTTPStatus.FORBIDDEN, f"{link.reason}\n")
            response = connection.respond(HTTPStatus.UNAUTHORIZED, "basic authentication\n")
            response.headers["WWW-Authenticate"] = 'Basic realm="OCPP", charset="UTF-8"'
            return response
        await station.security.connected(link)
        connection.ticket = Ticket(station, link)
        return None

    async def _unknown(self, identity: str, connection: Connection, *, secure: bool) -> Response | None:
        """Refuse it, or let it wait where the project says so and its security profile fits the door."""
        profile, reason = self._plant.ocpp.security_profile, "unknown"
        if identity and self._pending is not None:
            reason = ""
            if profile >= 2 and not secure:
                reason = "transport"
            elif profile == 3:
                certificate = self._certificate(connection)
                good = certificate is not None and certificate.serial not in self._tls.revoked
                if not good or certificate is None or identity not in certificate.names:
                    reason = "certificate"
            reason = reason or await self._pending.admit(identity, connection.address, secure=secure)
        if reason:
            self.refused(identity, reason)
            return connection.respond(HTTPStatus.NOT_FOUND, "no such charge point\n")
        connection.ticket = identity
        return None

    def _certificate(self, connection: Connection) -> ClientCertificate | None:
        tls = connection.transport.get_extra_info("ssl_object")
        return self._tls.certificate(tls.getpeercert(binary_form=True))

    def _judge(
        self, station: Station, connection: Connection, request: Request, *, secure: bool
    ) -> Link | Refusal:
        identity = station.charger.identity
        authorizations = request.headers.get_all("Authorization")
        return station.security.judge(
            secure=secure,
            password=password_of(authorizations[0], identity) if len(authorizations) == 1 else None,
            certificate=self._certificate(connection) if secure else None,
            revoked=self._tls.revoked,
            address=connection.address,
        )

    def refused(self, who: str, reason: str) -> None:
        """Tell that somebody was refused."""
        # Once each, and a bound on how many are remembered: an attacker must not fill memory or log.
        key = f"{who[:48]} {reason[:80]}"
        count = self._refused.get(key, 0)
        if count == 0 and len(self._refused) < REFUSALS_REMEMBERED:
            log.warning("ocpp_refused", who=ascii(who[:48]), reason=ascii(reason[:200]))
        if count or len(self._refused) < REFUSALS_REMEMBERED:
            self._refused[key] = count + 1
