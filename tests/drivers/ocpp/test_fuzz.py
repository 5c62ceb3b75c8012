"""Whatever a charger sends: each CALL has one answer, and the connection lives."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from scada.testing import Central

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
)
anything: Any = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
times = st.sampled_from(["2026-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2026-01-01T00:00:00", "x", ""])
sample = st.fixed_dictionaries(
    {"value": st.sampled_from(["1", "-0.147", "nan", "1e400", "x", ""]) | scalars},
    optional={
        "measurand": st.sampled_from(["Power.Active.Import", "SoC", "Request.Energy", ""]) | anything,
        "phase": st.sampled_from(["L1", "L2", "N", "L1-N", "Q"]) | anything,
        "unit": st.sampled_from(["kW", "Wh", "K", "Hz"]) | anything,
        "location": st.sampled_from(["Inlet", "Body"]) | anything,
        "format": st.sampled_from(["Raw", "SignedData"]) | anything,
        "context": st.sampled_from(["Trigger", "Transaction.Begin"]) | anything,
    },
)
meter_value = st.lists(
    st.fixed_dictionaries(
        {"timestamp": times | anything, "sampledValue": st.lists(sample, max_size=4) | anything}
    ),
    max_size=3,
)
number = st.integers(-2, 30) | anything
near: dict[str, Any] = {
    "Authorize": {"idTag": st.text(max_size=30) | anything},
    "BootNotification": {"chargePointVendor": scalars, "chargePointModel": scalars, "firmwareVersion": scalars},
    "DataTransfer": {"vendorId": scalars, "data": anything},
    "DiagnosticsStatusNotification": {"status": scalars},
    "FirmwareStatusNotification": {"status": scalars},
    "Heartbeat": {"x": anything},
    "MeterValues": {"connectorId": number, "transactionId": number, "meterValue": meter_value | anything},
    "SecurityEventNotification": {"type": scalars, "timestamp": times | anything},
    "StartTransaction": {"connectorId": number, "idTag": scalars, "meterStart": number, "timestamp": times | anything},
    "StatusNotification": {"connectorId": number, "errorCode": st.sampled_from(["NoError", "Error"]) | anything, "status": st.sampled_from(["Available", "charging"]) | anything, "timestamp": times | anything},
    "StopTransaction": {"transactionId": number, "meterStop": number, "timestamp": times | anything, "transactionData": meter_value | anything},
}  # fmt: skip
bodies = st.sampled_from(sorted(near)).flatmap(
    lambda action: st.tuples(st.just(action), st.fixed_dictionaries({}, optional=near[action]) | anything)
)


@given(st.lists(bodies, min_size=1, max_size=4))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_every_call_has_one_answer(central: Central, calls: list[tuple[str, Any]]) -> None:
    async with connect(
        f"{central.url}/DEPOT-CP08",
        subprotocols=[Subprotocol("ocpp1.6")],
        proxy=None,
        compression=None,
    ) as socket:
        for place, (action, body) in enumerate(calls):
            await socket.send(json.dumps([2, f"f{place}", action, body]))
        answers = await _answers(socket, len(calls) + 1)
    assert [one[1] for one in answers] == [*(f"f{place}" for place in range(len(calls))), "end"]
    for one in answers:
        assert one[0] in (3, 4)
        assert one[0] == 3 or one[2] != "InternalError", one
    assert answers[-1][0] == 3


async def _answers(socket: ClientConnection, count: int) -> list[Any]:
    await socket.send('[2,"end","Heartbeat",{}]')
    answers: list[Any] = []
    while len(answers) < count:
        message = json.loads(await asyncio.wait_for(socket.recv(), 20))
        if message[0] == 2:
            await socket.send(json.dumps([4, message[1], "NotSupported", "", {}]))
        else:
            answers.append(message)
    return answers
