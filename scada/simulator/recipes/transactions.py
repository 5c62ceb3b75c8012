"""How they begin and end transactions."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from scada.core.value import SECOND_US
from scada.simulator.recipes.wire import Payload, Recipe

TOKEN_LENGTH_MAX = 16


class OwnStopId(Recipe):
    """An id of its own in the stop of a transaction."""

    own_id: int

    def call(self, action: str, payload: Payload) -> Payload | None:
        """StopTransaction."""
        return payload | {"transactionId": self.own_id} if action == "StopTransaction" else payload


class MinusOne(OwnStopId):
    """-1 as the id of a stop."""

    name = "offline_minus_one"
    seen = "EVerest, MicroOcpp, Hager Witty (EVerest/libocpp#495, matth-x/MicroOcpp#50)"
    own_id = -1


class Zero(OwnStopId):
    """0 as the id of a stop."""

    name = "tktev_zero"
    seen = "TKTev (mikuso/ocpp-rpc#82)"
    own_id = 0


class NegativeIds(Recipe):
    """Negative ids of its own, in samples and stop."""

    name = "etrel_negative_ids"
    seen = "Etrel Inch (lbbrhzn/ocpp#1000)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """What names a transaction."""
        if "transactionId" in payload and action != "StartTransaction":
            return payload | {"transactionId": -10_000 - int(payload["transactionId"])}
        return payload


class RepeatedStart(Recipe):
    """The same StartTransaction four times, with the same message id."""

    name = "microocpp_repeated_start"
    seen = "MicroOcpp (matth-x/MicroOcpp#50)"
    same_id = True

    def frames(self, action: str, frame: bytes, *, is_call: bool) -> list[bytes]:
        """StartTransaction."""
        if action != "StartTransaction" or not is_call:
            return [frame]
        parts = orjson.loads(frame)
        copies = []
        for number in range(3):
            again = parts[1] if self.same_id else f"{parts[1]}-{number}"
            copies.append(orjson.dumps([2, again, action, parts[3]]))
        return [frame, *copies]


class RepeatedStartNewId(RepeatedStart):
    """The same StartTransaction four times, each with a message id of its own."""

    name = "repeated_start_new_id"
    seen = "another firmware (matth-x/MicroOcpp#237)"
    same_id = False


class BootLoop(Recipe):
    """The answer to a stop gets lost: it boots again and again until it has told the stop once more."""

    name = "metron_boot_loop"
    seen = "Metron Duo (dallmann-consulting/OCPP.Core#31)"

    def __init__(self) -> None:
        self._boot: Payload = {}
        self._lost = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Remember how it boots."""
        if action == "BootNotification":
            self._boot = payload
        return payload

    def heard_answer(self, action: str, request: Payload, answer: Payload) -> Payload | None:
        """The first answer to a stop is lost."""
        if action != "StopTransaction" or self._lost:
            return answer
        self._lost = True
        for _ in range(3):
            task = asyncio.get_running_loop().create_task(self.line.say("BootNotification", self._boot))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return None


class StopWithoutToken(Recipe):
    """No token and no reason in a stop."""

    name = "siemens_stop_without_token"
    seen = "Siemens D and others (dallmann-consulting/OCPP.Core#47)"

    def call(self, action: str, payload: Payload) -> Payload | None:
        """StopTransaction."""
        if action == "StopTransaction":
            return {key: one for key, one in payload.items() if key not in ("idTag", "reason")}
        return payload


class LongerToken(Recipe):
    """Long tokens come back two characters longer, and the last samples after the stop."""

    name = "ocular_longer_token"
    seen = "Ocular LTE Plus (lbbrhzn/ocpp#2075, #2030)"

    def __init__(self) -> None:
        self._values: Payload | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Tokens of more than 16 characters."""
        if action == "MeterValues" and "transactionId" in payload:
            self._values = payload
        id_tag = payload.get("idTag", "")
        return payload | {"idTag": f"{id_tag}00"} if len(id_tag) > TOKEN_LENGTH_MAX else payload

    def heard_answer(self, action: str, request: Payload, answer: Payload) -> Payload | None:
        """After the stop, values of the transaction once more."""
        if action == "StopTransaction" and self._values is not None:
            task = asyncio.get_running_loop().create_task(self.line.say("MeterValues", self._values))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return answer


class BootInSession(Recipe):
    """A BootNotification in mid-session, without a boot."""

    name = "orbis_boot_in_session"
    seen = "Orbis Viaris (evcc-io/evcc#20881)"

    def __init__(self) -> None:
        self._boot: Payload = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def call(self, action: str, payload: Payload) -> Payload | None:
        """Remember how it boots."""
        if action == "BootNotification":
            self._boot = payload
        return payload

    def heard_answer(self, action: str, request: Payload, answer: Payload) -> Payload | None:
        """As soon as the transaction has begun."""
        if action == "StartTransaction":
            task = asyncio.get_running_loop().create_task(self.line.say("BootNotification", self._boot))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return answer

    def answer(self, action: str, request: Payload, payload: Payload) -> Payload:
        """A schedule that cannot be: a start far away, local time with a Z."""
        if action == "GetCompositeSchedule" and payload["status"] == "Accepted":
            now_us = self.charger.hardware.clock.now_us() + 7_200 * SECOND_US
            schedule = payload["chargingSchedule"]
            schedule["startSchedule"] = f"{(now_us // SECOND_US) % 86_400 // 3_600:02d}:11:25Z"
            schedule["chargingSchedulePeriod"][-1]["startPeriod"] = 1_006_632_455
        return payload


RECIPES = (
    MinusOne,
    Zero,
    NegativeIds,
    RepeatedStart,
    RepeatedStartNewId,
    BootLoop,
    StopWithoutToken,
    LongerToken,
    BootInSession,
)
