import math
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.value import Quality, is_bad
from scada.drivers.modbus.decode import decode, encode
from scada.drivers.modbus.profile import WORDS, Register

PLAIN = Register(
    name="Power",
    function=4,
    address=0,
    type="float32",
    word_order="big",
    scale=1,
    unit="W",
    low=-1e6,
    high=1e6,
)


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
    reading = decode(replace(PLAIN, type=kind, word_order=order, scale=scale), words)
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
    st.sampled_from(sorted(WORDS)),
    st.sampled_from(("big", "little")),
    st.lists(st.integers(0, 65535), max_size=5),
)
def test_whatever_comes_is_a_plausible_number_or_bad(kind: str, order: str, words: list[int]) -> None:
    one = replace(PLAIN, type=kind, word_order=order)
    value, quality, reason = decode(one, words)
    if value is None:
        assert is_bad(quality)
        assert reason
    else:
        assert math.isfinite(value)
        assert one.low <= value <= one.high


@given(
    st.sampled_from(sorted(WORDS)),
    st.sampled_from(("big", "little")),
    st.sampled_from((1, 0.1, 0.001)),
    st.integers(0, 30),
)
def test_what_a_device_sends_is_what_is_read(kind: str, order: str, scale: float, value: int) -> None:
    one = replace(PLAIN, type=kind, word_order=order, scale=scale)
    assert decode(one, encode(one, value)).value == pytest.approx(value, rel=1e-6)


def test_a_device_sends_the_nearest_that_fits() -> None:
    assert encode(replace(PLAIN, type="uint16"), -5) == [0]
    assert encode(replace(PLAIN, type="int16"), 1e9) == [0x7FFF]
