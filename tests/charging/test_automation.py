"""Started without anybody's doing: bounded, durable, and the connector says why not."""

from __future__ import annotations

from collections.abc import Callable

from scada.charging.automation import RETRY_S
from scada.core.command import Outcome
from tests.charging.conftest import C1, Yard

Make = Callable[..., Yard]


def test_a_vehicle_that_is_plugged_in_is_started(yard: Make) -> None:
    depot = yard(autostart=True, autostart_token="FLEET-0001")
    depot.status("Preparing")
    depot.core.wait(4)
    (order,) = depot.orders("RemoteStart")
    assert (order.target, order.arguments, order.user) == (C1, {"id_tag": "FLEET-0001"}, "<autostart>")
    depot.start()
    depot.outcome(order)
    assert depot.tag("Automation") == ""
    depot.core.wait(3_600, step_s=10)
    assert depot.orders() == []


def test_the_tries_are_bounded_and_the_next_vehicle_is_begun_with_anew(yard: Make) -> None:
    depot = yard(autostart=True, autostart_token="FLEET-0001")
    depot.status("Preparing")
    tries, killed = 0, False
    for _ in range(200):
        depot.core.wait(10, step_s=5)
        for order in depot.orders("RemoteStart"):
            tries += 1
            depot.outcome(order, Outcome.REFUSED, "the charger refused")
        if tries == 2 and not killed:
            killed = True
            depot = depot.restarted()
            depot.status("Preparing")
    assert tries == len(RETRY_S)
    assert depot.tag("Automation") == "autostart: the charger did not start (3 tries)"
    depot.status("Preparing")
    depot.core.wait(60)
    assert depot.orders() == []
    depot.status("Available")
    depot.status("Preparing")
    depot.core.wait(5)
    assert len(depot.orders("RemoteStart")) == 1


def test_why_it_is_not_started_is_said(yard: Make) -> None:
    depot = yard(autostart=True)
    depot.status("Preparing")
    depot.core.wait(4)
    assert depot.tag("Automation") == "autostart: no token is set"
    depot.core.write({f"{C1}.AutostartToken": "LOST-0001"})
    depot.status("Available")
    depot.status("Preparing")
    depot.core.wait(4)
    assert depot.tag("Automation") == "autostart: token LOST-0001: blocked"
    depot.online(False)
    depot.core.wait(2)
    assert depot.tag("Automation") == "autostart: the charger is offline"
    assert depot.orders() == []


def test_a_connector_may_differ_from_its_site(yard: Make) -> None:
    depot = yard(autostart=True, autostart_token="FLEET-0001")
    depot.core.write({f"{C1}.Autostart": "off"})
    depot.status("Preparing")
    depot.core.wait(5)
    assert depot.orders() == []


def test_after_a_power_cut_the_session_is_resumed_while_the_vehicle_is_there(yard: Make) -> None:
    depot = yard(resume=True)
    depot.status("Preparing")
    number = depot.start("FLEET-0003").transaction_id
    depot.online(False)
    depot.stop(number, reason="PowerLoss")
    depot = depot.restarted(60)
    depot.status("Preparing")
    depot.core.wait(5)
    (order,) = depot.orders("RemoteStart")
    assert (order.arguments, order.user) == ({"id_tag": "FLEET-0003"}, "<resume>")
    depot.start("FLEET-0003", meter=5000)
    assert [one.visit for one in depot.transactions] == [1, 1]


def test_who_has_gone_or_stopped_himself_is_not_resumed(yard: Make) -> None:
    for reason in ("Local", "EVDisconnected", "EmergencyStop", "DeAuthorized", "Remote"):
        depot = yard(resume=True)
        depot.status("Preparing")
        depot.stop(depot.start().transaction_id, reason=reason)
        depot.core.wait(10)
        assert depot.orders() == [], reason
    depot = yard(resume=True)
    depot.status("Preparing")
    depot.stop(depot.start().transaction_id, reason="PowerLoss")
    depot.status("Available")
    depot.core.wait(10)
    assert depot.orders() == []


def test_after_a_fault_the_session_is_resumed_once_the_connector_is_well(yard: Make) -> None:
    depot = yard(resume=True)
    depot.status("Preparing")
    number = depot.start("FLEET-0003").transaction_id
    depot.status("Faulted")
    depot.stop(number, reason="Other")
    depot.core.wait(20)
    assert depot.orders() == []
    assert depot.tag("Automation") == "resume: the connector is Faulted"
    depot.status("Preparing")
    depot.core.wait(5)
    (order,) = depot.orders("RemoteStart")
    assert (order.arguments, order.user) == ({"id_tag": "FLEET-0003"}, "<resume>")
    depot.start("FLEET-0003", meter=5000)
    depot.core.wait(60)
    assert depot.orders() == []


def test_the_stop_may_be_told_before_the_fault(yard: Make) -> None:
    depot = yard(resume=True)
    depot.status("Preparing")
    depot.stop(depot.start().transaction_id, reason="Other")
    depot.status("Faulted")
    depot.status("SuspendedEV")
    depot.core.wait(5)
    assert len(depot.orders("RemoteStart")) == 1


def test_a_fault_long_after_the_session_resumes_nothing(yard: Make) -> None:
    depot = yard(resume=True)
    depot.status("Preparing")
    depot.stop(depot.start().transaction_id, reason="Other")
    depot.core.wait(120)
    depot.status("Faulted")
    depot.status("Preparing")
    depot.core.wait(60)
    assert depot.orders() == []


def test_a_vehicle_left_plugged_in_is_started_again_at_its_time(yard: Make) -> None:
    depot = yard(reload=True, reload_at_min=5 * 60)
    depot.status("Preparing")
    depot.stop(depot.start().transaction_id)
    depot.status("Finishing")
    depot.core.wait(86_400, step_s=10)
    (order,) = depot.orders("RemoteStart")[:1]
    assert order.user == "<reload>"
