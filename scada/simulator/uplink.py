"""How a simulated charger reaches its central system: URL, password, TLS, by its security profile."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from scada.drivers.ocpp import client
from scada.drivers.ocpp.peer import Handler, Peer, Socket
from scada.simulator.certificates import CertificateStore
from scada.simulator.hardware import Hardware
from scada.simulator.recipes.wire import Recipe

PROFILE_ATTEMPTS = 3
"""Connections that may fail in a new security profile, before it goes back to the old one (whitepaper, A05)."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """With what a charger leaves the factory.

    Attributes:
        password: of basic authentication; None: none.
        secure_url: of the central system with TLS, `wss://…`; empty: as the plain one.
        root: PEM of whom it trusts besides the roots that are installed later.
        profile: security profile 0 to 3.
    """

    password: str | None = None
    secure_url: str = ""
    root: Path | None = None
    profile: int = 0


class Uplink:
    """The way to one central system.

    Args:
        url: without TLS; the identity is put behind it.

    Attributes:
        socket: of the connection that stands, without what a recipe puts round it; None: there is none.
    """

    def __init__(
        self,
        hardware: Hardware,
        certificates: CertificateStore,
        url: str,
        credentials: Credentials,
        recipe: Recipe | None,
    ) -> None:
        self.socket: Socket | None = None
        self._hardware, self._certificates = hardware, certificates
        self._url, self._credentials, self._recipe = url, credentials, recipe
        self._old_profile: int | None = None
        self._failed = 0
        if "SecurityProfile" not in hardware.state.configuration:
            hardware.configuration.learn("SecurityProfile", str(credentials.profile))

    @property
    def _profile(self) -> int:
        return self._hardware.configuration.number("SecurityProfile")

    @property
    def _password(self) -> str | None:
        return self._hardware.state.password or self._credentials.password

    async def connect(self, handlers: Mapping[str, Handler]) -> Peer:
        """Open a connection.

        Raises:
            ConnectionError, OSError, ssl.SSLError: it could not be opened.
        """
        profile, recipe = self._profile, self._recipe
        url = (self._credentials.secure_url or self._url) if profile >= 2 else self._url
        peer = await client.connect_peer(
            url,
            self._hardware.charger.identity,
            handlers,
            password=None if profile == 3 else self._password,
            tls=self._certificates.tls(profile, self._credentials.root) if url.startswith("wss:") else None,
            ping_s=None,
            offer=recipe.offer if recipe is not None else None,
            wrap=self._wrap,
        )
        self._failed, self._old_profile = 0, None
        return peer

    def failed(self) -> None:
        """A connection could not be opened: a new security profile is given up after some attempts."""
        self._failed += 1
        if self._old_profile is None or self._failed < PROFILE_ATTEMPTS:
            return
        log.info("simulated_profile_given_up", charger=self._hardware.charger.path)
        self._hardware.state.configuration["SecurityProfile"] = str(self._old_profile)
        self._hardware.configuration.learn("SecurityProfile", str(self._old_profile))
        self._old_profile = None

    def written(self, key: str, value: str) -> bool:
        """A key was written; returns whether it needs a new connection."""
        if key == "AuthorizationKey":
            self._hardware.state.password = value
        elif key == "SecurityProfile":
            self._old_profile, self._failed = self._credentials.profile, 0
        return key in ("AuthorizationKey", "SecurityProfile")

    def tls(self) -> ssl.SSLContext | None:
        """Whom it trusts in file transfers; None: the system's roots."""
        if not self._certificates.has_root and self._credentials.root is None:
            return None
        return self._certificates.tls(2, self._credentials.root)

    def permits(self, key: str, value: str) -> bool:
        """Whether a key may be changed now: a security profile only upwards, with what it needs (whitepaper, 2.4)."""
        if key != "SecurityProfile" or not value.isdecimal():
            return True
        wanted = int(value)
        if wanted in (1, 2) and not self._password:
            return False
        if wanted >= 2 and not (self._certificates.has_root or self._credentials.root):
            return False
        return wanted >= self._profile and (wanted != 3 or self._certificates.has_own)

    def _wrap(self, socket: Socket) -> Socket:
        self.socket = socket
        return self._recipe.wrap(socket) if self._recipe is not None else socket
