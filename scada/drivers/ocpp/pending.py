"""Unknown chargers that are let wait (BootNotification `Pending`) until somebody adopts or rejects them.

They are strangers: there is a bound on everything, they get polite answers, and nothing that they say is believed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import structlog

from scada.core import moment
from scada.core.errors import JournalError, NotFound
from scada.core.pending import PendingCharger
from scada.core.value import GOOD, SECOND_US, TimeUs
from scada.drivers.ocpp.peer import Handler, Peer, Socket
from scada.drivers.ocpp.turns import Pace
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost

KIND = "pending_charger"
WAITING_MAX = 200
"""Those that wait; at it a new one is refused, until one was decided about."""
REJECTED_MAX = 1_000
"""Rejected ones that are remembered; at it the oldest is forgotten, and is unknown again."""
NEW_A_MINUTE = 20
"""New ones from one address; further ones are refused for the rest of the minute."""
ADDRESSES_MAX = 1_000
INTERVAL_S = 60
"""After it a pending charger boots again (OCPP 1.6 4.2.1)."""
MESSAGES_PER_S, MESSAGES_BURST = 1.0, 60
"""What a stranger may say: enough for a boot and the states of its connectors, and no more than the disk and the log bear."""
GIVES_WAY_US = 86_400 * SECOND_US
"""At `WAITING_MAX` one that was not seen for so long is forgotten for a new one: strangers cannot keep the room full."""
TEXT_LENGTH_MAX = 50
SEEN_KEPT_US = 3600 * SECOND_US
"""How exactly the time it was last seen survives a restart."""

log = structlog.get_logger()


class PendingDocument(msgspec.Struct, kw_only=True):
    """What is kept of one; see `PendingCharger`."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    address: str = ""
    secure: bool = False
    connectors: int = 0
    transactions: int = 0
    first_seen_us: TimeUs = 0
    last_seen_us: TimeUs = 0
    rejected: bool = False


