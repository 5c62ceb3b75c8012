"""The OPC UA service: builds the address space, listens, and carries changes to subscribers."""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
from datetime import UTC, datetime
from pathlib import Path

import structlog
from asyncua import ua

import scada
from scada.core.errors import StartError
from scada.core.plant import Plant
from scada.core.tag import Tag
from scada.identity.accounts import Accounts
from scada.opcua.access import SessionServer, UaServer
from scada.opcua.address_space import AddressSpace, namespace_uri
from scada.opcua.bridge import Bridge
from scada.opcua.certificates import ensure_certificate
from scada.opcua.values import data_value
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

LOG_INS_CHECKED_EVERY_S = 30.0
"""How long a session may outlive its user's account or log-in."""
_NOTIFY_AT_ONCE = 100
"""Changes handed to subscribers between two looks at the loop (some 10 ms)."""

_POLICIES = {
    "none": (ua.SecurityPolicyType.NoSecurity,),
    "basic256sha256": (
        ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
        ua.SecurityPolicyType.Basic256Sha256_Sign,
    ),
}

_STANDARD_NODES = "asyncua.server.standard_address_space.standard_address_space"

log = structlog.get_logger()


class OpcUaServer:
    """The plant for OPC UA clients.

    Args:
        certificates: folder of the server's certificate and key; made at the first start.

    Attributes:
        endpoint: URL once it listens, else empty.
        listening: set while it listens.
    """

    def __init__(
        self,
        plant: Plant,
        host: PlantHost,
        router: CommandRouter,
        accounts: Accounts,
        certificates: Path,
    ) -> None:
        self._plant = plant
        self._host = host
        self._router = router
        self._accounts = accounts
        self._certificates = certificates
        self._space: AddressSpace | None = None
        self._iserver: SessionServer | None = None
        self._dirty: dict[Tag, None] = {}
        self._changed = asyncio.Event()
        self.endpoint = ""
        self.listening = asyncio.Event()
        host.tags.subscribe_added(self._added)

    @property
    def clients(self) -> int:
        """Sessions of clients now."""
        return len(self._iserver.sessions()) if self._iserver is not None else 0

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            StartError: the port is taken, or the certificate cannot be kept.
        """
        # asyncua logs each refused request with a trace; what an operator should know we say ourselves.
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)
        iserver = SessionServer(self._accounts, anonymous=self._plant.security.opcua_anonymous)
        self._iserver = iserver
        server = UaServer(iserver=iserver)
        bridge: Bridge | None = None
        try:
            bridge = await self._build(server, iserver)
            end = self._host.subscribe_changes(self._take)
            try:
                await self._listen(server)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._notify())
                    tasks.create_task(self._check_log_ins(iserver))
            finally:
                end()
        finally:
            self.endpoint = ""
            self.listening.clear()
            self._space = self._iserver = None
            self._dirty.clear()
            if bridge is not None:
                await bridge.close()
            for session in iserver.sessions():
                await session.close_session(True)
            await server.stop()
            gc.unfreeze()

    async def _build(self, server: UaServer, iserver: SessionServer) -> Bridge:
        plant = self._plant
        uri = namespace_uri(plant)
        # A second of work, which asyncua would do on the loop.
        await asyncio.to_thread(importlib.import_module, _STANDARD_NODES)
        await server.init()
        await server.set_application_uri(f"{uri}:server")
        server.product_uri = "urn:ev-scada"
        server.manufacturer_name = "EV-SCADA"
        server.application_type = ua.ApplicationType.Server
        server.set_server_name(f"EV-SCADA {plant.name}")
        await server.set_build_info(
            server.product_uri, "EV-SCADA", server.name, scada.__version__, "0", datetime.now(UTC)
        )
        certificate, key = await asyncio.to_thread(
            ensure_certificate, self._certificates, f"{uri}:server", server.name, plant.network.host
        )
        await server.load_certificate(certificate)
        await server.load_private_key(key)
        policies = [policy for name in plant.security.opcua_policies for policy in _POLICIES[name]]
        server.set_security_policy(policies)
        if all(policy is ua.SecurityPolicyType.NoSecurity for policy in policies):
            log.warning("opcua_without_encryption", hint="passwords of clients can be read on the network")
        space = AddressSpace(iserver, plant, self._host.tags, await server.register_namespace(uri))
        # Nodes are many small objects that all stay: to look through them for garbage, over and over while they
        # grow, would stop the loop for 0.4 s at 5,000 tags. `run` gives them back to the collector at its end.
        gc.disable()
        try:
            await space.build()
        finally:
            gc.enable()
            gc.freeze()
        iserver.bridge = Bridge(self._host, self._router, space)
        self._space = space
        return iserver.bridge

    async def _listen(self, server: UaServer) -> None:
        network = self._plant.network
        server.set_endpoint(f"opc.tcp://{network.host}:{network.opcua_port}/")
        try:
            port = await server.listen(network.host, network.opcua_port)
        except OSError as error:
            raise StartError(
                f"OPC UA cannot listen on {network.host}:{network.opcua_port} ({error.strerror or error}): "
                "another program may use the port; choose another in [network] opcua_port or with --opcua-port"
            ) from error
        self.endpoint = f"opc.tcp://{network.host}:{port}/"
        self.listening.set()
        log.info("opcua_listening", endpoint=self.endpoint)

    def _added(self, tag: Tag) -> None:
        """A tag that a device brought: its node is there before its first value."""
        if self._space is not None:
            self._space.add(tag)

    def _take(self, changed: list[Tag]) -> None:
        """Note the tags that somebody is subscribed to; each once, however often it changes until it is told."""
        space = self._space
        if space is None:
            return
        for tag in changed:
            if space.values[tag].datachange_callbacks:
                self._dirty[tag] = None
        if self._dirty:
            self._changed.set()

    async def _notify(self) -> None:
        space = self._space
        assert space is not None
        while True:
            await self._changed.wait()
            self._changed.clear()
            dirty, self._dirty = self._dirty, {}
            for number, tag in enumerate(dirty, 1):
                value = data_value(tag)
                for handle, callback in tuple(space.values[tag].datachange_callbacks.items()):
                    await callback(handle, value)
                if number % _NOTIFY_AT_ONCE == 0:
                    await asyncio.sleep(0)

    async def _check_log_ins(self, iserver: SessionServer) -> None:
        """End sessions whose user is no longer let in; keep the log-ins of the others alive."""
        while True:
            await asyncio.sleep(LOG_INS_CHECKED_EVERY_S)
            for session in iserver.sessions():
                if session.is_activated() and session.actor is None:
                    log.info("opcua_session_ended", origin=session.origin)
                    await session.close_session(True)
                await asyncio.sleep(0)
