"""The parts: tree, admission, ledger, leases, demand, phases, what is taken, what a silent meter means."""

from __future__ import annotations

import pytest

from scada.allocation import Answer, Limits, Member, Mode, Node, Order, OrderKind, Reading, Settings, Tree
from scada.allocation.admission import Candidate, Queue
from scada.allocation.demand import DemandWindow
from scada.allocation.headroom import Headroom
from scada.allocation.ledger import Account
from scada.allocation.model import Policy, Request, Source
from scada.allocation.phases import PhaseUse
from scada.allocation.policy import slopes
from scada.allocation.taking import Taking

THREE = (16.0, 16.0, 16.0)


def order(number: int, limit_a: float, lease_s: float | None = 120.0) -> Order:
    return Order(number, "C1", limit_a, lease_s, 0.0, 1, OrderKind.RAISE, "")


class TestTree:
    def test_a_node_that_hangs_on_itself_is_refused(self) -> None:
        with pytest.raises(ValueError, match="hangs on itself"):
            Tree([Node(name="a", parent="b"), Node(name="b", parent="a")], [])

    def test_unknown_parents_and_nodes_and_double_names_are_refused(self) -> None:
        with pytest.raises(ValueError, match="there is no node 'b'"):
            Tree([Node(name="a", parent="b")], [])
        with pytest.raises(ValueError, match="there is no node 'x'"):
            Tree([Node(name="a")], [Member(name="C1", node="x")])
        with pytest.raises(ValueError, match="two nodes"):
            Tree([Node(name="a"), Node(name="a")], [])

    def test_a_connector_loads_phases_as_it_is_wired_and_power_by_all_of_them(self) -> None:
        grid = Node(name="grid", limits=Limits(current_a=THREE, power_kw=10))
        tree = Tree([grid], [Member(name="C1", node="grid", phases=(1, 2, 0))])
        assert [(tree.resources[r].text(tree), c) for r, c in tree.row(0, (1,))] == [
            ("grid, L2", 1.0),
            ("grid, kW", 0.23),
        ]
        assert dict(tree.row(0, (1, 2, 0)))[3] == pytest.approx(0.69)

    @pytest.mark.parametrize(
        ("given", "sent"), [(5.99, 0.0), (6.0, 6.0), (13.99, 13.0), (40.0, 32.0), (0.0, 0.0)]
    )
    def test_limits_are_rounded_down_and_never_between_0_and_the_minimum(
        self, given: float, sent: float
    ) -> None:
        assert Member(name="C1", node="a").rounded_a(given) == sent


class TestAdmission:
    @staticmethod
    def candidates(*rows: tuple[int, ...], tiers: tuple[int, ...] = ()) -> list[Candidate]:
        return [
            Candidate(i, tuple((r, 1.0) for r in row), 6.0, tiers[i] if tiers else 0, 0.0)
            for i, row in enumerate(rows)
        ]

    def test_three_that_share_room_for_two_all_have_their_turn(self) -> None:
        queue, served = Queue(3, 900.0), [0, 0, 0]
        some = self.candidates((0,), (0,), (0,))
        for now in range(0, 4 * 3600, 5):
            for i in queue.admit(float(now), some, ["a", "b", "c"], [16.0]).admitted:
                served[i] += 5
        assert all(one == pytest.approx(4 * 3600 * 2 / 3, rel=0.1) for one in served)

    def test_who_charges_keeps_the_place_for_a_turn(self) -> None:
        queue, changes, before = Queue(3, 900.0), 0, frozenset[int]()
        some = self.candidates((0,), (0,), (0,))
        for now in range(0, 3600, 5):
            now_in = queue.admit(float(now), some, ["a", "b", "c"], [16.0]).admitted
            changes, before = changes + (now_in != before), now_in
        assert changes <= 5  # a turn of a quarter hour each

    def test_a_vehicle_on_three_phases_is_not_passed_for_ever_by_those_on_one(self) -> None:
        # Those on one phase came at different times: their turns never end together.
        queue = Queue(7, 900.0)
        rows = ((0,), (1,), (2,), (0,), (1,), (2,), (0, 1, 2))
        some = self.candidates(*rows)
        first_s = None
        for now in range(0, 3600, 10):
            come = [i for i in range(7) if i == 6 or now >= (i % 3) * 300]
            result = queue.admit(float(now), [some[i] for i in come], list("abcdefg"), [6.0, 6.0, 6.0])
            if 6 in result.admitted and now >= 600:
                first_s = first_s or now
        assert first_s is not None
        assert first_s <= 2400

    def test_a_higher_tier_goes_first_even_within_a_turn(self) -> None:
        queue = Queue(2, 900.0)
        some = self.candidates((0,), (0,), tiers=(1, 0))
        assert queue.admit(0.0, some[:1], ["a", "b"], [6.0]).admitted == {0}
        assert queue.admit(5.0, some, ["a", "b"], [6.0]).admitted == {1}


