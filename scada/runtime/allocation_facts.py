"""From a plant to a circuit tree, and from its tags to what the allocator asks."""

from __future__ import annotations

from collections.abc import Mapping

from scada.allocation import Kind, Limits, Member, Node, Policy, Reading, Request, Settings, Tree
from scada.core.database import TagDatabase
from scada.core.device_ports import LimitHabit, LimitHabits
from scada.core.plant import Charger, Circuit, Connector, Current, Site, SiteAllocation
from scada.core.tag import Tag
from scada.core.value import SECOND_US, TimeUs, is_good

DC_EFFICIENCY = 0.92
"""Of the power at a DC plug, at least: what its charger takes of the mains is reckoned with it."""
VOLTAGE_V = 230.0
PHASE_KINDS = (Kind.L1, Kind.L2, Kind.L3)
NO_LIMIT_A = 1000.0
"""An operator's limit from here on is none."""


def tree_of(site: Site, rules: SiteAllocation) -> Tree:
    """The circuits of a site, with its connectors. Raises ValueError; `scada check` finds it before."""
    names = {one.name for one in rules.circuits}
    members = [
        _member(site, rules, charger, connector, charger.feeder if charger.feeder in names else site.path)
        for charger in site.chargers
        for connector in charger.connectors
    ]
    return Tree([_node(one) for one in rules.circuits], members)


def settings_of(rules: SiteAllocation) -> Settings:
    """The rules as the allocator takes them."""
    return Settings(
        policy=Policy(rules.policy),
        hold_minimum=rules.hold_minimum,
        lease_s=float(rules.lease_s),
        turn_s=rules.turn_s,
        meter_lost_s=rules.meter_lost_s,
        ramp_s=rules.ramp_s,
        reduced_part=rules.reduced,
    )


def _node(one: Circuit) -> Node:
    return Node(
        name=one.name,
        parent=one.parent,
        limits=Limits(current_a=(one.limit_a,) * 3, power_kw=one.limit_kw, power_kva=one.limit_kva),
        usable=one.usable,
        reserve_a=one.reserve_a,
        launch=one.launch,
        launch_a=one.launch_a,
        safe_a=(one.safe_a,) * 3,
        metered=bool(one.meter),
        demand_kw=one.demand_kw,
    )


def _member(site: Site, rules: SiteAllocation, charger: Charger, connector: Connector, node: str) -> Member:
    maximum_a = connector.current_max_a
    phases = charger.wiring[: connector.phases]
    if connector.current is Current.DC:
        maximum_a = round(connector.power_max_kw * 1000 / DC_EFFICIENCY / (3 * VOLTAGE_V), 1)
        phases = (0, 1, 2)
    return Member(
        name=connector.path,
        node=node,
        phases=phases or (0,),
        minimum_a=min(rules.minimum_a, maximum_a),
        maximum_a=maximum_a,
        fallback_a=min(rules.fallback_a, maximum_a),
        leased=charger.name not in rules.unleased,
        raise_every_s=15.0,
    )


