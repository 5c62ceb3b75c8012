"""Campaigns in the loop: gives the core of `scada.charging.campaign` the time, the commands and the disk."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from scada.charging.campaign import (
    TARGETS_MAX,
    Campaign,
    Head,
    Item,
    Phase,
    Plan,
    State,
    new_campaign,
    share,
    wave_sizes,
)
from scada.core.access import Actor, Right
from scada.core.catalogue import CATALOGUE
from scada.core.command import CommandResult, Outcome, Target, check_arguments
from scada.core.errors import BadRequest, JournalError, NotFound, ScadaError
from scada.core.path import matcher
from scada.core.records import AuditRecord
from scada.core.secrecy import is_secret
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.judge import JUDGEABLE, Configuration, Judge, is_online
from scada.runtime.requests import Note
from scada.runtime.router import CommandRouter

TICK_S = 0.5
OPEN_MAX = 20
"""Campaigns that have not ended; a further one is refused."""
KEPT_MAX = 100
"""Campaigns that are remembered; past it the oldest that has ended goes."""
AT_ONCE_MAX = 100
ASKED_AGAIN_US = 120_000_000
"""How often a charger whose firmware nobody knows is asked to tell it, while it is judged."""

Actors = Callable[[str, str], Actor | None]
"""(user, origin) → what the account may do now; None: it is gone or disabled."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class CampaignOrder:
    """What somebody wants of many chargers.

    Attributes:
        targets: paths of chargers, or patterns.
        waves: numbers, or percentages of all; none: one wave.
        failures_max: of a wave, a number or a percentage; one more stops the campaign.
    """

    name: str
    command: str
    targets: Sequence[str]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    waves: Sequence[str] = ()
    pause_s: float = 0.0
    at_once: int = 10
    idle_only: bool = False
    failures_max: str = "0"
    retries: int = 0
    retry_wait_s: float = 300.0
    ready_wait_s: float = 86_400.0


