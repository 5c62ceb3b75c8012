"""Frames of OCPP-J (OCPP 1.6J chapter 4, OCPP 2.0.1 part 4 chapter 4): pure parsing and making.

A frame is cut into its raw elements first, so that a hot payload is decoded once, into its own type, and the
message id goes back as the very bytes that came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import orjson

MESSAGE_ID_LENGTH_MAX = 36
CODE_LENGTH_MAX = 50
"""Of an error code that is received; the standard's own are shorter."""
UNREADABLE_ID = b'"-1"'
"""Stands for the id of a frame in which none can be read (OCPP 2.0.1 part 4 4.2.3)."""

_ID_AT_START = re.compile(rb'\s*\[\s*[2-6]\s*,\s*("[^"\\\x00-\x1f]{1,36}")')
_ANSWER_AT_START = re.compile(rb"\s*\[\s*[34]\b")
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)


class MessageType(Enum):
    """First element of a frame."""

    CALL = b"2"
    RESULT = b"3"
    ERROR = b"4"
    RESULT_ERROR = b"5"
    SEND = b"6"


class CallError(Exception):
    """A CALLERROR: to be sent, or received.

    Attributes:
        code: out of the version's list, for example `FormationViolation`.
    """

    def __init__(self, code: str, description: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.details = dict(details or {})


class Frame(NamedTuple):
    """A readable frame; elements are JSON bytes.

    Attributes:
        id: message id with its quotes.
        rest: what follows the id.
    """

    type: MessageType
    id: bytes
    rest: list[bytes]


class BadFrame(Exception):
    """A frame that cannot be read.

    Attributes:
        reply_id: to answer under.
        is_call: False for answers and for unknown message types, which are not answered.
    """

    def __init__(self, reply_id: bytes, reason: str, *, is_call: bool = True) -> None:
        super().__init__(reason)
        self.reply_id = reply_id
        self.reason = reason
        self.is_call = is_call


_TYPES = {kind.value: kind for kind in MessageType}


def parse(raw: bytes) -> Frame:
    """Cut a frame into its elements.

    Raises:
        BadFrame: it is no JSON array of a known message type with a usable id.
    """
    try:
        if not raw.isascii():
            raw.decode()  # RFC 6455 8.1: a text is UTF-8, and what we send back of it must be too
        elements = [bytes(element) for element in _elements.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        is_call = not _ANSWER_AT_START.match(raw)
        raise BadFrame(_readable_id(raw), f"not a JSON array: {error}"[:200], is_call=is_call) from None
    if len(elements) < 2:
        is_call = not _ANSWER_AT_START.match(raw)
        raise BadFrame(UNREADABLE_ID, "a frame has a message type and an id", is_call=is_call)
    kind = _TYPES.get(elements[0])
    if kind is None:
        raise BadFrame(_readable_id(raw), "unknown message type", is_call=False)
    message_id = elements[1]
    if not message_id.startswith(b'"') or len(message_id) < 3:
        raise BadFrame(UNREADABLE_ID, "the message id must be a text")
    if len(message_id) > MESSAGE_ID_LENGTH_MAX + 2 and len(text(message_id)) > MESSAGE_ID_LENGTH_MAX:
        raise BadFrame(UNREADABLE_ID, f"the message id has more than {MESSAGE_ID_LENGTH_MAX} characters")
    return Frame(kind, message_id, elements[2:])


def text(element: bytes) -> str:
    """A JSON string element as text.

    Raises:
        BadFrame: it is no string.
    """
    try:
        return _string.decode(element)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadFrame(UNREADABLE_ID, "a text is expected") from None


def payload(element: bytes) -> Any:
    """A payload element as Python objects.

    Raises:
        CallError: it is nested too deeply or not JSON.
    """
    try:
        return orjson.loads(element)
    except orjson.JSONDecodeError as error:
        raise CallError("FormationViolation", str(error)[:200]) from None


def call(message_id: str, action: str, body: Mapping[str, Any]) -> bytes:
    """A CALL frame."""
    return orjson.dumps([2, message_id, action, body])


def result(message_id: bytes, body: bytes) -> bytes:
    """A CALLRESULT frame out of the id as it came and the payload's JSON."""
    return b"[3," + message_id + b"," + body + b"]"


def error(message_id: bytes, fault: CallError) -> bytes:
    """A CALLERROR frame. The description has at most 255 characters (OCPP 1.6J 4.2.3)."""
    tail = orjson.dumps([fault.code, fault.description[:255], fault.details])
    return b"[4," + message_id + b"," + tail[1:]


def received_error(rest: list[bytes]) -> CallError:
    """The CallError that a received CALLERROR carries; missing elements are put up with."""
    values = []
    for element in rest[:3]:
        try:
            values.append(orjson.loads(element))
        except orjson.JSONDecodeError:
            values.append(None)
    code = values[0][:CODE_LENGTH_MAX] if values and isinstance(values[0], str) else "GenericError"
    description = values[1][:255] if len(values) > 1 and isinstance(values[1], str) else ""
    details = values[2] if len(values) > 2 and isinstance(values[2], dict) else {}
    return CallError(code, description, details)


def _readable_id(raw: bytes) -> bytes:
    match = _ID_AT_START.match(raw[:200])
    return match.group(1) if match else UNREADABLE_ID