class Facts:
    """The tags of a site that the allocator looks at."""

    def __init__(self, site: Site, rules: SiteAllocation, tags: TagDatabase, habits: LimitHabits) -> None:
        self._site, self._rules, self._tags, self._habits = site, rules, tags, habits
        self._connectors = [
            (charger, connector) for charger in site.chargers for connector in charger.connectors
        ]
        self._seen: dict[str, tuple[TimeUs, float]] = {}
        self._meters = {one.name: one.meter for one in rules.circuits if one.meter}

    def requests(
        self, now_s: float, now_us: TimeUs, boots: Mapping[str, int], known: set[str]
    ) -> list[Request]:
        """Of every connector, in the order of the tree.

        Args:
            known: connectors that were online at some time.
        """
        return [
            self._request(charger, connector, now_s, now_us, boots, known)
            for charger, connector in self._connectors
        ]

    def meters(self, now_s: float, now_us: TimeUs) -> dict[str, Reading | None]:
        """Of every metered circuit. A Bad value is none."""
        return {
            name: self._reading(
                [f"{path}.CurrentL{n}" for n in (1, 2, 3)], now_s, now_us, f"{path}.ActivePower"
            )
            for name, path in self._meters.items()
        }

    def limits(self, now_us: TimeUs) -> dict[tuple[str, Kind], float]:
        """A limit from outside, on the grid connection; one that is no longer good is the safe limit."""
        tag = self._tags.get(f"{self._site.path}.ExternalLimit")
        if tag is None or not isinstance(tag.value, float):
            return {}
        limit_a, valid_s = tag.value, self._rules.external_valid_s
        if not is_good(tag.quality) or (valid_s and now_us - tag.server_us > valid_s * SECOND_US):
            limit_a = min(limit_a, self._rules.circuits[0].safe_a)
        return {(self._rules.circuits[0].name, kind): limit_a for kind in PHASE_KINDS}

    def over(self) -> bool:
        """Whether a meter shows more than its circuit has."""
        for one in self._rules.circuits:
            for n in (1, 2, 3) if one.meter else ():
                value = self._good(f"{one.meter}.CurrentL{n}")
                if isinstance(value, float) and value > one.limit_a * one.usable:
                    return True
        return False

    def _request(
        self,
        charger: Charger,
        connector: Connector,
        now_s: float,
        now_us: TimeUs,
        boots: Mapping[str, int],
        known: set[str],
    ) -> Request:
        path = connector.path
        online = self._good(f"{charger.path}.Online") is True
        habit = self._habits(charger.path, connector.number) if online else LimitHabit()
        session = ""
        if self._value(f"{path}.InTransaction") is True:
            session = f"{self._value(f'{path}.TransactionId')}"
        manual = self._value(f"{path}.LimitManual")
        weight, tier = self._value(f"{path}.Weight"), self._value(f"{path}.Tier")
        return Request(
            online=online,
            seen=online or path in known,
            session=session,
            full=self._value(f"{path}.Status") == "SuspendedEV",
            boots=boots.get(charger.path, 0),
            reading=self._drawn(connector, now_s, now_us),
            weight=weight if isinstance(weight, float) else 1.0,
            tier=int(tier) if isinstance(tier, float) and self._rules.policy == "tiers" else 0,
            ceiling_a=manual if isinstance(manual, float) and manual < NO_LIMIT_A else None,
            takes=habit.takes,
            leases=habit.leases,
        )

    def _drawn(self, connector: Connector, now_s: float, now_us: TimeUs) -> Reading | None:
        """What a connector draws of the mains on each of its charger's phases."""
        if connector.current is Current.DC:
            power = self._tags.get(f"{connector.path}.ActivePower")
            value = self._good(f"{connector.path}.ActivePower")
            if power is None or not isinstance(value, float):
                return None
            each_a = max(0.0, value) * 1000 / DC_EFFICIENCY / (3 * VOLTAGE_V)
            return Reading((each_a,) * 3, self._taken(power, now_s, now_us))
        count = connector.phases
        return self._reading([f"{connector.path}.CurrentL{n}" for n in range(1, count + 1)], now_s, now_us)

    def _reading(self, paths: list[str], now_s: float, now_us: TimeUs, power: str = "") -> Reading | None:
        currents, taken_s = [0.0, 0.0, 0.0], now_s
        for n, path in enumerate(paths):
            tag, value = self._tags.get(path), self._good(path)
            if tag is None or not isinstance(value, float):
                return None
            currents[n] = value
            taken_s = min(taken_s, self._taken(tag, now_s, now_us))
        power_kw = self._good(power) if power else None
        return Reading(
            (currents[0], currents[1], currents[2]),
            taken_s,
            power_kw if isinstance(power_kw, float) else None,
        )

    def _value(self, path: str) -> object:
        tag = self._tags.get(path)
        return None if tag is None else tag.value

    def _good(self, path: str) -> object:
        tag = self._tags.get(path)
        return tag.value if tag is not None and is_good(tag.quality) else None

    def _taken(self, tag: Tag, now_s: float, now_us: TimeUs) -> float:
        """When a value reached us, by the clock that never leaps: reckoned once, so that no leap makes it young again."""
        known = self._seen.get(tag.path)
        if known is None or known[0] != tag.server_us:
            known = tag.server_us, now_s - max(0, now_us - tag.server_us) / SECOND_US
            self._seen[tag.path] = known
        return known[1]