class TestLedger:
    def account(self, **changes: float) -> Account:
        account = Account(Member(name="C1", node="a", maximum_a=32.0, **changes), Settings())  # type: ignore[arg-type]
        self.give(account, 1, 10.0, 0.0)
        account.pass_time(100.0)
        return account

    @staticmethod
    def give(account: Account, number: int, limit_a: float, now_s: float) -> None:
        account.sent(order(number, limit_a, None), now_s)
        assert account.answered(number, Answer.ACCEPTED, now_s, online=True)

    def test_before_anything_is_known_it_counts_at_what_the_hardware_gives(self) -> None:
        assert Account(Member(name="C1", node="a"), Settings()).hold_a(0.0, online=True) == 32.0

    def test_a_raise_counts_from_its_sending_on(self) -> None:
        account = self.account()
        account.sent(order(2, 16.0), 100.0)
        assert account.hold_a(100.0, online=True) == 16.0

    def test_a_refused_raise_counts_no_more(self) -> None:
        account = self.account()
        account.sent(order(2, 16.0), 100.0)
        account.answered(2, Answer.REFUSED, 101.0, online=True)
        assert account.hold_a(101.0, online=True) == 10.0

    def test_an_order_without_an_answer_counts_until_a_later_answer_settles_it(self) -> None:
        account = self.account()
        account.sent(order(2, 16.0), 100.0)
        account.answered(2, Answer.UNKNOWN, 130.0, online=True)
        account.sent(order(3, 8.0), 131.0)
        assert account.hold_a(132.0, online=True) == 16.0
        account.answered(3, Answer.ACCEPTED, 133.0, online=True)
        account.pass_time(143.0)
        assert account.hold_a(143.0, online=True) == 8.0
        assert not account.answered(2, Answer.ACCEPTED, 150.0, online=True)  # came late, and is settled

    def test_after_a_reduction_the_old_limit_counts_until_it_is_measured_or_had_time(self) -> None:
        account = self.account()
        account.measured(10.0, 100.0, 100.0)
        self.give(account, 2, 6.0, 100.0)
        account.pass_time(103.0)
        assert account.hold_a(103.0, online=True) == 10.0
        account.measured(5.9, 104.0, 104.0)
        account.pass_time(104.0)
        assert account.hold_a(104.0, online=True) == 6.0
        self.give(account, 3, 0.0, 105.0)
        account.unmeasured()
        account.pass_time(114.9)
        assert account.hold_a(114.9, online=True) == 6.0
        account.pass_time(115.0)
        assert account.hold_a(115.0, online=True) == 0.0

    def test_what_is_measured_above_all_limits_counts(self) -> None:
        account = self.account()
        account.measured(13.5, 100.0, 100.0)
        assert account.hold_a(100.0, online=True) == 13.5
        assert account.excess_a(100.0, online=True) == 3.5

    def test_an_offline_charger_counts_as_its_lease_then_as_its_fallback(self) -> None:
        account = Account(Member(name="C1", node="a", fallback_a=6.0), Settings())
        account.sent(order(1, 16.0, 120.0), 0.0)
        account.answered(1, Answer.ACCEPTED, 1.0, online=True)
        account.pass_time(120.0)
        assert account.hold_a(120.0, online=False) == 16.0  # its clock may be off
        account.pass_time(181.0)
        assert account.hold_a(181.0, online=False) == 6.0

    def test_a_charger_that_honours_no_lease_keeps_what_it_last_accepted(self) -> None:
        account = Account(Member(name="C1", node="a", leased=False), Settings())
        account.sent(order(1, 16.0, None), 0.0)
        account.answered(1, Answer.ACCEPTED, 1.0, online=True)
        account.pass_time(9_999.0)
        assert account.hold_a(9_999.0, online=False) == 16.0

    def test_a_paused_connector_with_a_fallback_counts_at_it_before_the_lease_can_end(self) -> None:
        account = Account(Member(name="C1", node="a", fallback_a=6.0), Settings())
        account.sent(order(1, 0.0, 120.0), 0.0)
        account.answered(1, Answer.ACCEPTED, 0.0, online=True)
        account.draining_a = 0.0
        assert account.limit_a(60.0, online=True) == 0.0
        assert account.limit_a(100.0, online=True) == 6.0

    def test_after_a_boot_that_is_not_told_its_limit_again_it_counts_at_its_maximum(self) -> None:
        account = self.account()
        account.rebooted(200.0)
        assert account.limit_a(205.0, online=True) == 10.0
        assert account.limit_a(211.0, online=True) == 32.0
        self.give(account, 9, 10.0, 212.0)
        assert account.limit_a(230.0, online=True) == 10.0