class Campaigns:
    """All campaigns of a plant.

    Args:
        actors: the rights of who began a campaign count at each command, as they are then.
        configuration: what chargers told of their configuration.
    """

    def __init__(
        self,
        host: PlantHost,
        router: CommandRouter,
        documents: Documents,
        actors: Actors,
        configuration: Configuration,
    ) -> None:
        self._host, self._router, self._actors = host, router, actors
        self._judge = Judge(host, configuration)
        self._heads = documents.drawer("campaign", Head)
        self._items = documents.drawer("campaign_item", Item)
        self._tasks: set[asyncio.Task[None]] = set()
        self._triggered: dict[str, int] = {}
        self._campaigns: dict[str, Campaign] = {}
        self._changed = asyncio.Event()
        self._orphans: list[str] = []
        """Items of campaigns that were never begun: the disk failed in between."""
        self._restore()

    def all(self) -> list[Campaign]:
        """All that are remembered, newest first."""
        return sorted(self._campaigns.values(), key=lambda one: one.head.plan.created_us, reverse=True)

    def get(self, campaign_id: str) -> Campaign:
        """One of them. Raises NotFound."""
        campaign = self._campaigns.get(campaign_id)
        if campaign is None:
            raise NotFound(f"there is no campaign {campaign_id[:50]}")
        return campaign

    async def start(self, order: CampaignOrder, actor: Actor) -> Campaign:
        """Begin a campaign; audited.

        Raises:
            Denied: the actor may not give the command.
            BadRequest, NotFound: something is wrong with the order; nothing was begun.
            JournalError: it is not on disk; nothing was begun.
        """
        spec = CATALOGUE.get(order.command)
        if spec is None:
            raise NotFound(f"there is no command {order.command[:50]}")
        if not spec.campaign or spec.target is Target.CONNECTOR:
            raise BadRequest(f"{spec.name} is not for many chargers at once")
        arguments = check_arguments(spec, order.arguments)
        actor.require(spec.right_for(arguments))
        secret = is_secret(str(arguments.get("key", "")))  # a campaign's arguments are kept, and shown
        if secret or any(argument.secret and argument.name in arguments for argument in spec.arguments):
            raise BadRequest(f"{spec.name} with a secret is not for many chargers at once")
        targets = self._targets(order.targets)
        share(order.failures_max, len(targets))
        if not 1 <= order.at_once <= AT_ONCE_MAX:
            raise BadRequest(f"'at_once' lies within 1..{AT_ONCE_MAX}")
        if sum(not one.ended for one in self._campaigns.values()) >= OPEN_MAX:
            raise BadRequest(f"{OPEN_MAX} campaigns run already: cancel one or wait")
        plan = Plan(
            name=order.name,
            command=spec.name,
            arguments=arguments,
            waves=wave_sizes(order.waves, len(targets)),
            user=actor.name,
            origin=actor.origin,
            created_us=self._host.clock.now_us(),
            timeout_s=spec.timeout_s,
            pause_s=order.pause_s,
            at_once=order.at_once,
            idle_only=order.idle_only,
            failures_max=order.failures_max,
            retries=order.retries,
            retry_wait_s=order.retry_wait_s,
            ready_wait_s=order.ready_wait_s,
        )
        campaign = new_campaign(uuid.uuid4().hex[:12], plan, targets)
        await self._save(campaign)
        self._campaigns[campaign.head.id] = campaign
        await self._audit(actor, "start_campaign", campaign)
        await self._forget_old()
        self._changed.set()
        return campaign

    async def steer(self, campaign_id: str, what: str, actor: Actor) -> Campaign:
        """`pause`, `resume` or `cancel` a campaign; audited. Raises like `start`."""
        campaign = self.get(campaign_id)
        actor.require(self._right(campaign))
        now_us = self._host.clock.now_us()
        if what == "pause":
            campaign.pause(actor.name)
        elif what == "resume":
            campaign.resume(now_us)
        elif what == "cancel":
            campaign.cancel(actor.name, now_us)
        else:
            raise NotFound(f"a campaign cannot {what[:20]}")
        await self._save(campaign)
        await self._audit(actor, f"{what}_campaign", campaign)
        self._changed.set()
        return campaign

    async def run(self) -> None:
        """Carry campaigns out until cancelled; commands under way then are judged by the next run."""
        try:
            await self._items.remove_all(self._orphans)
            self._orphans = []
            while True:
                self._changed.clear()
                for campaign in list(self._campaigns.values()):
                    if not campaign.ended or campaign.touched or campaign.head_touched:
                        await self._turn(campaign)
                try:
                    async with asyncio.timeout(TICK_S):
                        await self._changed.wait()
                except TimeoutError:
                    pass
        finally:
            for task in self._tasks:
                task.cancel()

    async def _turn(self, campaign: Campaign) -> None:
        now_us = self._host.clock.now_us()
        due: list[str] = []
        try:
            self._look(campaign, now_us)
            if campaign.head.phase is Phase.RUNNING and self._actor(campaign) is None:
                campaign.stop(f"{campaign.head.plan.user} may not do this any more")
            due = campaign.due(now_us, lambda target: self._not_ready(campaign, target))
            for target in due:
                campaign.asked(target, self._judge.before(campaign.head, target), now_us)
            await self._save(campaign)
        except JournalError as error:
            # Nobody is asked of whom the disk does not know.
            log.error("campaign_not_saved", campaign=campaign.head.id, reason=str(error))
            for target in due:
                campaign.withdrawn(target, now_us)
            return
        for target in due:
            task = asyncio.create_task(self._ask(campaign, target), name=f"campaign {target}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, campaign: Campaign, target: str) -> None:
        plan = campaign.head.plan
        actor = self._actor(campaign)
        if actor is None:
            result = CommandResult(Outcome.DENIED, f"{plan.user} may not do this any more")
        else:
            try:
                result = await self._router.execute(plan.command, target, plan.arguments, actor)
            except ScadaError as error:
                result = CommandResult(Outcome.FAILED, str(error))
        now_us = self._host.clock.now_us()
        campaign.outcome(target, result.outcome, result.text, now_us, judge=plan.command in JUDGEABLE)
        self._changed.set()

    def _look(self, campaign: Campaign, now_us: int) -> None:
        """Judge those of whom nobody knows what they did."""
        for item in campaign.busy():
            if item.state is not State.JUDGED:
                continue
            verdict = self._judge.verdict(campaign.head, item, now_us)
            if verdict is not None:
                campaign.judged(item.target, verdict.done, verdict.text, now_us)
            elif campaign.head.plan.command == "UpdateFirmware":
                self._ask_for_version(item.target, now_us)

    def _ask_for_version(self, target: str, now_us: int) -> None:
        """A charger that connects without booting does not tell its firmware: ask it now and then."""
        if not is_online(self._host, target) or now_us < self._triggered.get(target, 0) + ASKED_AGAIN_US:
            return
        self._triggered[target] = now_us
        actor = Actor("<campaign>", frozenset(Right), "system")

        async def trigger() -> None:
            try:
                arguments = {"requestedMessage": "BootNotification"}
                await self._router.execute("TriggerMessage", target, arguments, actor)
            except ScadaError as error:
                log.info("campaign_no_trigger", charger=target, reason=str(error))

        task = asyncio.create_task(trigger(), name=f"campaign {target}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _not_ready(self, campaign: Campaign, target: str) -> str:
        charger = self._host.plant.chargers_by_path.get(target)
        if charger is None:
            return "the project has no such charger any more"
        tags = self._host.tags
        if not is_online(self._host, target):
            return "offline"
        if campaign.head.plan.idle_only:
            for connector in charger.connectors:
                running = tags.get(f"{connector.path}.InTransaction")
                if running is not None and running.value:
                    return "a transaction runs"
        return ""

    def _actor(self, campaign: Campaign) -> Actor | None:
        """Who began it, if they still may."""
        plan = campaign.head.plan
        actor = self._actors(plan.user, plan.origin)
        return actor if actor is not None and actor.may(self._right(campaign)) else None

    def _right(self, campaign: Campaign) -> Right:
        spec = CATALOGUE.get(campaign.head.plan.command)
        return spec.right if spec is not None else Right.CONFIGURE

    def _targets(self, patterns: Sequence[str]) -> list[str]:
        """Chargers in the order of the project, each once."""
        plant = self._host.plant
        chosen: set[str] = set()
        for pattern in patterns:
            try:
                matches = matcher(pattern)
            except ValueError as error:
                raise BadRequest(f"'{pattern[:100]}': {error}") from None
            found = {charger.path for charger in plant.chargers() if matches(charger.path)}
            if not found:
                raise NotFound(f"there is no charger {pattern[:100]}")
            chosen |= found
        if not chosen:
            raise BadRequest("name the chargers, or a pattern")
        if len(chosen) > TARGETS_MAX:
            raise BadRequest(f"a campaign has at most {TARGETS_MAX:,} chargers")
        return [charger.path for charger in plant.chargers() if charger.path in chosen]

    async def _save(self, campaign: Campaign) -> None:
        """Put on disk what has changed."""
        touched, campaign.touched = campaign.touched, set()
        head_touched, campaign.head_touched = campaign.head_touched, False
        campaign_id = campaign.head.id
        try:
            if touched:
                await self._items.put_all({f"{campaign_id}/{one}": campaign.items[one] for one in touched})
            if head_touched:
                await self._heads.put(campaign_id, campaign.head)
        except JournalError:
            campaign.touched |= touched
            campaign.head_touched = campaign.head_touched or head_touched
            raise

    async def _forget_old(self) -> None:
        old = [one for one in self.all() if one.ended][KEPT_MAX - OPEN_MAX :]
        for campaign in old:
            del self._campaigns[campaign.head.id]
            await self._heads.remove(campaign.head.id)
            await self._items.remove_all(f"{campaign.head.id}/{one}" for one in campaign.items)

    def _restore(self) -> None:
        by_campaign: dict[str, list[Item]] = {}
        for key, item in self._items:
            by_campaign.setdefault(key.partition("/")[0], []).append(item)
        self._orphans = [key for key, _ in self._items if self._heads.get(key.partition("/")[0]) is None]
        now_us = self._host.clock.now_us()
        for campaign_id, head in self._heads:
            campaign = Campaign(head, by_campaign.get(campaign_id, []))
            campaign.head_touched = False
            campaign.restored(now_us)
            self._campaigns[campaign_id] = campaign

    async def _audit(self, actor: Actor, action: str, campaign: Campaign) -> None:
        plan = campaign.head.plan
        record = AuditRecord(
            time_us=self._host.clock.now_us(),
            user=actor.name,
            origin=actor.origin,
            action=action,
            object=campaign.head.id,
            new=f"{plan.command} {plan.name}: {len(campaign.items)} chargers",
        )
        await self._host.request(Note((record,)))
