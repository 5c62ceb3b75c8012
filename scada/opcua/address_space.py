"""The address space: a walk over the plant.

`Objects/<Project>/<Site>/<Charger>/<Connector>/<tag>`; node ids are the paths themselves, so they stay the same
over restarts and when other devices are added. Properties hang on `<path>#<name>`, the project on `#Project`: no
path of the plant holds a `#`. Each device has a node of its own: asyncua searches all siblings
when one is added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from asyncua import ua
from asyncua.server.address_space import AttributeValue
from asyncua.server.internal_server import InternalServer

from scada.core.database import TagDatabase
from scada.core.path import leaf, parent
from scada.core.plant import Plant
from scada.core.tag import Tag, TagDefinition, Texts
from scada.core.units import UNITS
from scada.core.value import Kind
from scada.opcua.ids import AttributeIds, ObjectIds, node_id
from scada.opcua.values import data_value, variant_type

UNITS_URI = "http://www.opcfoundation.org/UA/units/un/cefact"
METHOD = "RemoteStop"
_STATES = {"en": ("True", "False"), "fr": ("Vrai", "Faux")}
_READ = 1 << ua.AccessLevel.CurrentRead.value
_WRITE = 1 << ua.AccessLevel.CurrentWrite.value
SLICE_S = 0.02
"""How long nodes are made in one go."""


def namespace_uri(plant: Plant) -> str:
    """The namespace of a plant's nodes."""
    return f"urn:ev-scada:{quote(plant.name, safe='')}"


