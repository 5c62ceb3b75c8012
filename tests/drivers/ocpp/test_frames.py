from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.drivers.ocpp import frames
from scada.drivers.ocpp.frames import BadFrame, CallError, MessageType


def test_a_call_is_cut_into_its_elements() -> None:
    frame = frames.parse(b' [2, "id-1", "Heartbeat", {"a": [1, 2]}] ')
    assert frame.type is MessageType.CALL
    assert (frame.id, frames.text(frame.rest[0])) == (b'"id-1"', "Heartbeat")
    assert frames.payload(frame.rest[1]) == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("raw", "reply_id"),
    [
        (b"", b'"-1"'),
        (b"hello", b'"-1"'),
        (b"{}", b'"-1"'),
        (b"[]", b'"-1"'),
        (b"[2]", b'"-1"'),
        (b'[2,5,"A",{}]', b'"-1"'),
        (b'[2,"","A",{}]', b'"-1"'),
        (b'[2,"' + b"x" * 37 + b'","A",{}]', b'"-1"'),
        (b'[9,"id","A",{}]', b'"-1"'),
        (b'[2,"id-7","A",{"a":}]', b'"id-7"'),
        (b'[2,"id-7","A",' + b"[" * 100_000, b'"id-7"'),
        (b'[2,"id-7","A",{"a":"\xff"}', b'"id-7"'),
        (b"[" * 100_000, b'"-1"'),
    ],
)
def test_what_cannot_be_read_is_answered_under_the_best_id(raw: bytes, reply_id: bytes) -> None:
    with pytest.raises(BadFrame) as bad:
        frames.parse(raw)
    assert bad.value.reply_id == reply_id


def test_an_id_of_36_characters_beyond_ascii_is_still_36() -> None:
    raw = json.dumps([2, "é" * 36, "A", {}], ensure_ascii=False).encode()
    assert frames.parse(raw).id == json.dumps("é" * 36, ensure_ascii=False).encode()


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(raw: bytes) -> None:
    try:
        frame = frames.parse(raw)
    except BadFrame:
        return
    assert frame.id.startswith(b'"')


@given(st.text(max_size=36, min_size=1), st.dictionaries(st.text(), st.integers(-(2**53), 2**53)))
def test_calls_and_answers_come_through_unchanged(message_id: str, body: dict[str, int]) -> None:
    frame = frames.parse(frames.call(message_id, "DataTransfer", body))
    assert json.loads(frame.id) == message_id
    assert frames.payload(frame.rest[1]) == body
    answer = json.loads(frames.result(frame.id, b"{}"))
    assert answer == [3, message_id, {}]


def test_an_error_is_cut_to_what_the_standard_allows() -> None:
    raw = frames.error(b'"1"', CallError("GenericError", "x" * 400, {"a": 1}))
    assert json.loads(raw) == [4, "1", "GenericError", "x" * 255, {"a": 1}]


@pytest.mark.parametrize(
    ("rest", "code"),
    [([], "GenericError"), ([b'"SecurityError"'], "SecurityError"), ([b"5", b"6", b"7"], "GenericError")],
)
def test_a_short_error_is_put_up_with(rest: list[bytes], code: str) -> None:
    assert frames.received_error(rest).code == code
