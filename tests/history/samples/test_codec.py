"""Blocks give back what was put in, and a damaged one is found."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scada.history.samples.codec import (
    EMPTY,
    BlockDamaged,
    Columns,
    as_decimals,
    decode,
    encode,
    join,
)

TIMES = st.integers(-(2**63), 2**63 - 1)
QUALITY = st.sampled_from([0, 0x40900000, 0x80310000, 2**32 - 1])


def columns(
    times: list[int], values: list[float], quality: list[int], texts: tuple[str, ...] = ()
) -> Columns:
    return Columns(np.array(times, np.int64), np.array(values, float), np.array(quality, np.uint32), texts)


def same(left: Columns, right: Columns, *, bits: bool = True) -> None:
    assert left.times.tolist() == right.times.tolist()
    assert left.quality.tolist() == right.quality.tolist()
    if bits:
        assert left.values.view(np.int64).tolist() == right.values.view(np.int64).tolist()
    else:
        np.testing.assert_allclose(left.values, right.values, rtol=1e-15, equal_nan=True)


@given(
    st.lists(
        st.tuples(
            TIMES,
            st.one_of(
                st.none(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False)
            ),
            QUALITY,
        ),
        min_size=1,
        max_size=60,
    )
)
@settings(max_examples=300)
def test_any_numbers_at_any_time_come_back(samples: list[tuple[int, float | None, int]]) -> None:
    samples.sort(key=lambda sample: sample[0])
    times, values, quality = zip(*samples, strict=True)
    block = columns(
        list(times), [math.nan if value is None else float(value) for value in values], list(quality)
    )
    same(decode(encode(block)), block, bits=False)


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=200),
    st.integers(0, 6),
    st.integers(1, 10**9),
)
def test_decimals_come_back_bit_for_bit(numbers: list[int], decimals: int, step: int) -> None:
    values = [number / 10**decimals for number in numbers]
    block = columns([1_760_000_000_000_000 + step * n for n in range(len(values))], values, [0] * len(values))
    same(decode(encode(block)), block)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=True), min_size=1, max_size=100)
)
def test_numbers_that_are_no_decimals_keep_all_their_bits(values: list[float]) -> None:
    values.append(math.pi)  # no decimals for this one, so for none
    block = columns(list(range(len(values))), values, [0] * len(values))
    same(decode(encode(block)), block)


def test_noise_of_a_conversion_comes_back_as_the_decimal() -> None:
    noisy = [0.1 + 0.2, 1.1 * 3, -0.0]
    assert decode(encode(columns([1, 2, 3], noisy, [0] * 3))).values.tolist() == [0.3, 3.3, 0.0]


def test_large_numbers_are_not_rounded_to_whole_ones() -> None:
    values = [1e15 + 0.25, 1e15 + 0.5]
    assert decode(encode(columns([1, 2], values, [0, 0]))).values.tolist() == values


@given(st.lists(st.one_of(st.none(), st.text(max_size=8)), min_size=1, max_size=50))
def test_texts_come_back(texts: list[str | None]) -> None:
    texts = [None if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    pool = tuple(dict.fromkeys(text for text in texts if text is not None))
    values = [math.nan if text is None else float(pool.index(text)) for text in texts]
    back = decode(encode(columns(list(range(len(texts))), values, [0] * len(texts), pool)))
    assert [None if math.isnan(v) else back.texts[int(v)] for v in back.values] == texts


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_found(place: int, change: int) -> None:
    data = bytearray(encode(columns([1, 5, 9], [1.5, math.nan, 2.5], [0, 0x80310000, 0])))
    data[place % len(data)] ^= change
    with pytest.raises(BlockDamaged):
        decode(bytes(data))


@pytest.mark.parametrize("data", [b"", b"x", b"\0" * 40])
def test_what_is_no_block_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(BlockDamaged):
        decode(data)


def test_a_usual_block_takes_under_three_bytes_a_sample_with_its_quality() -> None:
    chance = np.random.default_rng(1)
    values = np.round(3_000 + 500 * np.sin(np.arange(512) / 50) + chance.normal(0, 3, 512), 1)
    quality = np.zeros(512, np.uint32)
    quality[100:120] = 0x80310000
    block = Columns(1_760_000_000_000_000 + 10_000_000 * np.arange(512), values, quality)
    assert len(encode(block)) < 3 * 512
    bits = Columns(block.times, (np.arange(512) % 2).astype(np.float64), np.zeros(512, np.uint32))
    assert len(encode(bits)) < 0.3 * 512


def test_several_become_one_by_time_and_the_later_of_equal_times_stays_later() -> None:
    first = columns([1, 3, 5], [0, 1, 0], [0, 0, 0], ("a", "b"))
    late = columns([2, 3], [0, math.nan], [0, 0x80310000], ("b",))
    whole = join([EMPTY, first, late])
    assert whole.times.tolist() == [1, 2, 3, 3, 5]
    assert [None if math.isnan(v) else whole.texts[int(v)] for v in whole.values] == [
        "a",
        "b",
        "b",
        None,
        "a",
    ]
    assert len(join([])) == 0


def test_the_scale_is_the_smallest_that_fits() -> None:
    assert as_decimals(np.array([1.0, 2.5])) is not None
    found = as_decimals(np.array([1.25, 2.5]))
    assert found is not None
    assert (found[0].tolist(), found[1]) == ([125, 250], 2)