class WaitingRoom:
    """Where unknown chargers wait.

    Args:
        suggest: (vendor, model) → device type, or empty.
    """

    def __init__(self, host: PlantHost, documents: Documents, suggest: Callable[[str, str], str]) -> None:
        self._host = host
        self._drawer = documents.drawer(KIND, PendingDocument)
        self._suggest = suggest
        self._peers: dict[str, Peer] = {}
        self._taken_in: set[str] = set()
        self._new: OrderedDict[str, tuple[TimeUs, int]] = OrderedDict()

    def list(self) -> Sequence[PendingCharger]:
        """All that are known, rejected ones too."""
        return [
            PendingCharger(
                identity=identity,
                online=identity in self._peers,
                device_type=self._suggest(one.vendor, one.model),
                **msgspec.structs.asdict(one),
            )
            for identity, one in self._drawer
        ]

    def get(self, identity: str) -> PendingCharger:
        """One of them. Raises NotFound."""
        for one in self.list():
            if one.identity == identity:
                return one
        raise NotFound(f"no charger '{identity[:48]}' is pending")

    async def admit(self, identity: str, address: str, *, secure: bool) -> str:
        """Let an unknown charger wait; the reason why not, or empty."""
        now_us = self._host.clock.now_us()
        if identity in self._taken_in:
            return "adopted: known after the start anew"
        known = self._drawer.get(identity)
        if known is not None:
            return "rejected" if known.rejected else ""
        began_us, count = self._new.get(address, (now_us, 0))
        if now_us - began_us > 60 * SECOND_US:
            began_us, count = now_us, 0
        if count >= NEW_A_MINUTE:
            return "too many new chargers from this address"
        self._new[address] = (began_us, count + 1)
        while len(self._new) > ADDRESSES_MAX:
            self._new.popitem(last=False)
        try:
            if not await self._has_room(now_us):
                return "too many chargers are pending"
        except JournalError:
            return "not on disk"
        document = PendingDocument(address=address, secure=secure, first_seen_us=now_us, last_seen_us=now_us)
        try:
            await self._drawer.put(identity, document)
        except JournalError:
            return "not on disk"
        log.info("ocpp_pending", identity=ascii(identity), address=address)
        self._count()
        return ""

    async def serve(self, socket: Socket, version: str, identity: str) -> None:
        """Serve a pending charger until its connection closes."""
        pace = Pace(MESSAGES_PER_S, MESSAGES_BURST)
        peer = Peer(socket, version, self._handlers(identity), name=identity, pace=pace)
        before, self._peers[identity] = self._peers.get(identity), peer
        if before is not None:
            before.retire()
            await before.close(1000, "superseded by a new connection")
        try:
            await peer.run()
        finally:
            if self._peers.get(identity) is peer:
                del self._peers[identity]

    async def reject(self, identity: str) -> None:
        """Refuse it from now on. Raises NotFound, JournalError."""
        document = self._drawer.get(identity)
        if document is None:
            raise NotFound(f"no charger '{identity[:48]}' is pending")
        await self._drawer.put(identity, msgspec.structs.replace(document, rejected=True))
        rejected = [one for one, it in self._drawer if it.rejected]
        for oldest in rejected[: max(0, len(rejected) - REJECTED_MAX)]:
            await self._drawer.remove(oldest)
        peer = self._peers.get(identity)
        if peer is not None:
            await peer.close(1008, "rejected")
        self._count()

    async def forget(self, identity: str) -> None:
        """It belongs to the project now, and is let in after the start anew. Raises JournalError."""
        self._taken_in.add(identity)
        await self._drawer.remove(identity)
        self._count()

    def _handlers(self, identity: str) -> Mapping[str, Handler]:
        answers: dict[str, dict[str, Any]] = {
            "Authorize": {"idTagInfo": {"status": "Invalid"}},
            "DataTransfer": {"status": "Rejected"},
            "DiagnosticsStatusNotification": {},
            "FirmwareStatusNotification": {},
            "LogStatusNotification": {},
            "MeterValues": {},
            "SecurityEventNotification": {},
            "SignCertificate": {"status": "Rejected"},
            "SignedFirmwareStatusNotification": {},
            "StopTransaction": {},
        }
        handlers: dict[str, Handler] = {
            action: partial(self._answer, answer) for action, answer in answers.items()
        }
        return handlers | {
            "BootNotification": partial(self._boot, identity),
            "Heartbeat": partial(self._heartbeat, identity),
            "StartTransaction": partial(self._start, identity),
            "StatusNotification": partial(self._status, identity),
        }

    async def _answer(self, answer: dict[str, Any], _body: dict[str, Any]) -> dict[str, Any]:
        return answer

    async def _boot(self, identity: str, body: dict[str, Any]) -> dict[str, Any]:
        await self._note(
            identity,
            vendor=_text(body, "chargePointVendor"),
            model=_text(body, "chargePointModel"),
            serial=_text(body, "chargePointSerialNumber") or _text(body, "chargeBoxSerialNumber"),
            firmware=_text(body, "firmwareVersion"),
        )
        return {"currentTime": self._now(), "interval": INTERVAL_S, "status": "Pending"}

    async def _heartbeat(self, identity: str, _body: dict[str, Any]) -> dict[str, Any]:
        await self._note(identity)
        return {"currentTime": self._now()}

    async def _status(self, identity: str, body: dict[str, Any]) -> dict[str, Any]:
        number = body.get("connectorId")
        document = self._drawer.get(identity)
        if document is not None and type(number) is int and document.connectors < number <= 20:
            await self._note(identity, connectors=number)
        return {}

    async def _start(self, identity: str, _body: dict[str, Any]) -> dict[str, Any]:
        """A pending charger must not begin one (OCPP 1.6 4.2.1). It is told so, and it is counted."""
        document = self._drawer.get(identity)
        if document is not None:
            await self._note(identity, transactions=document.transactions + 1)
        log.warning("ocpp_pending_transaction", identity=ascii(identity))
        return {"transactionId": 0, "idTagInfo": {"status": "Invalid"}}

    async def _has_room(self, now_us: TimeUs) -> bool:
        """Whether there is a place for one more, made if need be."""
        waiting = [(one.last_seen_us, identity) for identity, one in self._drawer if not one.rejected]
        if len(waiting) < WAITING_MAX:
            return True
        gone = min((one for one in waiting if one[1] not in self._peers), default=None)
        if gone is None or now_us - gone[0] < GIVES_WAY_US:
            return False
        await self._drawer.remove(gone[1])
        return True

    async def _note(self, identity: str, **changes: Any) -> None:
        """Keep what has changed; the time alone is reason enough only now and then."""
        document = self._drawer.get(identity)
        if document is None:
            return  # it was adopted in this moment
        now_us = self._host.clock.now_us()
        changed = msgspec.structs.replace(document, **changes)
        if changed != document or now_us - document.last_seen_us > SEEN_KEPT_US:
            await self._drawer.put(identity, msgspec.structs.replace(changed, last_seen_us=now_us))

    def _now(self) -> str:
        return moment.text(self._host.clock.now_us())

    def _count(self) -> None:
        tag = self._host.tags.get("System.PendingChargers")
        if tag is not None:
            waiting = sum(not one.rejected for _, one in self._drawer)
            self._host.write([(tag, float(waiting), GOOD, self._host.clock.now_us())])


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key, "")
    return value[:TEXT_LENGTH_MAX] if isinstance(value, str) else ""
