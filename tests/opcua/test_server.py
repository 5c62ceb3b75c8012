"""What an OPC UA client sees and may do, over a real socket."""

import asyncio
import dataclasses
import datetime
import stat
from collections.abc import Callable
from typing import Any

import asyncua
import pytest
from asyncua.client.client import Client
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography.x509.oid import ExtendedKeyUsageOID

from scada.core.tag import Source, TagDefinition
from scada.core.value import Kind, Quality
from scada.opcua import bridge

ua: Any = asyncua.ua  # its names carry types of their own, which a reader of tests has no use for

POWER = "Depot.CP01.C1.ActivePower"


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


class Changes:
    """A subscriber."""

    def __init__(self) -> None:
        self.got: list[tuple[Any, int]] = []

    def datachange_notification(self, node: Any, value: Any, data: Any) -> None:
        self.got.append((value, data.monitored_item.Value.StatusCode.value))


async def test_the_tree_is_the_plant(running: Any) -> None:
    async with running.client() as client:
        names = await client.get_namespace_array()
        assert names[running.index] == "urn:ev-scada:Model%20depot"
        i = running.index
        connector = await client.nodes.objects.get_child(
            [f"{i}:Model depot", f"{i}:Depot", f"{i}:CP01", f"{i}:C1"]
        )
        assert connector.nodeid == ua.NodeId("Depot.CP01.C1", i)
        children = {(await child.read_browse_name()).Name for child in await connector.get_children()}
        assert {"ActivePower", "Status", "RemoteStop", "InTransaction", "Temperature"} <= children
        hi = await connector.get_child([f"{i}:Temperature", f"{i}:Hi"])
        assert hi.nodeid == ua.NodeId("Depot.CP01.C1.Temperature.Hi", i)
        charger = running.node(client, "Depot.CP01")
        assert (await charger.read_display_name()).Text == "Bay 1"
        system = await client.nodes.objects.get_child([f"{i}:Model depot", f"{i}:System", f"{i}:JournalOk"])
        assert await system.read_value() is True


async def test_a_register_with_all_its_properties(running: Any) -> None:
    running.put(POWER, 7.25)
    async with running.client() as client:
        node = running.node(client, POWER)
        value = await node.read_data_value()
        assert value.Value == ua.Variant(7.25, ua.VariantType.Double)
        assert value.StatusCode.is_good()
        at = datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=datetime.UTC)
        assert value.SourceTimestamp == at
        age = datetime.datetime.now(datetime.UTC) - value.ServerTimestamp
        assert datetime.timedelta(0) <= age < datetime.timedelta(seconds=30)
        assert await node.read_type_definition() == ua.NodeId(ua.ObjectIds.AnalogItemType)
        extent = await (await node.get_child("0:EURange")).read_value()
        assert (extent.Low, extent.High) == (0, 22)
        unit = await (await node.get_child("0:EngineeringUnits")).read_value()
        assert unit.DisplayName.Text == "kW"
        assert unit.UnitId == int.from_bytes(b"KWT")
        assert unit.NamespaceUri == "http://www.opcfoundation.org/UA/units/un/cefact"
        assert await (await node.get_child("0:ValuePrecision")).read_value() == 2.0
        assert await node.read_display_name() == ua.LocalizedText("Active power", "en")
        assert await node.read_description() == ua.LocalizedText("Sum of the phases", "en")
        energy = running.node(client, "Depot.CP01.C1.Energy")
        assert await energy.read_type_definition() == ua.NodeId(ua.ObjectIds.AnalogUnitType)


async def test_bits_texts_and_values_that_are_not_there(running: Any) -> None:
    running.put("Depot.CP01.Online", True)
    running.put("Depot.CP01.C1.Status", "Charging")
    async with running.client() as client:
        online = running.node(client, "Depot.CP01.Online")
        assert await online.read_value() is True
        assert await online.read_type_definition() == ua.NodeId(ua.ObjectIds.TwoStateDiscreteType)
        assert (await (await online.get_child("0:TrueState")).read_value()).Text == "True"
        assert await running.node(client, "Depot.CP01.C1.Status").read_value() == "Charging"
        waiting = await running.node(client, "Depot.CP01.C2.IdTag").read_data_value(raise_on_bad_status=False)
        assert waiting.StatusCode.value == Quality.BAD_WAITING_FOR_INITIAL_DATA
        assert waiting.Value.Value is None


