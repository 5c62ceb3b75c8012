"""The command router: the one road out.

Right, arguments, journal, deadline, outcome. Drivers register what they can carry out; whoever wants something
of a device asks here, whichever door it came by.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from scada.core.access import Actor, Right
from scada.core.catalogue import CATALOGUE, WRITE_REGISTER
from scada.core.command import Command, CommandResult, Outcome, Target, check_arguments
from scada.core.database import coerce
from scada.core.effects import Order
from scada.core.errors import BadRequest, JournalError, NotFound, ScadaError
from scada.core.ports import Commander
from scada.core.records import CommandRecord
from scada.core.secrecy import HIDDEN, hide
from scada.runtime.host import REQUEST_TIMEOUT_S, PlantHost
from scada.runtime.requests import Note, WriteTag

Guard = Callable[[str, str, Actor], str]
"""(command, target, actor) → why it must not be carried out now, or empty."""
Progress = Callable[[str], None]
"""Told what a command waits for: `journal`, `device`."""

_AT_ONCE = frozenset({"RemoteStop"})
"""Commands that hardly wait for the disk: to stop is never the wrong thing to do."""
AT_ONCE_WAIT_S = 0.2
ARGUMENTS_LENGTH_MAX = 4_000
"""Of the arguments in the journal: a local list may have thousands of entries."""
TEXT_LENGTH_MAX = 2_000
"""Of an outcome in the journal: devices are quoted in it."""
ORDERS_AT_ONCE = 200
"""Commands of the core under way at once; further ones wait: an action may be one of every charger of the plant."""
ORDERS_MAX = 20_000
"""Those under way and those that wait; a further one is refused and logged."""

log = structlog.get_logger()


class CommandRouter:
    """Routes commands to the driver of their target."""

    def __init__(self, host: PlantHost) -> None:
        self._host = host
        self._commanders: dict[str, Commander] = {}
        self._orders: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(ORDERS_AT_ONCE)
        self._guards: list[Guard] = []
        host.subscribe_orders(self.order)

    def register(self, charger: str, commander: Commander) -> None:
        """A driver carries out the commands for a charger and its connectors."""
        self._commanders[charger] = commander

    def guard(self, guard: Guard) -> Callable[[], None]:
        """Have commands looked at before they go out; call what is returned to end it."""
        self._guards.append(guard)
        return lambda: self._guards.remove(guard)

    async def execute(
        self,
        name: str,
        target: str,
        arguments: Mapping[str, Any],
        actor: Actor,
        progress: Progress | None = None,
    ) -> CommandResult:
        """Carry out a command to its real end.

        Raises:
            NotFound: no such command or target.
            BadRequest: the arguments are wrong.
            Denied: the actor may not; noted in the journal.
            JournalError: the order could not be made durable; nothing was sent.
        """
        spec = CATALOGUE.get(name)
        if spec is None:
            raise NotFound(f"there is no command {name}")
        charger = self._charger_of(target, spec.target)
        checked = check_arguments(spec, arguments)
        now_us = self._host.clock.now_us()
        command = Command(
            id=uuid.uuid4().hex,
            name=name,
            target=target,
            arguments=checked,
            user=actor.name,
            origin=actor.origin,
            issued_us=now_us,
            deadline_us=now_us + int(spec.timeout_s * 1_000_000),
        )
        right = spec.right_for(checked)
        if not actor.may(right):
            denied = CommandResult(Outcome.DENIED, f"needs the right '{right.value}'")
            await self._note(command, denied)
            actor.require(right)
        why = next(filter(None, (guard(name, target, actor) for guard in self._guards)), "")
        if why:
            raise BadRequest(why)
        if progress:
            progress("journal")
        if name in _AT_ONCE:
            await self._try_note(command, None, timeout_s=AT_ONCE_WAIT_S)
        else:
            await self._note(command, None)
        try:
            result = await self._run(command, charger, spec.timeout_s, progress)
        except asyncio.CancelledError:
            unknown = CommandResult(Outcome.TIMED_OUT, "nobody waited for the outcome; it is not known")
            await self._try_note(command, unknown)
            raise
        await self._try_note(command, result)
        log.info(
            "command",
            command=name,
            target=target,
            user=actor.name,
            outcome=result.outcome.value,
            text=result.text,
        )
        return result

    async def write(self, path: str, value: object, actor: Actor) -> CommandResult | None:
        """Write a tag from outside: by the command of its write rule, else into the tag itself.

        Returns:
            The outcome of the command; None: the tag itself was written.

        Raises:
            NotFound, BadRequest, Denied, JournalError: nothing was changed.
        """
        tag = self._host.tags.get(path)
        rule = tag.definition.write if tag is not None else None
        if tag is None or rule is None or not rule.command:
            await self._host.request(WriteTag(path, value, actor))
            return None
        actor.require(Right(rule.right))
        try:
            value = coerce(tag.definition, value)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        given: object = value
        if rule.values:
            word = str(value).lower() if isinstance(value, bool) else str(value)
            if word not in rule.values:
                raise BadRequest(f"{path} takes one of: {', '.join(rule.values)}")
            given = rule.values[word]
        place = self._host.plant.place_of(path)
        arguments = {rule.argument: given}
        if rule.command == WRITE_REGISTER:
            arguments["register"] = tag.definition.address
        return await self.execute(rule.command, place, arguments, actor)

    def order(self, order: Order) -> None:
        """Carry out a command that the core gives; its outcome is in the journal. Bounded: `ORDERS_MAX`."""
        if len(self._orders) >= ORDERS_MAX:
            log.error("order_refused", command=order.command, target=order.target, user=order.user)
            self._host.outcome(order, CommandResult(Outcome.REFUSED, "too many orders are under way"))
            return
        actor = Actor(order.user, frozenset(Right), "system")
        task = asyncio.create_task(self._carry_out(order, actor), name=f"order {order.command}")
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    async def _carry_out(self, order: Order, actor: Actor) -> None:
        try:
            async with self._turns:
                result = await self.execute(order.command, order.target, order.arguments, actor)
        except ScadaError as error:
            log.error("order_failed", command=order.command, target=order.target, error=str(error))
            result = CommandResult(Outcome.FAILED, str(error))
        self._host.outcome(order, result)

    async def _run(
        self, command: Command, charger: str, timeout_s: float, progress: Progress | None
    ) -> CommandResult:
        commander = self._commanders.get(charger)
        if commander is None:
            return CommandResult(Outcome.UNREACHABLE, "no driver serves this charger")
        if progress:
            progress("device")
        try:
            async with asyncio.timeout(timeout_s):
                return await commander.execute(command)
        except TimeoutError:
            return CommandResult(Outcome.TIMED_OUT, f"no outcome within {timeout_s:g} s")
        except Exception as error:
            log.exception("command_failed", command=command.name, target=command.target)
            return CommandResult(Outcome.FAILED, f"internal error: {type(error).__name__}")

    async def _try_note(
        self, command: Command, result: CommandResult | None, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> None:
        """Like `_note`; what waits too long is written later all the same, and is no reason to stop."""
        try:
            await self._note(command, result, timeout_s)
        except JournalError:
            log.error("command_journalled_late", command=command.name, target=command.target)

    async def _note(
        self, command: Command, result: CommandResult | None, timeout_s: float = REQUEST_TIMEOUT_S
    ) -> None:
        secrets = {argument.name for argument in CATALOGUE[command.name].arguments if argument.secret}
        shown = {name: HIDDEN if name in secrets else value for name, value in command.arguments.items()}
        shown = json.loads(json.dumps(shown))  # a copy
        hide(shown)
        record = CommandRecord(
            id=command.id,
            time_us=command.issued_us if result is None else self._host.clock.now_us(),
            name=command.name,
            target=command.target,
            arguments=json.dumps(shown)[:ARGUMENTS_LENGTH_MAX],
            user=command.user,
            origin=command.origin,
            outcome=result.outcome.value if result else "",
            text=result.text[:TEXT_LENGTH_MAX] if result else "",
        )
        await self._host.request(Note((record,)), timeout_s)

    def _charger_of(self, target: str, kind: Target) -> str:
        plant = self._host.plant
        if kind is Target.DEVICE:
            charger = plant.chargers_by_path.get(target)
            if target in plant.meters_by_path or (charger is not None and charger.modbus is not None):
                return target
            raise NotFound(f"there is no Modbus device {target}")
        if kind is not Target.CONNECTOR and target in plant.chargers_by_path:
            return target
        if kind is Target.CHARGER:
            if target in plant.connectors_by_path:
                raise BadRequest("this command goes to a charger, not to a connector")
            raise NotFound(f"there is no charger {target}")
        if target in plant.connectors_by_path:
            return plant.connectors_by_path[target][0].path
        if target in plant.chargers_by_path:
            raise BadRequest("this command goes to a connector, for example " + target + ".C1")
        raise NotFound(f"there is no {kind.value} {target}")
