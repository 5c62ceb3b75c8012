"""Sections → the circuits of a site and the rules by which they are shared; and what can be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from scada.core.plant import Circuit, SiteAllocation
from scada.project.allocation_schema import CircuitFields
from scada.project.files import Reader, near_or_known
from scada.project.modbus_schema import MeterRow
from scada.project.schema import ChargerRow, SiteSection

METER_POLL_MAX_S = 5.0
"""A meter that is asked less often sees a load that steps up too late (IEC 61851-1 leaves chargers 5 s as well)."""


def allocation(section: SiteSection) -> SiteAllocation | None:
    """The rules of a site; None: its chargers are left alone."""
    rules = section.allocation
    if rules is None:
        return None
    circuits = [_circuit(section, section.tag, "", section.limit_a, rules)]
    circuits += [
        _circuit(section, one.name, one.parent or section.tag, one.limit_a, one) for one in section.feeders
    ]
    return SiteAllocation(
        circuits=tuple(circuits),
        policy=rules.policy,
        period_s=rules.period_s,
        lease_s=rules.lease_s,
        fallback_a=rules.fallback_a,
        minimum_a=rules.minimum_a,
        hold_minimum=rules.hold_minimum,
        turn_s=rules.turn_s,
        meter_lost_s=rules.meter_lost_s,
        external_valid_s=rules.external_valid_s,
        ramp_s=rules.ramp_s,
        reduced=rules.reduced_percent / 100,
        unleased=tuple(rules.unleased),
    )


def wiring(row: ChargerRow) -> tuple[int, ...]:
    """Phases of the mains that a charger's own phases are wired to."""
    return tuple(int(row.wiring[n]) - 1 for n in range(1, len(row.wiring), 2)) or (0, 1, 2)


def check(
    reader: Reader, number: int, site: SiteSection, chargers: Sequence[ChargerRow], meters: Sequence[MeterRow]
) -> None:
    """Note what is wrong with a site's circuits."""
    place = f"sites[{number}]"
    parents = {one.name: one.parent for one in site.feeders}
    for n, feeder in enumerate(site.feeders):
        where = f"{place}.feeders[{n}]"
        if feeder.name == site.tag and site.allocation is not None:
            reader.problem("project.toml", f"{where}.name", "a feeder has another name than its site")
        if feeder.parent and feeder.parent not in parents:
            hint = near_or_known(feeder.parent, list(parents))
            reader.problem("project.toml", f"{where}.parent", f"there is no feeder '{feeder.parent}'", hint)
        elif _hangs_on_itself(feeder.name, parents):
            reader.problem("project.toml", f"{where}.parent", f"feeder '{feeder.name}' hangs on itself")
        _limits(reader, where, site, feeder, feeder.limit_a, meters)
    rules = site.allocation
    if rules is None:
        return
    _limits(reader, f"{place}.allocation", site, rules, site.limit_a, meters)
    if 0 < rules.fallback_a < rules.minimum_a:
        reader.problem("project.toml", f"{place}.allocation.fallback_a", "is 0, or at least minimum_a")
    tags = [one.tag for one in chargers]
    for tag in rules.unleased:
        if tag not in tags:
            hint = near_or_known(tag, tags)
            reader.problem(
                "project.toml", f"{place}.allocation.unleased", f"there is no charger '{tag}'", hint
            )
    for one in chargers:
        if one.current_a < rules.minimum_a:
            reader.problem(
                "chargers.csv", "column current_a", f"{one.tag}: is less than minimum_a of its site"
            )
        if len(set(wiring(one))) != len(wiring(one)):
            reader.problem("chargers.csv", "column wiring", f"{one.tag}: names a phase twice")
    _fallbacks(reader, place, site, chargers)


def _fallbacks(reader: Reader, place: str, site: SiteSection, chargers: Sequence[ChargerRow]) -> None:
    """While nobody supervises, each connector falls back: together they must fit every circuit."""
    rules = site.allocation
    if rules is None or not rules.fallback_a:
        return
    parents = {one.name: one.parent for one in site.feeders}
    limits = {site.tag: (site.limit_a, rules), **{one.name: (one.limit_a, one) for one in site.feeders}}
    for name, (limit_a, fields) in limits.items():
        below = [one for one in chargers if name == site.tag or name in _above(one.feeder, parents)]
        sum_a = sum(rules.fallback_a * one.connectors for one in below)
        room_a = limit_a * fields.usable_percent / 100
        if sum_a > room_a:
            reason = f"all fall back to {sum_a:g} A together, more than the {room_a:g} A of '{name}'"
            reader.problem("project.toml", f"{place}.allocation.fallback_a", reason, "lower it, or set 0")


def _limits(
    reader: Reader,
    where: str,
    site: SiteSection,
    fields: CircuitFields,
    limit_a: float,
    meters: Sequence[MeterRow],
) -> None:
    def wrong(key: str, reason: str, hint: str = "") -> None:
        reader.problem("project.toml", f"{where}.{key}", reason, hint)

    usable_a = limit_a * fields.usable_percent / 100
    minimum_a = site.allocation.minimum_a if site.allocation else 0.0
    if site.allocation is not None and usable_a - fields.reserve_a < minimum_a:
        wrong("reserve_a", f"what is left of {limit_a:g} A is less than the least current of one connector")
    if fields.safe_a > usable_a:
        wrong("safe_a", f"is more than the {usable_a:g} A that may be used")
    if not fields.meter:
        return
    meter = next((one for one in meters if one.tag == fields.meter), None)
    if meter is None:
        hint = near_or_known(fields.meter, [one.tag for one in meters])
        wrong("meter", f"site '{site.tag}' has no meter '{fields.meter}'", hint)
    elif site.allocation is not None and meter.poll_s > METER_POLL_MAX_S:
        wrong(
            "meter",
            f"'{meter.tag}' is asked each {meter.poll_s:g} s: too seldom to keep a limit with",
            "poll_s ≤ 5",
        )


def _above(feeder: str, parents: dict[str, str]) -> list[str]:
    """A feeder and those above it; of a cycle each once."""
    above: list[str] = []
    while feeder and feeder not in above:
        above.append(feeder)
        feeder = parents.get(feeder, "")
    return above


def _hangs_on_itself(feeder: str, parents: dict[str, str]) -> bool:
    at = parents.get(feeder, "")
    for _ in parents:
        if at == feeder:
            return True
        at = parents.get(at, "")
    return False


def _circuit(section: SiteSection, name: str, parent: str, limit_a: float, fields: CircuitFields) -> Circuit:
    return Circuit(
        name=name,
        parent=parent,
        limit_a=limit_a,
        limit_kw=fields.limit_kw,
        limit_kva=fields.limit_kva,
        demand_kw=fields.demand_kw,
        usable=fields.usable_percent / 100,
        reserve_a=fields.reserve_a,
        safe_a=fields.safe_a,
        launch=fields.launch,
        launch_a=fields.launch_a,
        meter=f"{section.tag}.{fields.meter}" if fields.meter else "",
    )
