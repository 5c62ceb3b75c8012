"""What the test page needs of the driver: which messages there are, and what passes (port DeviceConsole)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from scada.core.device_ports import FrameFilter, TracedFrame
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Plant
from scada.drivers.ocpp import schemas
from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.trace import Trace


class Console:
    """The messages of all chargers of a plant.

    Args:
        dialect_of: the version that a charger speaks, or spoke last.
    """

    def __init__(self, plant: Plant, trace: Trace, dialect_of: Callable[[str], Dialect]) -> None:
        self._plant, self._trace, self._dialect_of = plant, trace, dialect_of

    def actions(self, charger: str) -> Sequence[str]:
        """What may be sent to a charger in its version of the protocol. Raises NotFound."""
        return sorted(self._dialect(charger).calls)

    def schema(self, charger: str, action: str) -> Mapping[str, Mapping[str, object]]:
        """JSON schemas of `request` and `response`. Raises NotFound."""
        dialect = self._dialect(charger)
        if action not in dialect.calls:
            raise NotFound(f"{dialect.version} has no message '{action[:50]}' for chargers")
        version = dialect.version
        return {
            "request": schemas.schema(version, action),
            "response": schemas.schema(version, f"{action}Response"),
        }

    def check(self, charger: str, action: str, payload: Mapping[str, object]) -> None:
        """See whether the schema takes a message. Raises NotFound, or BadRequest with the JSON path of the fault."""
        self.schema(charger, action)
        fault = schemas.fault(self._dialect(charger).version, action, payload)
        if fault:
            raise BadRequest(f"nothing was sent: {fault}")

    def frames(self, where: FrameFilter, limit: int) -> Sequence[TracedFrame]:
        """The newest frames that are still kept, oldest first."""
        return self._trace.frames(where, limit)

    def follow(self, where: FrameFilter, listener: Callable[[TracedFrame], None]) -> Callable[[], None]:
        """Have a listener told of each frame from now on; call what is returned to end it."""
        return self._trace.follow(where, listener)

    def _dialect(self, charger: str) -> Dialect:
        if charger not in self._plant.chargers_by_path:
            raise NotFound(f"there is no charger {charger}")
        if self._plant.chargers_by_path[charger].modbus is not None:
            raise NotFound(f"{charger} speaks Modbus, not OCPP")
        return self._dialect_of(charger)
