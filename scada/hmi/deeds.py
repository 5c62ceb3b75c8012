"""What a user does to alarms, tags and contacts: arguments out of the page's forms → requests to the plant.

Everything here comes from a browser and is not trusted: kinds and lengths are checked, rights where the deed is done.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from scada.core.access import Actor
from scada.core.errors import BadRequest, NotFound
from scada.core.tag import TagDefinition
from scada.core.value import SECOND_US, Kind, TimeUs
from scada.hmi import words
from scada.hmi.alarm_list import AlarmFilter, waiting
from scada.hmi.bench_deeds import BenchDeeds
from scada.hmi.charging_deeds import ChargingDeeds
from scada.hmi.context import Visit
from scada.hmi.given import Given, Shown
from scada.hmi.given import text as _text
from scada.hmi.maintenance_deeds import MaintenanceDeeds
from scada.hmi.operation_deeds import OperationDeeds
from scada.hmi.report_requests import wanted
from scada.hmi.sentences import sentence
from scada.hmi.user_deeds import UserDeeds
from scada.i18n import marked
from scada.runtime.requests import (
    Acknowledge,
    Comment,
    Force,
    Release,
    Request,
    ResetLatch,
    ReturnToService,
    SendTest,
    Shelve,
    TakeOutOfService,
    Unshelve,
)

PATHS_MAX = 1_000
QUERY_MAX = 40
"""Fields of a page's address."""
SPAN_S_MAX = 366 * 86_400
SPANS_S = (900, 3_600, 8 * 3_600, 24 * 3_600)
"""Times that are offered; any other by the moment of its end."""
REQUEST_TIMEOUT_S = 30.0
"""A flood that is acknowledged at once is thousands of rows in the journal."""

_ = marked


