from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from scada.drivers.modbus.planner import Block, plan, split
from scada.drivers.modbus.profile import WORDS, Limits, Profile, Register


def register(address: int, kind: str = "float32", function: int = 4) -> Register:
    return Register(
        name=f"R{function}_{address}_{kind}",
        function=function,
        address=address,
        type=kind,
        words=WORDS[kind],
        word_order="big",
        scale=1,
        unit="",
        low=0,
        high=1,
    )


registers = st.lists(
    st.builds(
        register,
        address=st.integers(0, 400),
        kind=st.sampled_from(sorted(WORDS)),
        function=st.sampled_from((3, 4)),
    ),
    max_size=40,
)
limits = st.builds(Limits, registers_max=st.integers(4, 125), hole_max=st.integers(0, 50))


def assert_complete(blocks: Iterable[Block], wanted: Iterable[Register]) -> None:
    brought = [r for block in blocks for r in block.registers]
    assert sorted(brought, key=lambda r: r.name) == sorted(set(wanted), key=lambda r: r.name)


@given(registers, limits)
def test_each_wanted_register_comes_exactly_once_and_the_limits_are_kept(
    wanted: list[Register], bounds: Limits
) -> None:
    blocks = plan(wanted, bounds)
    assert_complete(blocks, wanted)
    for block in blocks:
        assert 0 < block.count <= bounds.registers_max
        covered = set[int]()
        for one in block.registers:
            assert one.function == block.function
            assert block.address <= one.address
            assert one.end <= block.address + block.count
            covered.update(range(one.address, one.end))
        unwanted = hole = 0
        for address in range(block.address, block.address + block.count):
            hole = 0 if address in covered else hole + 1
            unwanted = max(unwanted, hole)
        assert unwanted <= bounds.hole_max


@given(st.sets(st.integers(0, 30), max_size=9), st.integers(1, 12), st.integers(0, 6))
def test_no_other_plan_has_fewer_blocks(addresses: set[int], registers_max: int, hole_max: int) -> None:
    ordered = sorted(addresses)
    blocks = plan(
        [register(a, "uint16") for a in ordered], Limits(registers_max=registers_max, hole_max=hole_max)
    )
    fewest = [0] * (len(ordered) + 1)  # of the first n addresses, over all ways to break them up
    for n in range(1, len(ordered) + 1):
        fewest[n] = min(
            fewest[begin] + 1
            for begin in range(n)
            if ordered[n - 1] - ordered[begin] < registers_max
            and all(
                b - a - 1 <= hole_max for a, b in zip(ordered[begin:n], ordered[begin + 1 : n], strict=False)
            )
        )
    assert len(blocks) == fewest[-1]


@given(registers, limits)
def test_splitting_again_and_again_ends_with_single_registers(wanted: list[Register], bounds: Limits) -> None:
    pending = list(plan(wanted, bounds))
    singles: list[Block] = []
    while pending:
        pieces = split(pending.pop())
        if len(pieces) == 1:
            singles += pieces
        else:
            pending += pieces
    assert_complete(singles, wanted)
    assert all(len(block.registers) == 1 for block in singles)


def test_the_shipped_meter_is_read_with_one_request(sdm630: Profile) -> None:
    (block,) = plan(sdm630.registers.values(), sdm630.limits)
    assert (block.function, block.address, block.count) == (4, 0, 76)
