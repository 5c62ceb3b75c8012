"""Local authorization lists: versions, differences, whole ones on mismatch, bounded tries."""

from __future__ import annotations

from collections.abc import Callable

from scada.charging.local_lists import RETRY_S
from scada.core.command import Outcome
from scada.core.plant import Token
from scada.runtime.charging_requests import AdmitToken, SendList, WithdrawToken
from scada.testing.cores import ANN
from tests.charging.conftest import CP, Yard

Make = Callable[..., Yard]


def test_a_charger_is_given_the_list_and_then_the_differences(yard: Make) -> None:
    depot = yard(local_list=True)
    depot.core.event("local_list", CP, version=0, max=1000, supported=True)
    depot.core.wait(2)
    (order,) = depot.orders("SendLocalList")
    entries = {one["id_tag"]: one for one in order.arguments["entries"]}
    assert (order.arguments["version"], order.arguments["update"]) == (1000, "Full")
    assert entries["FLEET-0001"] == {"id_tag": "FLEET-0001", "status": "Accepted", "parent": "FLEET"}
    assert entries["LOST-0001"]["status"] == "Blocked"
    # The driver tells what it read before the command ends.
    depot.core.event("local_list", CP, version=1000, max=1000, supported=True)
    depot.outcome(order)
    depot.core.wait(2)
    assert depot.core.tags[f"{CP}.LocalListVersion"].value == 1000
    assert depot.core.tags[f"{CP}.LocalListState"].value == "current"
    depot.core.ask(AdmitToken(Token(id_tag="NEW-1"), ANN))
    depot.core.wait(2)
    (order,) = depot.orders("SendLocalList")
    assert order.arguments == {
        "version": 2000,
        "update": "Differential",
        "entries": [{"id_tag": "NEW-1", "status": "Accepted"}],
    }
    depot.outcome(order)
    depot.core.ask(WithdrawToken("NEW-1", ANN))
    depot.core.wait(2)
    (order,) = depot.orders("SendLocalList")
    assert order.arguments["entries"] == [{"id_tag": "NEW-1"}]


def test_a_mismatch_is_followed_by_the_whole_list_and_a_failure_by_bounded_tries(yard: Make) -> None:
    depot = yard(local_list=True)
    depot.core.event("local_list", CP, version=0, supported=True)
    depot.core.wait(2)
    depot.outcome(depot.orders("SendLocalList")[0])
    depot.core.ask(AdmitToken(Token(id_tag="NEW-1"), ANN))
    depot.core.wait(2)
    depot.outcome(depot.orders("SendLocalList")[0], Outcome.REFUSED, status="VersionMismatch")
    updates = []
    for _ in range(100):
        depot.core.wait(200, step_s=20)
        for order in depot.orders("SendLocalList"):
            updates.append(order.arguments["update"])
            depot.outcome(order, Outcome.REFUSED, "no room", status="Failed")
    assert updates == ["Full"] * (len(RETRY_S) + 1)
    assert depot.core.tags[f"{CP}.LocalListState"].value == "failed: no room"
    depot.core.ask(SendList(CP, ANN))
    depot.core.wait(2)
    assert len(depot.orders("SendLocalList")) == 1


def test_a_restart_sends_nothing_that_the_charger_has(yard: Make) -> None:
    depot = yard(local_list=True)
    depot.core.event("local_list", CP, version=0, supported=True)
    depot.core.wait(2)
    depot.outcome(depot.orders("SendLocalList")[0])
    depot = depot.restarted()
    depot.core.event("local_list", CP, version=1000, supported=True)
    depot.core.wait(5)
    assert depot.orders() == []
    depot.core.event("local_list", CP, version=17, supported=True)  # somebody else's
    depot.core.wait(5)
    assert depot.orders("SendLocalList")[0].arguments["update"] == "Full"


def test_what_was_under_way_at_a_kill_is_sent_whole_again(yard: Make) -> None:
    depot = yard(local_list=True)
    depot.core.event("local_list", CP, version=0, supported=True)
    depot.core.wait(2)
    assert len(depot.orders()) == 1
    depot = depot.restarted()
    depot.core.wait(3)
    assert depot.orders("SendLocalList")[0].arguments["update"] == "Full"


def test_a_small_charger_is_given_what_it_has_room_for(yard: Make) -> None:
    depot = yard(local_list=True)
    depot.core.event("local_list", CP, version=0, max=5, supported=True)
    depot.core.wait(2)
    (order,) = depot.orders("SendLocalList")
    assert len(order.arguments["entries"]) == 5
    depot.outcome(order)
    assert str(depot.core.tags[f"{CP}.LocalListState"].value).endswith("7 tokens without room")


def test_a_charger_without_lists_is_left_alone(yard: Make) -> None:
    depot = yard(local_list=True)
    depot.core.event("local_list", CP, supported=False)
    depot.core.wait(5)
    assert depot.orders() == []
    assert depot.core.tags[f"{CP}.LocalListState"].value == "unsupported"
