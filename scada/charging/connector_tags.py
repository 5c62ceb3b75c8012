"""The tags of connectors that charging reads and writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scada.core.database import TagDatabase, Write
from scada.core.plant import Charger, Connector, Plant, Site
from scada.core.records import TransactionRecord
from scada.core.tag import Tag
from scada.core.value import GOOD, Quality, TimeUs, Value

Key = tuple[str, int]
"""(path of the charger, number of the connector)."""


class ConnectorTags:
    """The tags of one connector. Every device type has the first five (`project.check_types`); others may lack."""

    __slots__ = (
        "charger",
        "charging",
        "connector",
        "energy",
        "id_tag",
        "more",
        "online",
        "site",
        "soc",
        "started",
        "transaction",
    )

    def __init__(self, database: TagDatabase, site: Site, charger: Charger, connector: Connector) -> None:
        path = connector.path
        self.site, self.charger, self.connector = site, charger, connector
        self.transaction = database[f"{path}.TransactionId"]
        self.id_tag = database[f"{path}.IdTag"]
        self.charging = database[f"{path}.InTransaction"]
        self.started = database[f"{path}.SessionStart"]
        self.energy = database[f"{path}.SessionEnergy"]
        self.soc = database.get(f"{path}.Soc")
        self.online = database.get(f"{charger.path}.Online")
        self.more = {name: tag for name in _MORE if (tag := database.get(f"{path}.{name}")) is not None}

    @property
    def key(self) -> Key:
        """Of the connector."""
        return self.charger.path, self.connector.number

    def word(self, name: str) -> str:
        """The text of one of the further tags; empty where there is none."""
        tag = self.more.get(name)
        return tag.value if tag is not None and isinstance(tag.value, str) else ""

    def setting(self, name: str, default: bool) -> bool:
        """A switch of the connector (`on`, `off`), or the site's."""
        return {"on": True, "off": False}.get(self.word(name), default)

    @property
    def up(self) -> bool:
        """Whether the charger is connected."""
        return self.online is not None and self.online.value is True

    @property
    def status(self) -> str:
        """The state that the charger told of last."""
        return self.word("Status")

    def charge(self, since_us: TimeUs) -> float | None:
        """The vehicle's state of charge, if it was told since then."""
        tag = self.soc
        if tag is None or tag.quality != GOOD or tag.source_us < since_us:
            return None
        return float(tag.value) if isinstance(tag.value, (int, float)) else None


_MORE = (
    "Status",
    "AuthorizationMode",
    "Autostart",
    "AutostartToken",
    "Resume",
    "Reload",
    "Automation",
    "StopCondition",
    "PluggedIn",
    "Vehicle",
    "Reserved",
    "ReservedFor",
    "ReservedUntil",
)


class Tags:
    """All connectors of the plant by key and by path, and the one way to write to their tags."""

    def __init__(self, plant: Plant, database: TagDatabase) -> None:
        self.database = database
        self.by_key: dict[Key, ConnectorTags] = {}
        self.by_path: dict[str, ConnectorTags] = {}
        self.by_charger: dict[str, list[ConnectorTags]] = {}
        for site in plant.sites:
            for charger in site.chargers:
                self.by_charger[charger.path] = []
                for connector in charger.connectors:
                    tags = ConnectorTags(database, site, charger, connector)
                    self.by_key[tags.key] = self.by_path[connector.path] = tags
                    self.by_charger[charger.path].append(tags)

    def get(self, key: Key) -> ConnectorTags | None:
        """The tags of a connector; None: the project does not have it."""
        return self.by_key.get(key)

    def of_site(self, site: str) -> Iterable[ConnectorTags]:
        """The connectors of a site."""
        return (tags for tags in self.by_key.values() if tags.site.path == site)

    def put(self, key: Key, values: Mapping[str, Value], now_us: TimeUs) -> None:
        """Write some of the further tags of a connector."""
        tags = self.by_key.get(key)
        if tags is None:
            return
        batch: list[Write] = [
            (tag, value, GOOD, now_us)
            for name, value in values.items()
            if (tag := tags.more.get(name)) is not None
        ]
        self.database.write(batch, now_us)

    def show(self, record: TransactionRecord, now_us: TimeUs, quality: Quality | int = GOOD) -> None:
        """A transaction runs. `quality` is that of its energy."""
        tags = self.by_key.get((record.charger, record.connector))
        if tags is None:
            return
        values: list[tuple[Tag, Value]] = [
            (tags.transaction, record.id),
            (tags.id_tag, record.id_tag),
            (tags.charging, True),
            (tags.started, record.started_us / 1_000_000),
        ]
        batch: list[Write] = [(tag, value, GOOD, now_us) for tag, value in values]
        batch.append((tags.energy, record.energy_wh / 1000, quality, now_us))
        self.database.write(batch, now_us)

    def show_closed(self, record: TransactionRecord, now_us: TimeUs) -> None:
        """It has ended; its energy stays to be seen."""
        tags = self.by_key.get((record.charger, record.connector))
        if tags is None:
            return
        values: list[tuple[Tag, Value]] = [
            (tags.transaction, 0),
            (tags.id_tag, ""),
            (tags.charging, False),
            (tags.energy, record.energy_wh / 1000),
        ]
        self.database.write([(tag, value, GOOD, now_us) for tag, value in values], now_us)
