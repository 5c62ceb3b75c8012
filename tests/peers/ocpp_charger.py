"""A charge point on the Python package `ocpp`, whose loop, calls and validation are its own.

python ocpp_charger.py URL IDENTITY; one JSON object a line on standard input and output, as in lines.cjs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from ocpp.messages import Call, CallResult
from ocpp.v16 import ChargePoint
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

ANSWERS: dict[str, Any] = json.loads(os.environ.get("PEER_ANSWERS", "{}"))


def say(one: dict[str, Any]) -> None:
    print(json.dumps(one), flush=True)


class Charger(ChargePoint):  # type: ignore[misc] # the package is not typed
    """Answers orders by a table, and lets a test send any payload."""

    async def _handle_call(self, msg: Call) -> None:
        say({"order": msg.action, "payload": msg.payload})
        if msg.action in ANSWERS:
            result = CallResult(msg.unique_id, ANSWERS[msg.action], action=msg.action)
            await self._send(result.to_json())
        else:
            await super()._handle_call(msg)

    async def ask(self, action: str, payload: dict[str, Any]) -> Any:
        number = str(self._unique_id_generator())
        async with self._call_lock:
            await self._send(Call(number, action, payload).to_json())
            answer = await self._get_specific_response(number, 20)
        if isinstance(answer, CallResult):
            return answer.payload
        raise RuntimeError(f"{answer.error_code}: {answer.error_description}")


async def main() -> None:
    url, identity = sys.argv[1:3]
    socket = await connect(f"{url}/{identity}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None)
    async with socket:
        charger = Charger(identity, socket)
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(charger.start())
        say({"connected": True})
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            message = json.loads(line)
            if "answer" in message:
                ANSWERS[message["answer"]] = message["payload"]
                say({"id": message["id"], "result": {}})
                continue
            try:
                say({"id": message["id"], "result": await charger.ask(message["call"], message["payload"])})
            except Exception as error:  # whatever it is, the test is told
                say({"id": message["id"], "error": str(error)})
        running.cancel()


if __name__ == "__main__":
    asyncio.run(main())
