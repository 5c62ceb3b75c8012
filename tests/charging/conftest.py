"""A depot whose charging is told as operators would tell it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scada.charging.authorization import Authorization
from scada.charging.told import StartAnswer, StartTransaction, StopAnswer, StopTransaction
from scada.core.command import CommandResult, Outcome
from scada.core.effects import Order
from scada.core.plant import ChargingSettings, Plant, SiteCharging
from scada.core.records import TransactionRecord, VisitRecord
from scada.core.value import SECOND_US
from scada.runtime.requests import Authorize
from scada.testing import small_plant
from scada.testing.cores import MemoryCore

CP = "Depot.CP01"
C1 = "Depot.CP01.C1"


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """The model project with its first two chargers only, and without alarms and expressions: quick to start anew."""
    plant = small_plant(tmp_path_factory.mktemp("plant"))
    (site,) = plant.sites
    chargers = site.chargers[:2]
    tags = tuple(
        replace(tag, alarm=None, thresholds=())
        for tag in plant.tags
        if tag.expression is None and tag.path.startswith(tuple(f"{one.path}." for one in chargers))
    )
    sites = (replace(site, chargers=chargers, meters=()),)
    return replace(plant, sites=sites, tags=tags, masks=(), syntheses=(), actions=(), rotas=(), reports=())


class Yard:
    """One charger of the model project, and what is seen of it."""

    def __init__(self, plant: Plant, core: MemoryCore | None = None) -> None:
        self.core = core or MemoryCore(plant)
        self.online()

    def online(self, up: bool = True) -> None:
        """The charger came or went."""
        self.core.write({f"{CP}.Online": up})
        self.core.core.link(CP, up, self.core.now_us)

    def restarted(self, seconds: float = 1.0) -> Yard:
        """The program is killed and started again with what is on disk."""
        return Yard(self.core.plant, self.core.restarted(seconds))

    def status(self, status: str, *, ago: float = 0.0) -> None:
        """The charger tells the state of its connector."""
        self.core.write({f"{C1}.Status": status})
        self.core.event("status", C1, status=status, time_us=self.core.now_us - int(ago * SECOND_US))

    def authorize(self, tag: str = "FLEET-0001") -> Authorization:
        """A token is held before the reader."""
        answer = self.core.ask(Authorize(tag, CP))
        assert isinstance(answer, Authorization)
        return answer

    def start(
        self, tag: str = "FLEET-0001", *, meter: int = 1000, ago: float = 0.0, charger: str = CP, **more: Any
    ) -> StartAnswer:
        """StartTransaction."""
        answer = self.core.ask(
            StartTransaction(
                charger=charger,
                connector=1,
                id_tag=tag,
                meter_start_wh=meter,
                time_us=self.core.now_us - int(ago * SECOND_US),
                **more,
            )
        )
        assert isinstance(answer, StartAnswer)
        return answer

    def stop(
        self, number: int, *, meter: int = 5000, ago: float = 0.0, reason: str = "Local", tag: str = ""
    ) -> StopAnswer:
        """StopTransaction."""
        answer = self.core.ask(
            StopTransaction(
                charger=CP,
                transaction_id=number,
                meter_stop_wh=meter,
                time_us=self.core.now_us - int(ago * SECOND_US),
                reason=reason,
                id_tag=tag,
            )
        )
        assert isinstance(answer, StopAnswer)
        return answer

    def sample(self, register_wh: float, number: int | None = None) -> None:
        """A meter value."""
        write = self.core.core.register(CP, 1, register_wh, self.core.now_us, number)
        self.core.core.write([] if write is None else [write], self.core.now_us)

    def outcome(self, order: Order, outcome: Outcome = Outcome.DONE, text: str = "", **answer: Any) -> None:
        """An order of the core has ended."""
        self.core.outcome(order, CommandResult(outcome, text, answer))

    def orders(self, command: str = "") -> list[Order]:
        """Taken: the orders that came since the last time."""
        taken = [order for order in self.core.orders if command in ("", order.command)]
        self.core.orders = [order for order in self.core.orders if order not in taken]
        return taken

    def tag(self, name: str) -> object:
        """The value of a tag of the connector."""
        return self.core.tags[f"{C1}.{name}"].value

    @property
    def transactions(self) -> list[TransactionRecord]:
        """As they are on disk."""
        rows = {one.id: one for one in self.core.records if isinstance(one, TransactionRecord)}
        return list(rows.values())

    @property
    def visits(self) -> list[VisitRecord]:
        """As they are on disk."""
        rows = {one.id: one for one in self.core.records if isinstance(one, VisitRecord)}
        return list(rows.values())


@pytest.fixture
def yard(model: Plant) -> Callable[..., Yard]:
    """A yard with rules of its own: `yard(autostart=True, ...)`; `settings` are those besides the site's rules."""

    def make(settings: ChargingSettings | None = None, **rules: Any) -> Yard:
        settings = replace(settings or ChargingSettings(), default=SiteCharging(**rules))
        return Yard(replace(model, charging=settings))

    return make
