import math
import struct
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.value import Quality, is_bad
from scada.drivers.modbus.decode import Reading, decode, encode
from scada.drivers.modbus.judge import Steps
from scada.drivers.modbus.profile import WORDS, Register

PLAIN = Register(
    name="Power",
    function=4,
    address=0,
    type="float32",
    words=2,
    word_order="big",
    scale=1,
    unit="W",
    low=-1e6,
    high=1e6,
)

NUMBERS = sorted(WORDS.keys() - {"bit"})


def typed(kind: str, **changes: Any) -> Register:
    return replace(PLAIN, type=kind, words=WORDS[kind], **changes)


@pytest.mark.parametrize(
    ("kind", "order", "scale", "words", "value"),
    [
        ("float32", "big", 1, [0x4366, 0x3334], 230.2),
        ("float32", "little", 1, [0x3334, 0x4366], 230.2),
        ("int32", "little", 0.1, [0xFFFE, 0xFFFF], -0.2),
        ("int16", "big", 0.1, [0x01F4], 50.0),
        ("uint16", "big", 1, [0xFFFF], 65535.0),
        ("uint32", "big", 0.01, [0x0001, 0x0000], 655.36),
        ("uint64", "big", 0.01, [0, 0, 0, 1234], 12.34),
        ("int64", "little", 1, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF], -1.0),
        ("float64", "big", 1, list(struct.unpack(">4H", struct.pack(">d", 7.25))), 7.25),
    ],
)
def test_types_and_orders(kind: str, order: str, scale: float, words: list[int], value: float) -> None:
    reading = decode(typed(kind, word_order=order, scale=scale), words)
    assert reading.value == pytest.approx(value)
    assert reading.quality == Quality.GOOD


@pytest.mark.parametrize(
    ("words", "quality"),
    [
        ([0x7FC0, 0], Quality.BAD_NO_DATA),
        ([0xFFFF, 0xFFFF], Quality.BAD_NO_DATA),
        ([0x7F80, 0], Quality.BAD_OUT_OF_RANGE),
        ([0x7F7F, 0xFFFF], Quality.BAD_OUT_OF_RANGE),
        ([0x4366], Quality.BAD_DEVICE_FAILURE),
        ([], Quality.BAD_DEVICE_FAILURE),
        ([1, 2, 3], Quality.BAD_DEVICE_FAILURE),
    ],
)
def test_what_cannot_be_right_is_no_reading(words: list[int], quality: Quality) -> None:
    reading = decode(PLAIN, words)
    assert reading.value is None
    assert reading.quality == quality
    assert reading.reason


@given(
    st.sampled_from(NUMBERS),
    st.sampled_from(("big", "little")),
    st.lists(st.integers(0, 65535), max_size=5),
)
def test_whatever_comes_is_a_plausible_number_or_bad(kind: str, order: str, words: list[int]) -> None:
    one = typed(kind, word_order=order)
    value, quality, reason = decode(one, words)
    if value is None:
        assert is_bad(quality)
        assert reason
    else:
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert one.low <= value <= one.high


@given(
    st.sampled_from(NUMBERS),
    st.sampled_from(("big", "little")),
    st.sampled_from((1, 0.1, 0.001)),
    st.integers(0, 9),
)
def test_what_a_device_sends_is_what_is_read(kind: str, order: str, scale: float, value: int) -> None:
    one = typed(kind, word_order=order, scale=scale)
    assert decode(one, encode(one, value)).value == pytest.approx(value, rel=1e-6)


def test_a_device_sends_the_nearest_that_fits() -> None:
    assert encode(typed("uint16"), -5) == [0]
    assert encode(typed("int16"), 1e9) == [0x7FFF]


def test_decimal_digits() -> None:
    assert decode(typed("bcd32", scale=0.1), [0x0012, 0x3456]).value == pytest.approx(12345.6)
    assert decode(typed("bcd16"), [0x12AB]).quality == Quality.BAD_OUT_OF_RANGE


def test_bytes_of_a_register_the_other_way_round() -> None:
    assert decode(typed("uint32", byte_order="little"), [0x0100, 0x0200]).value == 0x0001_0002
    assert (
        decode(typed("uint32", byte_order="little", word_order="little"), [0x0200, 0x0100]).value
        == 0x0001_0002
    )


def test_bits_of_an_integer() -> None:
    field = typed("uint16", bits=(4, 6))
    assert decode(field, [0b0101_0000]).value == 5
    assert encode(field, 5) == [0b0101_0000]


def test_texts_choices_and_coils() -> None:
    assert decode(replace(PLAIN, type="string", words=3), [0x4142, 0x4300, 0]).value == "ABC"
    assert decode(replace(PLAIN, type="string", words=1), [0x0102]).quality == Quality.BAD_OUT_OF_RANGE
    state = typed("uint16", choices={2: "Charging"})
    assert decode(state, [2]).value == "Charging"
    assert decode(state, [9]) == (None, Quality.BAD_OUT_OF_RANGE, "9 means nothing")
    assert encode(state, "Charging") == [2]
    assert decode(replace(PLAIN, type="bit", words=1, function=1), [1]).value is True


def test_a_scale_of_its_own_an_offset_and_what_means_nothing() -> None:
    assert decode(typed("int16", offset=-40), [50], exponent=-1).value == pytest.approx(-35)
    assert decode(typed("int16", absent=frozenset((0x8000,))), [0x8000]).quality == Quality.BAD_NO_DATA


def test_a_far_reading_is_believed_when_the_next_confirms_it() -> None:
    register, steps = typed("float64", name="Import", step_max=100.0), Steps()
    told = [
        steps.judge(register, Reading(value)).value
        for value in (5000.0, 5001.0, 9.0, 5002.0, 9.0, 10.0, 11.0)
    ]
    assert told == [5000.0, 5001.0, None, 5002.0, None, 10.0, 11.0]
