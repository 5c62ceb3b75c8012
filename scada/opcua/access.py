"""Sessions with the product's users and rights, in place of asyncua's roles.

asyncua activates sessions, and takes messages of a connection, one after the other and synchronously. Here the
password is checked in a thread before asyncua sees the activation, and a method call runs beside the
connection's other messages. Bounds that asyncua leaves open are set.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.server import Server
from asyncua.server.uaprocessor import UaProcessor
from asyncua.server.user_managers import UserManager
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from scada.core.access import Actor, Right
from scada.core.errors import Denied, ScadaError
from scada.identity.accounts import Accounts
from scada.opcua.bridge import Bridge
from scada.opcua.ids import ObjectIds, StatusCodes, node_id, status

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
CONNECTIONS_MAX = 200
OPERATIONS_MAX = 1_000
"""Writes or calls in one request."""
CALLS_MAX = 8
"""Method calls of one connection that run at once; the next waits, and with it the connection."""
ITEMS_MAX = 100_000
"""Monitored items of all clients."""
ITEM_QUEUE_MAX = 100
PUBLISH_MS_MIN, PUBLISH_MS_MAX = 50.0, 3_600_000.0

_CREATE = node_id(ObjectIds.CreateSessionRequest_Encoding_DefaultBinary)
_ACTIVATE = node_id(ObjectIds.ActivateSessionRequest_Encoding_DefaultBinary)
_CALL = node_id(ObjectIds.CallRequest_Encoding_DefaultBinary)

log = structlog.get_logger()


class Session(InternalSession):
    """A client's session: who it is, and the only way in for writes and calls."""

    iserver: SessionServer

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # asyncua counts tokens up; whoever guesses one may take over the session.
        self.iserver.unregister_external_session(self)
        self.auth_token = node_id(secrets.token_bytes(32))
        self.iserver.register_external_session(self)
        peer: Any = self.name  # the socket's peer name: (address, port)
        self.origin = f"opcua {peer[0]}" if isinstance(peer, tuple) else "opcua"
        self._token: str | None = None
        self._candidate: tuple[bool, str | None] | None = None
        """What `authenticate` found: (good, token of the log-in or None for anonymous)."""

    @property
    def actor(self) -> Actor | None:
        """Who acts, with the rights that hold now; None when the log-in is over."""
        if self._token is not None:
            return self.iserver.accounts.actor(self._token, self.origin)
        return Actor("<anonymous>", frozenset(), self.origin) if self.iserver.anonymous else None

    async def authenticate(self, params: ua.ActivateSessionParameters) -> None:
        """Check the user of an activation, before `activate_session` is called with it."""
        self._candidate = None
        token = params.UserIdentityToken
        if not isinstance(token, ua.UserNameIdentityToken):
            self._candidate = (self.iserver.anonymous, None)
            return
        try:
            name, password = self.iserver.decrypt_user_token(self, token)
            log_in = await self.iserver.accounts.log_in(name or "", password or "", self.origin)
            self._require_sight(log_in)
        except ScadaError as error:
            log.warning("opcua_log_in_refused", origin=self.origin, reason=str(error))
        except Exception as error:  # a password that cannot be decrypted: the client's, whatever it is
            log.warning("opcua_log_in_refused", origin=self.origin, reason=type(error).__name__)
        else:
            self._candidate = (True, log_in)

    def activate_session(
        self, params: ua.ActivateSessionParameters, peer_certificate: bytes | None
    ) -> ua.ActivateSessionResult:
        """Let the user in whom `authenticate` found good."""
        candidate, self._candidate = self._candidate, None
        if candidate is None or not candidate[0]:
            raise ServiceError(StatusCodes.BadUserAccessDenied)
        try:
            result = super().activate_session(params, peer_certificate)
        except BaseException:
            self._log_out(candidate[1])
            raise
        self._log_out(self._token)
        self._token = candidate[1]
        return result

    async def close_session(self, delete_subs: bool = True) -> None:
        """End the session and its log-in."""
        token, self._token = self._token, None
        self._log_out(token)
        await super().close_session(delete_subs)

    def _require_sight(self, log_in: str) -> None:
        actor = self.iserver.accounts.actor(log_in, self.origin)
        if actor is None or not actor.may(Right.SEE):
            self._log_out(log_in)
            raise Denied("the role does not have the right 'see'")

    def _log_out(self, token: str | None) -> None:
        if token is not None:
            self.iserver.accounts.log_out(token)

    async def write(self, params: ua.WriteParameters) -> list[ua.StatusCode]:
        """Write tags, each by the product's own road."""
        items = _bounded(params.NodesToWrite)
        actor = self.actor
        return [status(await self.iserver.bridge.write(item, actor)) for item in items]

    async def call(self, params: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        """Call methods, one after the other."""
        actor = self.actor
        return [await self.iserver.bridge.call(request, actor) for request in _bounded(params)]

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        """Make a subscription, its interval within bounds: asyncua takes any, and spins on a tiny one."""
        asked = float(params.RequestedPublishingInterval)
        within = PUBLISH_MS_MIN if math.isnan(asked) else min(max(asked, PUBLISH_MS_MIN), PUBLISH_MS_MAX)
        params.RequestedPublishingInterval = within
        return await super().create_subscription(params, callback, request_callback)

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        """Make monitored items, up to the bound of all clients together."""
        subscriptions = self.subscription_service.subscriptions.values()
        present = sum(len(one.monitored_item_srv._monitored_items) for one in subscriptions)
        if present + len(params.ItemsToCreate) > ITEMS_MAX:
            raise ServiceError(StatusCodes.BadTooManyMonitoredItems)
        return await super().create_monitored_items(params)

    async def history_read(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """Not offered: no node says that it keeps history."""
        raise ServiceError(StatusCodes.BadHistoryOperationUnsupported)


class _EveryUser(UserManager):
    """asyncua's role of everybody who is let in: may read and subscribe, may not touch the address space."""

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User:
        return User(role=UserRole.User, name=username)


class SessionServer(InternalServer):
    """asyncua's inner server with our sessions."""

    bridge: Bridge

    def __init__(self, accounts: Accounts, *, anonymous: bool) -> None:
        super().__init__(user_manager=_EveryUser())
        self.accounts = accounts
        self.anonymous = anonymous
        self.allow_remote_admin = False
        self.max_connections = CONNECTIONS_MAX
        self.max_monitored_item_queue_size = ITEM_QUEUE_MAX
        self.max_pending_messages_per_connection = 100
        tokens: Any = (ua.UserNameIdentityToken, *((ua.AnonymousIdentityToken,) if anonymous else ()))
        self.supported_tokens = tokens

    def create_session(self, name: str, user: User | None = None, external: bool = False) -> InternalSession:
        """A session of a client."""
        return Session(
            self, self.aspace, self.subscription_service, name, user=user or User(), external=external
        )

    def sessions(self) -> list[Session]:
        """The sessions of all clients."""
        return [one for one in self._external_sessions.values() if isinstance(one, Session)]

    def register_server(self, server: Any, conf: Any = None) -> None:
        """Not offered: this is no discovery server."""
        raise ServiceError(StatusCodes.BadServiceUnsupported)


class _Processor(UaProcessor):
    """The messages of one connection."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._calls: set[asyncio.Task[Any]] = set()

    async def process_message(self, seqhdr: Any, body: Any) -> Any:
        """See to log-ins and calls, then let asyncua do the rest."""
        ahead = body.copy()
        kind = nodeid_from_binary(ahead)
        if kind == _CREATE and self.session is not None:
            await self.session.close_session(True)
        elif kind == _ACTIVATE:
            header = struct_from_binary(ua.RequestHeader, ahead)
            session = self.session or self.iserver.lookup_external_session(header.AuthenticationToken)
            if isinstance(session, Session):
                await session.authenticate(struct_from_binary(ua.ActivateSessionParameters, ahead))
        elif kind == _CALL:
            while len(self._calls) >= CALLS_MAX:
                await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)
            call = asyncio.create_task(self._call(seqhdr, body))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            return True
        return await super().process_message(seqhdr, body)  # type: ignore[no-untyped-call]

    async def _call(self, seqhdr: Any, body: Any) -> None:
        try:
            await super().process_message(seqhdr, body)  # type: ignore[no-untyped-call]
        except Exception:
            log.exception("opcua_call_failed", peer=str(self.name))


class _Protocol(OPCUAProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.processor is not None:
            self.processor = _Processor(self.iserver, self.transport, self.limits)
            self.processor.set_policies(self.policies)  # type: ignore[no-untyped-call]

    def data_received(self, data: bytes) -> None:
        # asyncua would keep whatever a header announces, up to 4 GiB.
        if len(self._buffer) + len(data) > 2 * MESSAGE_BYTES_MAX:
            log.warning("opcua_message_too_large", peer=str(self.peer_name))
            if self.transport is not None:
                self.transport.abort()
            return
        super().data_received(data)


class _Listener(BinaryServer):
    def _make_protocol(self) -> OPCUAProtocol:
        return _Protocol(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )


class UaServer(Server):
    """asyncua's server on our listener."""

    async def listen(self, host: str, port: int) -> int:
        """Begin to listen. Returns the port.

        Raises:
            OSError: the address cannot be had.
        """
        self.limits.max_message_size = MESSAGE_BYTES_MAX
        self.limits.max_chunk_count = math.ceil(MESSAGE_BYTES_MAX / self.limits.max_recv_buffer)
        await self._setup_server_nodes()
        await self.iserver.start()
        listener = _Listener(self.iserver, host, port, self.limits)
        listener.set_policies(self._policies)
        await listener.start()
        self.bserver = listener
        return listener.port


def _bounded(items: list[Any] | None) -> list[Any]:
    if not items:
        raise ServiceError(StatusCodes.BadNothingToDo)
    if len(items) > OPERATIONS_MAX:
        raise ServiceError(StatusCodes.BadTooManyOperations)
    return items
