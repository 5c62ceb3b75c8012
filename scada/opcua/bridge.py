"""What a client wants changed, on the product's roads: writes to `PlantHost.request`, calls to the CommandRouter."""

from __future__ import annotations

import asyncio

import structlog
from asyncua import ua

from scada.core.access import Actor, Right
from scada.core.command import CommandResult
from scada.core.errors import BadRequest, Denied, JournalError, NotFound, ScadaError
from scada.opcua.address_space import METHOD, AddressSpace
from scada.opcua.ids import AttributeIds, StatusCodes, status
from scada.opcua.values import variant_type
from scada.runtime.host import PlantHost
from scada.runtime.router import CommandRouter

CALL_WAIT_S = 10.0
"""How long a method waits for the outcome; then it answers GoodCompletesAsynchronously and the command goes on."""
COMMANDS_MAX = 100
"""Commands under way for all clients; at it a call is answered BadResourceUnavailable."""

log = structlog.get_logger()


class Bridge:
    """Carries out what sessions ask for, with the rights of who asks."""

    def __init__(self, host: PlantHost, router: CommandRouter, space: AddressSpace) -> None:
        self._host = host
        self._router = router
        self._space = space
        self._commands: set[asyncio.Task[CommandResult]] = set()

    async def write(self, item: ua.WriteValue, actor: Actor | None) -> int:
        """Write one attribute. Returns the status code."""
        tag = self._space.tags.get(item.NodeId)
        if tag is None or item.AttributeId != AttributeIds.Value or tag.definition.write is None:
            return StatusCodes.BadNotWritable
        if actor is None or not actor.may(Right(tag.definition.write.right)):
            return StatusCodes.BadUserAccessDenied
        if item.IndexRange or (item.Value.StatusCode is not None and not item.Value.StatusCode.is_good()):
            return StatusCodes.BadWriteNotSupported
        variant = item.Value.Value
        if variant is None or variant.is_array or variant.VariantType != variant_type(tag.definition):
            return StatusCodes.BadTypeMismatch
        try:
            async with asyncio.timeout(CALL_WAIT_S):
                result = await self._router.write(tag.path, variant.Value, actor)
        except TimeoutError:
            return StatusCodes.GoodCompletesAsynchronously
        except BadRequest:
            return StatusCodes.BadOutOfRange
        except ScadaError as error:
            return _code(error)
        return StatusCodes.Good if result is None or result.outcome.ok else StatusCodes.BadRequestNotComplete

    async def call(self, request: ua.CallMethodRequest, actor: Actor | None) -> ua.CallMethodResult:
        """Call a method of a connector."""
        connector = self._space.methods.get(request.MethodId)
        if connector is None or request.ObjectId != self._space.node_id(connector):
            return _result(StatusCodes.BadMethodInvalid)
        if request.InputArguments:
            return _result(StatusCodes.BadTooManyArguments)
        if actor is None:
            return _result(StatusCodes.BadUserAccessDenied)
        if len(self._commands) >= COMMANDS_MAX:
            return _result(StatusCodes.BadResourceUnavailable)
        command = asyncio.create_task(self._router.execute(METHOD, connector, {}, actor))
        self._commands.add(command)
        command.add_done_callback(self._ended)
        done, _ = await asyncio.wait([command], timeout=CALL_WAIT_S)
        if not done:
            return _result(StatusCodes.GoodCompletesAsynchronously, "", "under way")
        error = command.exception()
        if error is not None:
            return _result(_code(error))
        result = command.result()
        return _result(StatusCodes.Good, result.outcome.value, result.text)

    async def close(self) -> None:
        """Give up commands that are still under way."""
        commands = list(self._commands)
        for command in commands:
            command.cancel()
        await asyncio.gather(*commands, return_exceptions=True)

    def _ended(self, command: asyncio.Task[CommandResult]) -> None:
        self._commands.discard(command)
        if command.cancelled():
            return
        error = command.exception()
        if error is not None and not isinstance(error, ScadaError):
            log.error("opcua_command_failed", error=repr(error))


def _code(error: BaseException) -> int:
    if isinstance(error, Denied):
        return StatusCodes.BadUserAccessDenied
    if isinstance(error, NotFound):
        return StatusCodes.BadNodeIdUnknown
    if isinstance(error, BadRequest):
        return StatusCodes.BadInvalidArgument
    if isinstance(error, JournalError):
        return StatusCodes.BadTimeout
    return StatusCodes.BadInternalError


def _result(code: int, *outputs: str) -> ua.CallMethodResult:
    result = ua.CallMethodResult()
    result.StatusCode = status(code)
    result.OutputArguments = [ua.Variant(text, ua.VariantType.String) for text in outputs]
    return result