class Deeds:
    """The deeds of one page.

    Args:
        where: which alarms the page lists, or None.
    """

    def __init__(self, visit: Visit, where: AlarmFilter | None) -> None:
        self._visit = visit
        self._host = visit.services.host
        self._where = where
        self._deeds: Mapping[str, Callable[[Actor, Given], Awaitable[str | Shown]]] = {
            "acknowledge": self._acknowledge,
            "acknowledge_shown": self._acknowledge_shown,
            "acknowledge_branch": self._acknowledge_branch,
            "comment": self._comment,
            "reset": self._reset,
            "shelve": self._shelve,
            "unshelve": self._unshelve,
            "take_out": self._take_out,
            "put_in": self._put_in,
            "write": self._write,
            "force": self._force,
            "release": self._release,
            "test": self._test,
            **ChargingDeeds(visit).deeds,
            **BenchDeeds(visit).deeds,
            **MaintenanceDeeds(visit).deeds,
            **UserDeeds(visit).deeds,
            **OperationDeeds(visit).deeds,
            "export": self._export,
            "cancel_export": self._cancel_export,
        }

    def __contains__(self, name: str) -> bool:
        return name in self._deeds

    async def do(self, name: str, actor: Actor, given: Given) -> str | Shown:
        """Do it and return what to say (or show) about it. Raises ScadaError with a sentence."""
        return await self._deeds[name](actor, given)

    async def _acknowledge(self, actor: Actor, given: Given) -> str:
        return await self._acknowledged(actor, _paths(given), given)

    async def _acknowledge_shown(self, actor: Actor, given: Given) -> str:
        """All that fit the page's filter, shown or only counted; but none that came after what the user saw."""
        before_ms = given.get("before")
        if self._where is None or not isinstance(before_ms, (int, float)) or not math.isfinite(before_ms):
            raise BadRequest("nothing is selected")
        before_us = int(before_ms * 1_000) + 999
        paths = waiting(self._host, self._visit.language, actor, self._where, before_us)
        return await self._acknowledged(actor, tuple(paths), given)

    async def _acknowledge_branch(self, actor: Actor, given: Given) -> str:
        """All at a branch or of a kind."""
        where = AlarmFilter(branch=_text(given, "branch", 256), kind=_text(given, "kind", 256))
        if not where.narrows:
            raise BadRequest("nothing is selected")
        paths = waiting(self._host, self._visit.language, actor, where, self._host.clock.now_us())
        return await self._acknowledged(actor, tuple(paths), given)

    async def _acknowledged(self, actor: Actor, paths: tuple[str, ...], given: Given) -> str:
        done = await self._ask(Acknowledge(paths, actor, _text(given, "comment")))
        return self._count(len(done), _("{count} acknowledged"))

    async def _comment(self, actor: Actor, given: Given) -> str:
        await self._ask(Comment(_path(given), actor, _text(given, "comment")))
        return self._visit.tr("noted in the journal")

    async def _reset(self, actor: Actor, given: Given) -> str:
        done = await self._ask(ResetLatch(_paths(given), actor, _text(given, "comment")))
        return self._count(len(done), _("{count} reset"))

    async def _shelve(self, actor: Actor, given: Given) -> str:
        until_us = self._end(given)
        if until_us is None:
            raise BadRequest("give the time at which it ends")
        done = await self._ask(Shelve(_paths(given), until_us, actor, _text(given, "reason")))
        return self._count(len(done), _("{count} shelved"))

    async def _unshelve(self, actor: Actor, given: Given) -> str:
        done = await self._ask(Unshelve(_paths(given), actor, _text(given, "comment")))
        return self._count(len(done), _("{count} taken off the shelf"))

    async def _take_out(self, actor: Actor, given: Given) -> str:
        branch = _text(given, "branch", 256)
        await self._ask(TakeOutOfService(branch, self._end(given), actor, _text(given, "reason")))
        return self._visit.tr("out of service")

    async def _put_in(self, actor: Actor, given: Given) -> str:
        await self._ask(ReturnToService(_text(given, "branch", 256), actor, _text(given, "comment")))
        return self._visit.tr("in service again")

    async def _write(self, actor: Actor, given: Given) -> str:
        path, value = self._value(given)
        result = await self._visit.services.router.write(path, value, actor)
        tr = self._visit.tr
        if result is None:
            return tr("written")
        text = tr(words.OUTCOMES[result.outcome])
        if result.text:
            text = tr("{outcome}: {text}").format(outcome=text, text=sentence(result.text, tr))
        if not result.outcome.ok:
            raise BadRequest(text)
        return text

    async def _force(self, actor: Actor, given: Given) -> str:
        path, value = self._value(given)
        await self._ask(Force(path, value, _text(given, "reason"), self._end(given), actor))
        return self._visit.tr("forced")

    async def _release(self, actor: Actor, given: Given) -> str:
        await self._ask(Release(_path(given), actor))
        return self._visit.tr("released")

    async def _test(self, actor: Actor, given: Given) -> str:
        sent = await self._ask(SendTest(_text(given, "contact", 200), actor))
        if not sent:
            raise BadRequest("this contact has no address")
        return self._visit.tr("the test message is in the outbox")

    async def _export(self, actor: Actor, given: Given) -> str:
        """A report as a file: of what a page shows, by the query of its address."""
        query = given.get("query")
        if not isinstance(query, dict) or len(query) > QUERY_MAX:
            raise BadRequest("nothing is selected")
        asked = replace(
            self._visit, query={str(k): str(v)[:256] for k, v in query.items() if v not in (None, "")}
        )
        request = wanted(asked, actor, _text(given, "report", 20))
        self._visit.services.report_jobs.start(actor.name, request, _text(given, "format", 10))
        return self._visit.tr("The file is being made; it is listed on this page.")

    async def _cancel_export(self, actor: Actor, given: Given) -> str:
        await self._visit.services.report_jobs.cancel(actor.name, _text(given, "export", 40))
        return self._visit.tr("cancelled")

    async def _ask(self, request: Request) -> Any:
        return await self._host.request(request, REQUEST_TIMEOUT_S)

    def _count(self, count: int, text: str) -> str:
        return self._visit.tr(text).format(count=count)

    def _end(self, given: Given) -> TimeUs | None:
        """When it ends: so long from now, at a moment of the plant's clock, or (empty) not by itself."""
        span = given.get("span_s") or ""
        if span == "until":
            until_us = self._visit.formats().parse_local(_text(given, "until", 40))
            if until_us is None:
                raise BadRequest("give the time at which it ends")
            return until_us
        if not span:
            return None
        text = str(span)
        digits = text.isascii() and text.isdigit() and len(text) <= 9
        if not digits or not 0 < int(text) <= SPAN_S_MAX:
            raise BadRequest("give the time at which it ends")
        return self._host.clock.now_us() + int(text) * SECOND_US

    def _value(self, given: Given) -> tuple[str, object]:
        path = _path(given)
        tag = self._host.tags.get(path)
        if tag is None:
            raise NotFound(f"there is no tag {path}")
        return path, _value_of(tag.definition, _text(given, "value", 1_000))


def _value_of(definition: TagDefinition, text: str) -> object:
    """What was typed, in the kind of the tag; the core checks it."""
    if definition.kind is Kind.BIT:
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if definition.kind is Kind.REGISTER:
        try:
            return float(text.strip().replace(",", "."))  # French numbers have a comma
        except ValueError:
            return text
    return text


def _path(given: Given) -> str:
    return _text(given, "path", 256)


def _paths(given: Given) -> tuple[str, ...]:
    paths = given.get("paths")
    if not isinstance(paths, list) or not 0 < len(paths) <= PATHS_MAX:
        raise BadRequest("nothing is selected")
    return tuple(str(path)[:256] for path in paths)
