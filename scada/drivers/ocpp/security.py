"""What is known of a charger's credentials, and what it must bring. It survives restarts.

A password that was rotated is kept as a salted SHA-256 digest. It has 160 random bits, so that no slow hash is needed
to keep it secret (NIST SP 800-63B 5.1.2.2), and a thousand chargers that come back at once cost nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import msgspec
import structlog

from scada.core.errors import BadRequest, JournalError
from scada.core.plant import Charger
from scada.identity.certificates import Authority, Issued, check_request
from scada.runtime.documents import Drawer

KIND = "charger_security"
PASSWORD_BYTES = 20
"""40 hexadecimal digits, the longest AuthorizationKey (OCPP 1.6 security whitepaper, A01)."""
CANDIDATES_MAX = 8
"""Passwords that were sent to a charger and not yet used by it; at it no further one is sent."""
SHORT, LONG = 16, 40
"""How long a password of basic authentication should be (whitepaper, AuthorizationKey)."""

log = structlog.get_logger()


class SecurityDocument(msgspec.Struct, kw_only=True):
    """What is kept of a charger.

    Attributes:
        profile: the highest security profile that it has come with, known for sure to be itself.
        configured: the profile that the project asked for at that time.
        password: digest of a rotated password that it has used; empty: that of the project is good.
        candidates: digests of passwords that were sent to it, and that it has not used yet.
        retired: digest of the project's password that rotation has replaced. Another one in its place is good again:
            somebody has set the charger back.
        serial, from_s, until_s: of the certificate that it has used last.
    """

    profile: int = 0
    configured: int = -1
    salt: str = ""
    password: str = ""
    candidates: list[str] = []
    retired: str = ""
    serial: str = ""
    from_s: int = 0
    until_s: int = 0


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A charger's certificate; TLS has found its chain good.

    Attributes:
        ours: the project's own CA has issued it.
    """

    names: frozenset[str]
    serial: str
    from_s: int
    until_s: int
    ours: bool