class AddressSpace:
    """The nodes of a plant.

    Attributes:
        values: tag → where asyncua keeps its value, with the subscriptions on it.
        tags: node id → tag.
        methods: node id of a method → path of its connector.
    """

    def __init__(self, iserver: InternalServer, plant: Plant, database: TagDatabase, index: int) -> None:
        self._iserver = iserver
        self._plant = plant
        self._database = database
        self._index = index
        self._language = plant.languages[0]
        self.values: dict[Tag, AttributeValue] = {}
        self.tags: dict[ua.NodeId, Tag] = {}
        self.methods: dict[ua.NodeId, str] = {}
        self._types: dict[str, int] = {}
        self._slice_began_s = 0.0

    def node_id(self, path: str) -> ua.NodeId:
        """The node of a path of the plant."""
        return node_id(path, self._index)

    async def build(self) -> None:
        """Make all nodes; lets others run in between."""
        labels = self._labels()
        root = self._object(
            "#Project", self._plant.name, node_id(ObjectIds.ObjectsFolder), folder=True,
            label=self._plant.label, under_folder=True,
        )  # fmt: skip
        for path in self._branches():
            above = parent(path)
            self._object(
                path,
                leaf(path),
                self.node_id(above) if above else root,
                folder=path not in self._devices,
                label=labels.get(path, {}),
                under_folder=above not in self._devices,
            )
            if path in self._plant.connectors_by_path:
                self._method(path)
            await self._breathe()
        for tag in sorted(self._database, key=lambda tag: tag.path.count(".")):
            self._variable(tag, root)
            await self._breathe()
        for tag in self._database:  # those that came meanwhile
            self.add(tag)

    def add(self, tag: Tag) -> None:
        """Make the node of a tag that was added at run time; those above it too where they are new."""
        if tag in self.values:
            return
        root = self.node_id("#Project")
        missing: list[str] = []
        branch = parent(tag.path)
        while branch and self.node_id(branch) not in self._iserver.aspace:
            missing.append(branch)
            branch = parent(branch)
        for path in reversed(missing):
            above = parent(path)
            self._object(
                path,
                leaf(path),
                self.node_id(above) if above else root,
                folder=True,
                label={},
                under_folder=above not in self._devices,
            )
        self._variable(tag, root)

    async def _breathe(self) -> None:
        """Leave half of the time to drivers and displays: a large plant takes a while to build."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._slice_began_s >= SLICE_S:
            await asyncio.sleep(SLICE_S)
            self._slice_began_s = loop.time()

    @property
    def _devices(self) -> Mapping[str, object]:
        if not self._types:
            plant = self._plant
            paths: Iterable[str] = (
                *plant.chargers_by_path, *plant.connectors_by_path, *(meter.path for meter in plant.meters()),
            )  # fmt: skip
            self._types = dict.fromkeys(paths, ObjectIds.BaseObjectType)
        return self._types

    def _labels(self) -> dict[str, Texts]:
        plant = self._plant
        return {
            **{site.path: site.label for site in plant.sites},
            **{charger.path: charger.label for charger in plant.chargers()},
            **{meter.path: meter.label for meter in plant.meters()},
        }

    def _branches(self) -> list[str]:
        """All paths above tags and devices that are no tag themselves, parents first."""
        found: set[str] = set()
        paths = [*(tag.path for tag in self._database), *self._devices, *(s.path for s in self._plant.sites)]
        for path in paths:
            branch = path if path not in self._database else parent(path)
            while branch and branch not in found:
                if branch not in self._database:
                    found.add(branch)
                branch = parent(branch)
        order = {path: number for number, path in enumerate(paths)}
        return sorted(found, key=lambda path: (path.count("."), order.get(path, len(order)), path))

    def _add(self, item: ua.AddNodesItem) -> ua.NodeId:
        (result,) = self._iserver.node_mgt_service.add_nodes([item])
        result.StatusCode.check()
        added: ua.NodeId = item.RequestedNewNodeId
        return added

    def _item(
        self,
        path: str,
        name: str,
        above: ua.NodeId,
        reference: int,
        node_class: ua.NodeClass,
        type_id: int = 0,
    ) -> ua.AddNodesItem:
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = self.node_id(path)
        # Properties of the standard keep the standard's names (namespace 0).
        index = 0 if reference == ObjectIds.HasProperty else self._index
        item.BrowseName = ua.QualifiedName(name, index)
        item.ParentNodeId = above
        item.ReferenceTypeId = node_id(reference)
        item.NodeClass = node_class
        if type_id:
            item.TypeDefinition = node_id(type_id)
        return item

    def _text(self, texts: Texts, fallback: str = "") -> ua.LocalizedText:
        text = self._plant.text(texts, self._language)
        return ua.LocalizedText(text, self._language) if text else ua.LocalizedText(fallback)

    def _object(
        self, path: str, name: str, above: ua.NodeId, *, folder: bool, label: Texts, under_folder: bool
    ) -> ua.NodeId:
        item = self._item(
            path,
            name,
            above,
            ObjectIds.Organizes if under_folder else ObjectIds.HasComponent,
            ua.NodeClass.Object,
            ObjectIds.FolderType if folder else ObjectIds.BaseObjectType,
        )
        attributes = ua.ObjectAttributes()
        attributes.DisplayName = self._text(label, name)
        attributes.Description = self._text(label)
        attributes.EventNotifier = 0
        item.NodeAttributes = attributes
        return self._add(item)

    def _variable(self, tag: Tag, root: ua.NodeId) -> None:
        definition, path = tag.definition, tag.path
        above = parent(path)
        is_folder = above not in self._devices and above not in self._database
        item = self._item(
            path,
            leaf(path),
            self.node_id(above) if above else root,
            ObjectIds.Organizes if is_folder else ObjectIds.HasComponent,
            ua.NodeClass.Variable,
            _variable_type(definition),
        )
        kind = variant_type(definition)
        attributes = ua.VariableAttributes()
        attributes.DisplayName = self._text(definition.label, leaf(path))
        attributes.Description = self._text(definition.description or definition.label)
        attributes.DataType = node_id(kind.value)
        attributes.ValueRank = -1
        attributes.ArrayDimensions = []
        access = _READ | (_WRITE if definition.write is not None else 0)
        attributes.AccessLevel = attributes.UserAccessLevel = access
        attributes.Historizing = False
        attributes.MinimumSamplingInterval = 50.0
        attributes.Value = ua.Variant(None, ua.VariantType.Null)
        item.NodeAttributes = attributes
        node = self._add(item)
        self.tags[node] = tag
        value = self._iserver.aspace[node].attributes[AttributeIds.Value]
        value.value = None
        value.value_callback = lambda _node, _attribute: data_value(tag)
        self.values[tag] = value
        self._properties(node, definition)

    def _properties(self, node: ua.NodeId, definition: TagDefinition) -> None:
        path = definition.path
        if definition.kind is Kind.BIT:
            true, false = _STATES.get(self._language, _STATES["en"])
            for name, text in (("TrueState", true), ("FalseState", false)):
                variant = ua.Variant(ua.LocalizedText(text, self._language), ua.VariantType.LocalizedText)
                self._property(node, path, name, variant, ObjectIds.LocalizedText)
            return
        if definition.kind is not Kind.REGISTER:
            return
        if definition.low is not None and definition.high is not None:
            extent = ua.Range(Low=definition.low, High=definition.high)
            self._property(node, path, "EURange", _structure(extent), ObjectIds.Range)
        unit = UNITS.get(definition.unit)
        if unit is not None:
            information = ua.EUInformation(
                NamespaceUri=UNITS_URI,
                UnitId=unit.unece_id,
                DisplayName=ua.LocalizedText(unit.symbol),
                Description=ua.LocalizedText(unit.name, "en"),
            )
            self._property(node, path, "EngineeringUnits", _structure(information), ObjectIds.EUInformation)
            precision = ua.Variant(float(definition.decimals), ua.VariantType.Double)
            self._property(node, path, "ValuePrecision", precision, ObjectIds.Double)

    def _property(
        self, node: ua.NodeId, path: str, name: str, value: ua.Variant, data_type: int, rank: int = -1
    ) -> None:
        item = self._item(
            f"{path}#{name}",
            name,
            node,
            ObjectIds.HasProperty,
            ua.NodeClass.Variable,
            ObjectIds.PropertyType,
        )
        attributes = ua.VariableAttributes()
        attributes.DisplayName = ua.LocalizedText(name)
        attributes.Description = ua.LocalizedText()
        attributes.DataType = node_id(data_type)
        attributes.ValueRank = rank
        attributes.ArrayDimensions = []
        attributes.AccessLevel = attributes.UserAccessLevel = _READ
        attributes.Historizing = False
        attributes.MinimumSamplingInterval = 0.0
        attributes.Value = value
        item.NodeAttributes = attributes
        self._add(item)

    def _method(self, connector: str) -> None:
        path = f"{connector}.{METHOD}"
        item = self._item(path, METHOD, self.node_id(connector), ObjectIds.HasComponent, ua.NodeClass.Method)
        attributes = ua.MethodAttributes()
        attributes.DisplayName = ua.LocalizedText(METHOD)
        attributes.Description = ua.LocalizedText("Stop the transaction of this connector", "en")
        attributes.Executable = attributes.UserExecutable = True
        item.NodeAttributes = attributes
        node = self._add(item)
        self.methods[node] = connector
        outputs = [
            _argument(
                "Outcome", "How it ended: done, refused, unreachable, timed_out, failed; empty: under way"
            ),
            _argument("Text", "The same in words"),
        ]
        variant = ua.Variant(outputs, ua.VariantType.ExtensionObject)
        self._property(node, path, "OutputArguments", variant, ObjectIds.Argument, rank=1)


def _variable_type(definition: TagDefinition) -> int:
    if definition.kind is Kind.BIT:
        return ObjectIds.TwoStateDiscreteType
    if definition.kind is Kind.REGISTER:
        if definition.low is not None and definition.high is not None:
            return ObjectIds.AnalogItemType
        if definition.unit in UNITS:
            return ObjectIds.AnalogUnitType
    return ObjectIds.BaseDataVariableType


def _structure(value: object) -> ua.Variant:
    return ua.Variant(value, ua.VariantType.ExtensionObject)


def _argument(name: str, description: str) -> ua.Argument:
    argument = ua.Argument()
    argument.Name = name
    argument.DataType = node_id(ObjectIds.String)
    argument.ValueRank = -1
    argument.ArrayDimensions = []
    argument.Description = ua.LocalizedText(description, "en")
    return argument
