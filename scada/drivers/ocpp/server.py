"""The central system's end: listens for chargers, knows them by the URL, hands each to its station."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from websockets.typing import Subprotocol

from scada.core.device_ports import LimitHabit
from scada.core.errors import ScadaError
from scada.core.file_ports import FileExchange
from scada.core.plant import Plant
from scada.core.secrecy import HIDDEN, is_secret
from scada.core.value import GOOD
from scada.drivers.ocpp import security
from scada.drivers.ocpp.admission import Admission, Ticket
from scada.drivers.ocpp.console import Console
from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.handshake import pick
from scada.drivers.ocpp.knowledge import Knowledge
from scada.drivers.ocpp.listener import Connection, Listener
from scada.drivers.ocpp.pending import INTERVAL_S, WaitingRoom
from scada.drivers.ocpp.recorder import Recorder, Sink
from scada.drivers.ocpp.security import ChargerSecurity, Link, SecurityDocument
from scada.drivers.ocpp.station import Station
from scada.drivers.ocpp.tls import TlsDoor
from scada.drivers.ocpp.trace import Trace
from scada.drivers.ocpp.v16 import DIALECT as V16
from scada.drivers.ocpp.v16.commands.set_limit import NEED as SET_LIMIT_NEED
from scada.drivers.ocpp.watch import Watch
from scada.identity.certificates import Authority
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

REFRESH_S = 60.0
"""How often the files of the TLS door are looked at."""
DAY_S = 86_400

DIALECTS: Mapping[str, Dialect] = {V16.version: V16}
"""By order of preference."""

log = structlog.get_logger()


class OcppServer:
    """Serves the chargers of a plant.

    Args:
        secret: reads a secret by its reference (`env:NAME`, `file:PATH`).
        documents: what is kept of each charger's credentials, and what is known of it.
        files: where chargers fetch and upload files; None: there is no file server.
        sink: where frames are kept (`[ocpp] message_log_days`); None: they are not.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        router: CommandRouter,
        secret: Callable[[str], str | None],
        documents: Documents,
        files: FileExchange | None = None,
        sink: Sink | None = None,
    ) -> None:
        self._plant = plant
        self._host = host
        self.authority = Authority(plant.directory / "data" / "certificates", plant.certificates.organization)
        self.tls = TlsDoor(plant, self.authority, secret)
        self.watch = Watch()
        self.stations: dict[str, Station] = {}
        self.knowledge = Knowledge.open(plant, documents)
        drawer = documents.drawer(security.KIND, SecurityDocument)
        self.recorder: Recorder | None = None
        if sink is not None and plant.ocpp.message_log_days:
            settings = plant.ocpp
            self.recorder = Recorder(sink, host.clock, settings.message_log_days, settings.message_log_frames)
        trace = Trace(host.clock, sum(1 for _ in plant.ocpp_chargers()), self.recorder)
        self.console = Console(plant, trace, self._dialect_of)
        for charger in plant.ocpp_chargers():
            # An unreadable secret locks the charger out; it never lets it in without one.
            password = (secret(charger.basic_auth_ref) or "") if charger.basic_auth_ref else None
            if password and not security.SHORT <= len(password) <= security.LONG:
                log.warning(
                    "ocpp_password_length",
                    charger=charger.path,
                    wanted=f"{security.SHORT} to {security.LONG}",
                )
            keys = ChargerSecurity(charger, drawer, password, self.authority, plant.certificates.charger_days)
            station = Station(charger, host, self.knowledge, keys, trace.tap(charger), files)
            self.stations[charger.identity] = station
            router.register(charger.path, station)
        self.pending: WaitingRoom | None = None
        if plant.ocpp.unknown == "pending":
            self.pending = WaitingRoom(host, documents, self._device_type)
        self.listening = asyncio.Event()
        self._admission = Admission(plant, self.stations, self.tls, self.pending)

    def _dialect_of(self, charger: str) -> Dialect:
        station = self.stations[self._plant.chargers_by_path[charger].identity]
        return station.dialect or V16

    def limit_habit(self, charger: str, number: int) -> LimitHabit:
        """How a connector takes limits now."""
        station = self.stations.get(self._plant.chargers_by_path[charger].identity)
        if station is None:  # of another protocol: its limits stand
            return LimitHabit(leases=False)
        limit = station.profile.limit
        if limit.method == "none":
            return LimitHabit(takes=False)
        if limit.method == "key":
            return LimitHabit(leases=False)
        if station.why_not("SetLimit", SET_LIMIT_NEED):
            return LimitHabit(takes=False)
        if limit.purpose == "TxProfile":
            return LimitHabit(takes=station.host.core.sessions.open_on(charger, number) is not None)
        return LimitHabit()

    def configuration(self, charger: str) -> Mapping[str, tuple[str, bool]]:
        """The configuration keys of a charger as last learned: key → (value, read-only); secrets are left out."""
        found = self._plant.chargers_by_path.get(charger)
        station = self.stations.get(found.identity) if found is not None else None
        if station is None:
            return {}
        return {
            key: (HIDDEN if value and is_secret(key) else value, readonly)
            for key, (value, readonly) in station.configuration.items()
        }

    async def run(self, sock: socket.socket, tls_sock: socket.socket | None = None) -> None:
        """Listen until cancelled.

        Args:
            sock: bound; a duplicate is used, so that the service can be started again.
            tls_sock: of the TLS door; None: it is closed.
        """
        # Nobody is connected yet: delays of the offline alarms run from here.
        now_us = self._host.clock.now_us()
        online = [station.tag("Online") for station in self.stations.values()]
        self._host.write([(tag, False, GOOD, now_us) for tag in online if tag and tag.value is None])
        doors = [self._door(sock, secure=False)]
        if tls_sock is not None:
            await asyncio.to_thread(self.tls.refresh)
            doors.append(self._door(tls_sock, secure=True))
        try:
            async with asyncio.TaskGroup() as group:
                for door in doors:
                    group.create_task(door.run())
                group.create_task(self.watch.run())
                group.create_task(self._keep_certificates(tls_sock is not None))
                self.listening.set()
                for one in (sock, tls_sock):
                    if one is not None:
                        log.info("ocpp_listening", address=one.getsockname()[:2], tls=one is tls_sock)
        finally:
            # Counted in memory, and kept when the system stops.
            await asyncio.gather(*(station.save_deviations() for station in self.stations.values()))

    def _door(self, sock: socket.socket, *, secure: bool) -> Listener:
        return Listener(
            sock,
            partial(self._admission.admit, secure),
            self._select,
            self._serve,
            self._admission.refused,
            (lambda: self.tls.context) if secure else None,
        )

    def _device_type(self, vendor: str, model: str) -> str:
        """The device type of the project's chargers of this maker and model; empty: there are none, or several."""
        found = {
            station.charger.device_type
            for station in self.stations.values()
            if (made := station.tag("Vendor")) and made.value == vendor
            if (built := station.tag("Model")) and built.value == model
        }
        return found.pop() if model and len(found) == 1 else ""

    def _select(self, _connection: Connection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        picked = pick(offered, DIALECTS)
        return None if picked is None else Subprotocol(picked)

    async def _serve(self, connection: Connection) -> None:
        ticket = connection.ticket
        assert connection.request is not None
        stranger = not isinstance(ticket, Ticket)
        lenient = (
            self._plant.security.allow_missing_subprotocol
            if stranger
            else ticket.station.may_leave_subprotocol_out
        )
        version = connection.subprotocol
        if version is None:
            missing = "Sec-WebSocket-Protocol" not in connection.request.headers
            if not (missing and lenient):
                # OCPP-J 3.2: complete the handshake without the header, then close at once.
                identity = ticket if stranger else ticket.station.charger.identity
                self._admission.refused(identity, "no common subprotocol")
                await connection.close(1002, "no common subprotocol")
                return
        dialect = DIALECTS[(version or V16.version).lower()]
        if stranger:
            assert self.pending is not None
            watched = self.watch.add(connection, ticket, self._plant.ocpp.ping_s, INTERVAL_S)
            try:
                await self.pending.serve(connection, dialect.version, ticket)
            finally:
                self.watch.remove(watched)
            return
        station = ticket.station
        if version is None:
            station.deviation("no Sec-WebSocket-Protocol: taken for 1.6")
        watched = self.watch.add(
            connection, station.charger.identity, station.ping_s, self._plant.ocpp.heartbeat_s
        )
        station.watched = watched
        self._put_link(station, ticket.link)
        try:
            await station.serve(connection, dialect, ticket.link)
        finally:
            self.watch.remove(watched)

    def _put_link(self, station: Station, link: Link) -> None:
        station.put({"SecurityProfile": float(link.profile)})
        self._put_expiry(station)

    def _put_expiry(self, station: Station) -> None:
        until_s = station.security.document.until_s
        if until_s:
            days = (until_s - self._host.clock.now_us() / 1_000_000) // DAY_S
            station.put({"CertificateExpiry": float(until_s), "CertificateDays": float(days)})

    async def _keep_certificates(self, door: bool) -> None:
        """Take changed files over, renew the server certificate, and count days; until cancelled."""
        failing = False
        while True:
            try:
                if door and await asyncio.to_thread(self.tls.refresh):
                    log.info("ocpp_certificate_loaded", days_left=self.tls.days_left)
                failing = False
            except (ScadaError, OSError) as error:
                if not failing:
                    log.error("ocpp_certificates", reason=str(error))
                failing = True
            tag = self._host.tags.get("System.OcppCertificateDays")
            if tag is not None and self.tls.days_left is not None:
                self._host.write([(tag, float(self.tls.days_left), GOOD, self._host.clock.now_us())])
            for station in self.stations.values():
                self._put_expiry(station)
            await asyncio.sleep(REFRESH_S)