@dataclass(frozen=True, slots=True)
class Link:
    """How a charger has come in.

    Attributes:
        profile: what it has proved: 0 nothing, 1 its password, 2 its password over TLS, 3 its certificate.
        secure: it came by the TLS door.
        password: digest of the password that it came with.
    """

    profile: int
    secure: bool
    address: str = ""
    password: str = ""
    certificate: ClientCertificate | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a charger is not let in: `transport`, `certificate`, `revoked`, `replaced` or `password`."""

    reason: str


class ChargerSecurity:
    """The credentials of one charger.

    Args:
        password: that of the project; None: it has none; empty: it cannot be read, and nobody gets in with it.
        authority: signs its certificates, each for `days`.
    """

    def __init__(
        self,
        charger: Charger,
        drawer: Drawer[SecurityDocument],
        password: str | None,
        authority: Authority,
        days: int,
    ) -> None:
        self.charger = charger
        self._drawer = drawer
        self._project_password = password
        self._authority, self._days = authority, days
        self._proof: dict[str, asyncio.Event] = {}
        self._document = drawer.get(charger.identity) or SecurityDocument()

    @property
    def document(self) -> SecurityDocument:
        """What is kept."""
        return self._document

    @property
    def floor(self) -> int:
        """The lowest profile that it may come with.

        It never falls back below what it has once used, unless the project's `security` for it is changed: that is
        somebody's decision.
        """
        return max(self.charger.security, self._used())

    def judge(
        self,
        *,
        secure: bool,
        password: bytes | None,
        certificate: ClientCertificate | None,
        revoked: frozenset[str],
        address: str = "",
    ) -> Link | Refusal:
        """Whether it may come in with what it brings, and what that proves."""
        floor = self.floor
        if floor >= 2 and not secure:
            return Refusal("transport")
        if certificate is not None and self.charger.identity in certificate.names:
            if certificate.serial in revoked:
                return Refusal("revoked")
            if self._replaced(certificate):
                return Refusal("replaced")
            return Link(3, secure, address, certificate=certificate)
        if floor == 3:
            return Refusal("certificate")
        digest = self._fits(password) if password is not None else ""
        if digest:
            return Link(2 if secure else 1, secure, address, digest)
        if floor >= 1 or (password is not None and self._has_password):
            return Refusal("password")
        return Link(0, secure, address)

    async def connected(self, link: Link) -> None:
        """Keep what a connection has proved. Where the disk does not take it, it is proved again the next time."""
        document = self._document
        changed = msgspec.structs.replace(document)
        if link.profile and (link.profile > self._used() or document.configured != self.charger.security):
            changed.profile, changed.configured = link.profile, self.charger.security
        if link.password and link.password in document.candidates:
            # Of several that were sent the charger has taken this one; older and newer ones are not needed any more.
            changed.password, changed.candidates = link.password, []
            changed.retired = self._digest((self._project_password or "").encode())
        certificate = link.certificate
        if certificate is not None and certificate.serial != document.serial:
            changed.serial = certificate.serial
            changed.from_s, changed.until_s = certificate.from_s, certificate.until_s
        if changed != document:
            await self._keep(changed)
        if changed.password in self._proof:
            self._proof[changed.password].set()

    async def new_password(self) -> tuple[str, str]:
        """(a new password in hexadecimal, its digest): good beside the old one from now on, and on disk.

        Raises:
            BadRequest: too many were sent without being used.
            JournalError: it is not on disk; nothing was changed.
        """
        if len(self._document.candidates) >= CANDIDATES_MAX:
            raise BadRequest(
                "the charger has used none of the passwords that were sent to it: see to it first"
            )
        password = secrets.token_hex(PASSWORD_BYTES)
        document = self._document
        if not document.salt:
            document = self._document = msgspec.structs.replace(document, salt=secrets.token_hex(16))
        digest = self._digest(password.encode())
        changed = msgspec.structs.replace(document, candidates=[*document.candidates, digest])
        before = self._document
        try:
            await self._drawer.put(self.charger.identity, changed)
        except JournalError:
            self._document = before
            raise
        self._document = changed
        return password, digest

    async def forget_password(self, digest: str) -> None:
        """The charger has refused a new password: it is not good any more."""
        left = [one for one in self._document.candidates if one != digest]
        await self._keep(msgspec.structs.replace(self._document, candidates=left))

    async def wait_proved(self, digest: str, timeout_s: float) -> bool:
        """Whether the charger uses a new password within `timeout_s`."""
        proof = self._proof.setdefault(digest, asyncio.Event())
        try:
            if self._document.password != digest:
                async with asyncio.timeout(timeout_s):
                    await proof.wait()
        except TimeoutError:
            return False
        finally:
            self._proof.pop(digest, None)
        return True

    async def check_request(self, csr: str) -> None:
        """Whether its request for a certificate may be signed. Raises BadRequest with what is wrong."""
        organization = self._authority.organization
        await asyncio.to_thread(check_request, csr, self.charger.identity, organization)

    async def sign(self, csr: str) -> Issued:
        """Sign its request. Raises ScadaError."""
        return await asyncio.to_thread(self._authority.sign, csr, self.charger.identity, self._days)

    def root_pem(self) -> str:
        """The root of the project's CA. Blocks; raises StartError."""
        self._authority.ensure()
        return self._authority.root_file.read_text()

    @property
    def _has_password(self) -> bool:
        document = self._document
        return self._project_password is not None or bool(document.password or document.candidates)

    def _used(self) -> int:
        document = self._document
        return document.profile if document.configured == self.charger.security else 0

    def _replaced(self, certificate: ClientCertificate) -> bool:
        """Whether a newer certificate of the project's CA is in use already."""
        document = self._document
        return (
            certificate.ours
            and certificate.serial != document.serial
            and certificate.from_s < document.from_s
        )

    def _fits(self, given: bytes) -> str:
        """The digest of a password that is good; empty: it is not."""
        document = self._document
        for form in (given, given.lower(), given.hex().encode()):
            digest = self._digest(form)
            if document.password and hmac.compare_digest(digest, document.password):
                return digest
            if any(hmac.compare_digest(digest, one) for one in document.candidates):
                return digest
        expected = self._project_password
        if not expected:
            return ""
        digest = self._digest(expected.encode())
        if document.retired and hmac.compare_digest(digest, document.retired):
            return ""
        good = hmac.compare_digest(given, expected.encode())
        with contextlib.suppress(ValueError):
            good = good or (
                len(expected) >= 2 * SHORT and hmac.compare_digest(given, bytes.fromhex(expected))
            )
        return digest if good else ""

    def _digest(self, password: bytes) -> str:
        return hashlib.sha256(self._document.salt.encode() + b":" + password).hexdigest()

    async def _keep(self, document: SecurityDocument) -> None:
        self._document = document
        try:
            await self._drawer.put(self.charger.identity, document)
        except JournalError as error:
            log.error("ocpp_security_not_kept", charger=self.charger.path, reason=str(error))