class TestHeadroom:
    def headroom(self) -> Headroom:
        node = Node(
            name="grid", limits=Limits(current_a=THREE), metered=True, safe_a=(12.0,) * 3, reserve_a=1.0
        )
        return Headroom(Tree([node], [Member(name="C1", node="grid")]), Settings(ramp_s=60))

    def room(
        self, headroom: Headroom, now_s: float, meter: Reading | None, mode: Mode = Mode.NORMAL
    ) -> tuple[float, Source]:
        room, _ = headroom.reckon(
            now_s, now_s, mode, {"grid": meter}, [((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))], {}
        )
        return room.room[0], room.source[0]

    def test_a_silent_meter_means_the_recent_peak_and_then_the_safe_limit(self) -> None:
        headroom = self.headroom()
        assert self.room(headroom, 0.0, Reading((8.0, 0.0, 0.0), 0.0)) == (7.0, Source.MEASURED)
        last = Reading((2.0, 0.0, 0.0), 20.0)
        assert self.room(headroom, 20.0, last) == (13.0, Source.MEASURED)
        assert self.room(headroom, 36.0, last) == (7.0, Source.PEAK)
        assert self.room(headroom, 51.0, last) == (12.0, Source.SAFE)
        assert self.room(headroom, 60.0, Reading((4.0, 0.0, 0.0), 60.0)) == (11.0, Source.MEASURED)

    def test_a_bad_value_is_not_0(self) -> None:
        headroom = self.headroom()
        self.room(headroom, 0.0, Reading((8.0, 0.0, 0.0), 0.0))
        assert self.room(headroom, 1.0, None) == (7.0, Source.PEAK)
        assert self.room(headroom, 31.0, None) == (12.0, Source.SAFE)

    def test_a_meter_that_never_spoke_means_the_safe_limit(self) -> None:
        assert self.room(self.headroom(), 0.0, None) == (12.0, Source.SAFE)

    def test_modes_narrow_at_once_and_widen_by_a_ramp(self) -> None:
        headroom, meter = self.headroom(), (0.0, 0.0, 0.0)
        assert self.room(headroom, 0.0, Reading(meter, 0.0))[0] == 15.0
        assert self.room(headroom, 1.0, Reading(meter, 1.0), Mode.STOP)[0] == 0.0
        assert self.room(headroom, 31.0, Reading(meter, 31.0))[0] == pytest.approx(7.5)
        assert self.room(headroom, 61.0, Reading(meter, 61.0))[0] == 15.0
        assert self.room(headroom, 62.0, Reading(meter, 62.0), Mode.SAFE)[0] == 12.0
        assert self.room(headroom, 63.0, Reading(meter, 63.0), Mode.REDUCED)[0] == 7.5


def test_a_demand_window_lets_flow_what_keeps_its_mean() -> None:
    window = DemandWindow(10.0, 900)
    assert window.allowed_kw(0.0, 0.0, None) == 10.0
    allowed_kw = 10.0
    # 20 kW for half of the window: nothing more may flow.
    for now in range(30, 451, 30):
        allowed_kw = window.allowed_kw(float(now), float(now), 20.0)
    assert allowed_kw == pytest.approx(0.0)
    assert window.allowed_kw(900.0, 900.0, 0.0) == pytest.approx(10.0)
    for now in range(930, 1351, 30):
        allowed_kw = window.allowed_kw(float(now), float(now), 5.0)
    assert allowed_kw == pytest.approx(15.0, rel=0.02)


def test_phases_are_learned_from_currents_and_unlearned_at_the_first_sign() -> None:
    use = PhaseUse(Member(name="C1", node="a", phases=(1, 2, 0)))
    use.begin("one")
    for second in range(6):
        assert list(use.used) == [1, 2, 0]
        use.learn((15.0, 0.1, 0.0), float(second))
    assert list(use.used) == [1]
    use.learn((15.0, 2.0, 0.0), 10.0)
    assert list(use.used) == [1, 2]
    use.begin("another")
    assert list(use.used) == [1, 2, 0]


def test_a_phase_says_nothing_while_the_vehicle_draws_little() -> None:
    use = PhaseUse(Member(name="C1", node="a"))
    for second in range(20):
        use.learn((2.0, 0.0, 0.0), float(second))
    assert use.used == (0, 1, 2)


def test_what_is_not_taken_is_bounded_after_30_s_and_grows_when_it_is() -> None:
    taking = Taking(Member(name="C1", node="a"))
    for second in range(0, 30, 5):
        taking.see(32.0, 10.2, float(second))
        assert taking.bound_a is None
    taking.see(32.0, 10.2, 30.0)
    assert taking.bound_a == 12.0
    taking.see(12.0, 10.2, 35.0)
    assert taking.bound_a == 12.0
    taking.see(12.0, 12.0, 40.0)
    assert taking.bound_a == 16.0


def test_tiers_outrank_weights() -> None:
    members = [Member(name=name, node="a") for name in "abc"]
    a, b = slopes(
        Policy.WEIGHTS,
        members,
        [Request(tier=1, weight=9), Request(tier=0), Request(tier=0, weight=2)],
        [1] * 3,
    )
    top = max((32.0 - a[i]) / b[i] for i in (1, 2))
    assert (0.0 - a[0]) / b[0] > top
