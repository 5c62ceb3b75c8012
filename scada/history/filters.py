"""What lists are filtered by, as conditions of SQL."""

from __future__ import annotations

from sqlalchemy import Column, ColumnElement, Table, and_, func, literal, or_

from scada.core.access import LEVEL_MAX, Role
from scada.core.ports import DeedFilter, JournalFilter, SessionFilter, VisitFilter
from scada.core.value import TimeUs
from scada.history import schema
from scada.history.floors import binary

Conditions = list[ColumnElement[bool]]


def of_sessions(where: SessionFilter) -> tuple[Conditions, Conditions]:
    """Which transactions: conditions that an index in order of the start serves, and those that each row is asked."""
    columns = schema.transaction.c
    base = _span(columns.started_us, where.from_us, where.to_us)
    rest: Conditions = []
    # The first that is said has an index with the start behind it; one index is used.
    served = [
        (columns.visit == where.visit, bool(where.visit)),
        (columns.charger == where.charger, bool(where.charger)),
        (func.lower(columns.id_tag) == where.id_tag.lower(), bool(where.id_tag)),
        (and_(columns.vehicle == where.vehicle, columns.vehicle != ""), bool(where.vehicle)),
        (columns.site == where.site, bool(where.site)),
        (columns.flags != "", bool(where.flags)),
    ]
    said = [condition for condition, is_said in served if is_said]
    base += said[:1]
    rest += said[1:]
    for column, wanted in (
        (columns.parent, where.parent),
        (columns.plan, where.plan),
        (columns.authorized_by, where.authorized_by),
    ):
        if wanted:
            rest.append(column == wanted)
    if where.connector is not None:
        rest.append(columns.connector == where.connector)
    if where.vehicles:
        rest.append(columns.vehicle.in_(where.vehicles))
    if where.state is not None:
        rest.append(columns.state == where.state.value)
    if where.late is not None:
        rest.append(columns.late == where.late)
    rest += [
        literal(",").concat(columns.flags).concat(",").contains(f",{flag},", autoescape=True)
        for flag in where.flags
        if flag != "any"
    ]
    return base, rest + _figures_of(where)


def _figures_of(where: SessionFilter) -> Conditions:
    columns = schema.transaction.c
    rest: Conditions = []
    duration = columns.stopped_us - columns.started_us
    for value, low, high in (
        (columns.energy_wh, where.energy_min_wh, where.energy_max_wh),
        (duration, where.duration_min_us, where.duration_max_us),
    ):
        if low is not None:
            rest.append(value >= low)
        if high is not None:
            rest.append(value <= high)
    if where.ended_from_us is not None:
        rest.append(or_(columns.stopped_us >= where.ended_from_us, columns.stopped_us.is_(None)))
    if where.text:
        found_in = (columns.id_tag, columns.parent, columns.vehicle, columns.charger, columns.reason)
        rest.append(or_(*(_contains(column, where.text) for column in found_in)))
    return rest


def of_visits(where: VisitFilter) -> Conditions:
    """Which visits."""
    columns = schema.visit.c
    conditions = _span(columns.began_us, where.from_us, where.to_us)
    for column, wanted in (
        (columns.site, where.site),
        (columns.charger, where.charger),
        (columns.vehicle, where.vehicle),
    ):
        if wanted:
            conditions.append(column == wanted)
    if where.connector is not None:
        conditions.append(columns.connector == where.connector)
    if where.open is not None:
        conditions.append(columns.ended_us.is_(None) if where.open else columns.ended_us.is_not(None))
    return conditions


def of_journal(where: JournalFilter) -> Conditions:
    """Which rows of the alarm journal."""
    columns = schema.alarm_journal.c
    conditions = [*of_alarms(where), *_span(columns.time_us, where.from_us, where.to_us)]
    if where.alarm:
        conditions.append(columns.alarm == where.alarm)
    if where.events:
        conditions.append(columns.event.in_([event.value for event in where.events]))
    if where.state is not None:
        conditions.append(columns.state == where.state.value)
    if where.user:
        conditions.append(columns.user == where.user)
    if where.text:
        conditions.append(
            or_(*(_contains(column, where.text) for column in (columns.alarm, columns.comment, columns.user)))
        )
    return conditions


def of_alarms(where: JournalFilter) -> Conditions:
    """Of which alarms: site, branch, levels and what the reader may see."""
    columns = schema.alarm_journal.c
    conditions: Conditions = []
    if where.site:
        conditions.append(columns.site == where.site)
    if where.branch:
        conditions.append(_within(columns.alarm, where.branch))
    conditions += _levels(where.level_min, where.level_max)
    if where.role is not None:
        conditions += _seen(where.role)
    return conditions


def of_audit(where: DeedFilter) -> Conditions:
    """Which rows of the audit."""
    columns = schema.audit.c
    return _deed(where, schema.audit, columns.object, columns.action, columns.time_us)


def of_commands(where: DeedFilter) -> Conditions:
    """Which commands."""
    columns = schema.command.c
    return _deed(where, schema.command, columns.target, columns.name, columns.issued_us)


def _deed(
    where: DeedFilter, table: Table, of: Column[str], action: Column[str], time: Column[int]
) -> Conditions:
    conditions = _span(time, where.from_us, where.to_us)
    pairs = ((table.c.user, where.user), (of, where.object), (action, where.action))
    return conditions + [column == wanted for column, wanted in pairs if wanted]


def _seen(role: Role) -> Conditions:
    """The rule of `Role.sees`."""
    columns = schema.alarm_journal.c
    conditions = _levels(*role.see)
    if role.sites:
        conditions.append(columns.site.in_(["", *sorted(role.sites)]))
    if role.domains:
        conditions.append(columns.domain.in_(sorted(role.domains)))
    return conditions


def _levels(low: int, high: int) -> Conditions:
    if (low, high) == (0, LEVEL_MAX):
        return []
    return [schema.alarm_journal.c.level.between(low, high)]


def _span(column: Column[int], from_us: TimeUs | None, to_us: TimeUs | None) -> Conditions:
    """`from_us <= time < to_us`."""
    conditions: Conditions = []
    if from_us is not None:
        conditions.append(column >= from_us)
    if to_us is not None:
        conditions.append(column < to_us)
    return conditions


def _within(column: Column[str], branch: str) -> ColumnElement[bool]:
    # A span of texts instead of LIKE: it takes the index, case counts, and no character needs an escape.
    after_dot = chr(ord(".") + 1)
    exact = binary(column)
    return or_(column == branch, and_(exact > f"{branch}.", exact < f"{branch}{after_dot}"))


def _contains(column: Column[str], text: str) -> ColumnElement[bool]:
    return column.icontains(text, autoescape=True)