async def test_a_subscriber_sees_values_and_qualities_change(running: Any) -> None:
    running.put(POWER, 1.0)
    async with running.client() as client:
        changes = Changes()
        subscription = await client.create_subscription(50, changes)
        await subscription.subscribe_data_change(running.node(client, POWER))
        await until(lambda: changes.got == [(1.0, 0)])
        running.put(POWER, 2.0)
        await until(lambda: changes.got[-1] == (2.0, 0))
        lost = Quality.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE
        running.put(POWER, 2.0, lost)
        await until(lambda: changes.got[-1] == (2.0, lost))
        running.put(POWER, 2.0, Quality.BAD_NO_COMMUNICATION)
        await until(lambda: changes.got[-1] == (None, Quality.BAD_NO_COMMUNICATION))
        running.put(POWER, 3.0)
        await until(lambda: changes.got[-1] == (3.0, 0))
        assert len(changes.got) == 5


async def test_an_operator_stops_a_transaction(running: Any) -> None:
    running.driver.commands.clear()
    async with running.client("olga") as client:
        outcome = await running.node(client, "Depot.CP01.C1").call_method(
            ua.NodeId("Depot.CP01.C1.RemoteStop", running.index)
        )
        assert outcome == ["done", "stopped"]
    (command,) = running.driver.commands
    assert (command.name, command.target, command.user) == ("RemoteStop", "Depot.CP01.C1", "olga")
    assert command.origin == "opcua 127.0.0.1"


@pytest.mark.parametrize("user", ["", "gus", "admin"])
async def test_who_may_not_operate_is_refused(running: Any, user: str) -> None:
    running.driver.commands.clear()
    async with running.client(user) as client:
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await running.node(client, "Depot.CP01.C1").call_method(
                ua.NodeId("Depot.CP01.C1.RemoteStop", running.index)
            )
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await running.node(client, "Depot.Target").write_value(ua.Variant(50.0, ua.VariantType.Double))
        assert await running.node(client, "Depot.Target").read_value() == 10.0
    assert not running.driver.commands


async def test_a_method_belongs_to_its_connector(running: Any) -> None:
    async with running.client("olga") as client:
        with pytest.raises(ua.uaerrors.BadMethodInvalid):
            await running.node(client, "Depot.CP01.C2").call_method(
                ua.NodeId("Depot.CP01.C1.RemoteStop", running.index)
            )
        with pytest.raises(ua.uaerrors.BadTooManyArguments):
            await running.node(client, "Depot.CP01.C1").call_method(
                ua.NodeId("Depot.CP01.C1.RemoteStop", running.index), 7
            )


async def test_a_long_command_holds_up_nobody(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "CALL_WAIT_S", 0.5)
    running.driver.held = asyncio.Event()
    try:
        async with running.client("olga") as client:
            method = ua.NodeId("Depot.CP01.C1.RemoteStop", running.index)
            call = asyncio.create_task(running.node(client, "Depot.CP01.C1").call_method(method))
            running.put(POWER, 4.0)
            assert await running.node(client, POWER).read_value() == 4.0
            assert not call.done()
            assert await call == ["", "under way"]
    finally:
        running.driver.held.set()
        running.driver.held = None


@pytest.mark.parametrize("user", ["olga", "admin", ""])
async def test_no_client_changes_a_value_outside_our_road(running: Any, user: str) -> None:
    running.put(POWER, 5.0)
    async with running.client(user) as client:
        node = running.node(client, POWER)
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await node.write_value(ua.Variant(99.0, ua.VariantType.Double))
        unit = await node.get_child("0:EURange")
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await unit.write_value(ua.Range(Low=1, High=2))
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await node.write_attribute(
                ua.AttributeIds.DisplayName, ua.DataValue(ua.Variant(ua.LocalizedText("mine")))
            )
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await client.get_node(ua.ObjectIds.Server_NamespaceArray).write_value(["urn:mine"])
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await node.add_variable(running.index, "mine", 1.0)
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await client.delete_nodes([node])
        assert await node.read_value() == 5.0


async def test_an_operator_writes_what_may_be_written(running: Any) -> None:
    async with running.client("olga") as client:
        node = running.node(client, "Depot.Target")
        changes = Changes()
        subscription = await client.create_subscription(50, changes)
        await subscription.subscribe_data_change(node)
        await node.write_value(ua.Variant(42.0, ua.VariantType.Double))
        assert await node.read_value() == 42.0
        await until(lambda: changes.got[-1] == (42.0, 0))
        for value, error in (
            (ua.Variant(101.0, ua.VariantType.Double), ua.uaerrors.BadOutOfRange),
            (ua.Variant(float("nan"), ua.VariantType.Double), ua.uaerrors.BadOutOfRange),
            (ua.Variant(5, ua.VariantType.Int32), ua.uaerrors.BadTypeMismatch),
            (ua.Variant("5", ua.VariantType.String), ua.uaerrors.BadTypeMismatch),
            (ua.Variant([5.0], ua.VariantType.Double), ua.uaerrors.BadTypeMismatch),
            (ua.Variant(None, ua.VariantType.Null), ua.uaerrors.BadTypeMismatch),
        ):
            with pytest.raises(error):
                await node.write_value(value)
        assert await node.read_value() == 42.0
        await node.write_value(ua.Variant(10.0, ua.VariantType.Double))


@pytest.mark.parametrize(
    ("user", "password"), [("olga", "wrong"), ("nobody", "x"), ("bea", "correct horse battery")]
)
async def test_who_is_not_let_in(running: Any, user: str, password: str) -> None:
    with pytest.raises(ua.uaerrors.BadUserAccessDenied):
        async with running.client(user, password):
            pass


async def _encrypted(running: Any, tmp_path: Any, mode: Any, user: str) -> Any:
    client = running.client(user)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.der"
    await setup_self_signed_certificate(
        key, certificate, "urn:test:client", "localhost", [ExtendedKeyUsageOID.CLIENT_AUTH], {}
    )
    client.application_uri = "urn:test:client"
    await client.set_security(SecurityPolicyBasic256Sha256, str(certificate), str(key), mode=mode)
    return client


@pytest.mark.parametrize("mode", [ua.MessageSecurityMode.Sign, ua.MessageSecurityMode.SignAndEncrypt])
async def test_signed_and_encrypted(strict: Any, tmp_path: Any, mode: Any) -> None:
    strict.put(POWER, 6.0)
    async with await _encrypted(strict, tmp_path, mode, "olga") as client:
        assert await strict.node(client, POWER).read_value() == 6.0


async def test_by_default_there_is_no_open_door(strict: Any, tmp_path: Any) -> None:
    endpoints = await Client(strict.server.endpoint).connect_and_get_server_endpoints()
    assert {one.SecurityMode for one in endpoints} == {
        ua.MessageSecurityMode.Sign,
        ua.MessageSecurityMode.SignAndEncrypt,
    }
    with pytest.raises(ua.UaError):
        async with strict.client("olga"):
            pass
    anonymous = await _encrypted(strict, tmp_path, ua.MessageSecurityMode.SignAndEncrypt, "")
    with pytest.raises(ua.UaError):
        async with anonymous:
            pass


async def test_the_key_is_nobody_elses(strict: Any) -> None:
    key = strict.certificates / "opcua-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_garbage_closes_only_its_own_connection(running: Any) -> None:
    host, port = running.server.endpoint.removeprefix("opc.tcp://").rstrip("/").split(":")
    async with running.client() as client:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"HELF\xff\xff\xff\x7f" + b"\0" * 100, b"\0" * 1000):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(garbage)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            del reader
        assert await running.node(client, "System.JournalOk").read_value() is True


async def test_a_user_who_is_shut_out_loses_the_session(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    olga = running.store.users.get("olga")
    async with running.client("olga") as client:
        running.store.users.put(dataclasses.replace(olga, disabled=True))
        await running.accounts.refresh()  # the product does so each second
        try:
            with pytest.raises(ua.uaerrors.BadUserAccessDenied):
                await running.node(client, "Depot.Target").write_value(
                    ua.Variant(50.0, ua.VariantType.Double)
                )
        finally:
            running.store.users.put(olga)
            await running.accounts.refresh()
    assert running.host.tags["Depot.Target"].value == 10.0


async def test_a_tag_that_a_device_brings_is_there_at_once(running: Any) -> None:
    learned = TagDefinition(
        path="Depot.CP01.C1.Measured_Frequency",
        kind=Kind.REGISTER,
        source=Source.DRIVER,
        unit="Hz",
        decimals=2,
        site="Depot",
        device="Depot.CP01",
        label={"en": "Frequency"},
    )
    deep = dataclasses.replace(learned, path="Depot.CP01.C1.Extra.Deep")
    async with running.client() as client:
        for definition in (learned, deep):
            running.host.tags.add(definition)
            running.put(definition.path, 50.02)
        node = running.node(client, learned.path)
        assert (await node.read_value()) == 50.02
        assert (await node.read_display_name()).Text == "Frequency"
        connector = running.node(client, "Depot.CP01.C1")
        names = {(await child.read_browse_name()).Name for child in await connector.get_children()}
        assert {"Measured_Frequency", "Extra"} <= names
        assert (await running.node(client, deep.path).read_value()) == 50.02
        changes = Changes()
        subscription = await client.create_subscription(50, changes)
        await subscription.subscribe_data_change(node)
        await until(lambda: changes.got == [(50.02, 0)])
        running.put(learned.path, 49.98)
        await until(lambda: changes.got[-1] == (49.98, 0))
