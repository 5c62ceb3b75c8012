"""Answers from outside: the link in a message, and the signed call-back of a voice or message service.

Opening a link changes nothing, however often: mail scanners open every one. Pressing the button on its page does.

No postponed annotations here: FastAPI evaluates them.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from scada.api.answer_page import STATES, AnswerPages, Say
from scada.api.services import ApiServices
from scada.core import signature
from scada.core.access import Actor, Right
from scada.core.errors import ScadaError
from scada.core.message_ports import AnswerLink, AnswerLinks
from scada.core.plant import Contact
from scada.core.ports import JournalFilter
from scada.core.records import AlarmEvent
from scada.core.value import SECOND_US, TimeUs
from scada.i18n import marked
from scada.runtime.board import AlarmView
from scada.runtime.requests import Acknowledge

BODY_BYTES_MAX = 10_000
CREDIT = 300
"""Openings of good links that an address may make in a minute; a bad one costs ten."""
BAD_COST = 10
ADDRESSES_MAX = 10_000
SEEN_MAX = 10_000
"""Signed calls remembered for as long as they could be replayed; past it calls are refused, for a moment."""
JOURNAL_ROWS = 50

_ = marked

NOT_OURS = Say(title=_("Not found"), said=_("This link is not valid."), values={}, status=404)
EXPIRED = Say(
    title=_("Link expired"), said=_("This link is too old. Log in to acknowledge."), values={}, status=410
)
BUSY = Say(title=_("Too many requests"), said=_("Try again in a minute."), values={}, status=429)
TROUBLE = Say(
    title=_("Not acknowledged"),
    said=_("It could not be noted now. Try again."),
    values={},
    tone="alarm",
    status=503,
)


def answer_routes(
    services: ApiServices, links: AnswerLinks, secret: Callable[[str], str | None]
) -> APIRouter:
    """The routes: `/a/{token}` for people, `/api/v1/oncall/callback/{contact}` for programs.

    Args:
        links: reads tokens.
        secret: reference → key of a contact's webhook, or None.
    """
    router = APIRouter()
    answers = _Answers(services, links)
    pages = AnswerPages(services.plant)
    bucket = _Bucket(services.host.clock.now_us)

    def opened(request: Request, token: str) -> tuple[AnswerLink, Contact] | Response:
        address = request.client.host if request.client else ""
        if not bucket.allows(address):
            return pages.page(BUSY)
        link = answers.read(token)
        contact = answers.contact(link) if link else None
        bucket.take(address, 1 if contact else BAD_COST)
        if link is None or contact is None:
            return pages.page(NOT_OURS)
        return pages.page(EXPIRED, contact) if link.expired else (link, contact)

    @router.api_route("/a/{token}", methods=["GET", "HEAD"], include_in_schema=False)
    async def look(request: Request, token: str) -> Response:
        found = opened(request, token)
        if isinstance(found, Response):
            return found
        link, contact = found
        view = services.host.board.get(link.alarm)
        return pages.page(await answers.say(link, contact), contact, link.alarm, view, link.raised_us)

    @router.post("/a/{token}", include_in_schema=False)
    async def answer(request: Request, token: str) -> Response:
        found = opened(request, token)
        if isinstance(found, Response):
            return found
        link, contact = found
        try:
            done = await answers.acknowledge(link, contact, _origin("mail", request))
        except ScadaError:
            say = TROUBLE
        else:
            say = DONE if done else await answers.say(link, contact)
        view = services.host.board.get(link.alarm)
        return pages.page(say, contact, link.alarm, view, link.raised_us)

    _callback(router, services, answers, secret, bucket)
    return router


def _callback(
    router: APIRouter,
    services: ApiServices,
    answers: "_Answers",
    secret: Callable[[str], str | None],
    bucket: "_Bucket",
) -> None:
    seen = _Seen(services.host.clock.now_us)

    @router.post("/api/v1/oncall/callback/{contact}", tags=["oncall"])
    async def callback(request: Request, contact: str) -> dict[str, Any]:
        """A signed call: acknowledges an alarm in a contact's name. Signed like the webhooks that are sent out."""
        address = request.client.host if request.client else ""
        if not bucket.allows(address):
            raise HTTPException(429, "too many requests")
        bucket.take(address, 1)
        body = await _body(request)
        header = request.headers.get(signature.HEADER, "")
        known = answers.contacts.get(contact)
        reference = known.webhook_secret_ref if known else ""
        key = await asyncio.to_thread(secret, reference) if reference else None
        now_us = services.host.clock.now_us()
        if known is None or not key or not signature.verify(key, header, body, now_us):
            bucket.take(address, BAD_COST)
            raise HTTPException(401, "the signature is not valid")
        if not seen.fresh(header):
            raise HTTPException(409, "this call was made before")
        link = _asked(answers, body)
        if link is None or link.contact != contact:
            raise HTTPException(404, "the token is not valid")
        if link.expired:
            raise HTTPException(410, "the token is too old")
        done = await answers.acknowledge(link, known, _origin("webhook", request))
        view = services.host.board.get(link.alarm)
        return {
            "acknowledged": done,
            "alarm": link.alarm,
            "state": view.state.value if view else "normal",
            "acknowledged_by": await answers.acknowledged_by(link),
        }


DONE = Say(
    title=_("Acknowledged"),
    said=_("Thank you. It is noted, and nobody else is called."),
    values={},
    tone="done",
)


class _Answers:
    """What stands behind both doors."""

    def __init__(self, services: ApiServices, links: AnswerLinks) -> None:
        self._host = services.host
        self._archive = services.archive
        self._links = links
        self._definitions = services.plant.definitions
        self.contacts = {contact.name: contact for contact in services.plant.contacts}

    def read(self, token: str) -> AnswerLink | None:
        """What a token stands for; None: it is none of ours, or its alarm is no more."""
        link = self._links.read(token, self._host.clock.now_us())
        definition = self._definitions.get(link.alarm) if link else None
        return link if definition is not None and definition.alarm is not None else None

    def contact(self, link: AnswerLink) -> Contact | None:
        """Whose link it is; None: the contact is no more."""
        return self.contacts.get(link.contact)

    async def acknowledge(self, link: AnswerLink, contact: Contact, origin: str) -> bool:
        """Acknowledge the link's occurrence. False: there was nothing (any more) to acknowledge.

        Raises:
            ScadaError: it could not be done or noted.
        """
        if not _waits(link, self._host.board.get(link.alarm)):
            return False
        actor = Actor(contact.name, frozenset({Right.ACKNOWLEDGE}), origin)
        done = await self._host.request(Acknowledge((link.alarm,), actor, ""))
        return link.alarm in done

    async def acknowledged_by(self, link: AnswerLink) -> str:
        """Who acknowledged the link's occurrence, or empty."""
        view = self._host.board.get(link.alarm)
        if view is not None and view.raised_us == link.raised_us and view.acknowledged_by:
            return view.acknowledged_by
        where = JournalFilter(alarm=link.alarm, events=(AlarmEvent.ACKNOWLEDGED,), from_us=link.raised_us)
        page = await self._archive.alarm_journal(where, JOURNAL_ROWS, None)
        return next((row.user for row in page.items if row.raised_us == link.raised_us), "")

    async def say(self, link: AnswerLink, contact: Contact) -> Say:
        """How it stands with the link's occurrence."""
        view = self._host.board.get(link.alarm)
        if _waits(link, view):
            said = _("Nobody has acknowledged it yet.")
            return Say(title=_("Acknowledge alarm"), said=said, values={}, tone="alarm", ask=True)
        user = await self.acknowledged_by(link)
        if user == contact.name:
            said = _("You have acknowledged it already. There is nothing more to do.")
            return Say(title=_("Acknowledged"), said=said, values={}, tone="done")
        if user:
            said = _("It was acknowledged by {user}. There is nothing more to do.")
            return Say(title=_("Acknowledged"), said=said, values={"user": user}, tone="done")
        if view is None:
            return Say(title=_("Alarm is over"), said=_("It has returned to normal."), values={}, tone="done")
        if view.raised_us != link.raised_us:
            said = _("That alarm is over. It came again since: use the link in the newer message, or log in.")
            return Say(title=_("Alarm came again"), said=said, values={}, tone="alarm")
        return Say(title=_("Nothing to acknowledge"), said=STATES[view.state], values={})


def _waits(link: AnswerLink, view: AlarmView | None) -> bool:
    return view is not None and view.raised_us == link.raised_us and view.state.unacknowledged


def _asked(answers: _Answers, body: bytes) -> AnswerLink | None:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    match asked:
        case {"action": "acknowledge", "token": str(token)}:
            return answers.read(token)
    raise HTTPException(400, 'the body is {"action": "acknowledge", "token": "…"}')


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413, f"a body has at most {BODY_BYTES_MAX:,} bytes")
    return body


def _origin(door: str, request: Request) -> str:
    return f"{door} {request.client.host}" if request.client else door


class _Bucket:
    """Credit of each address, full again after a minute. At `ADDRESSES_MAX` the oldest address is forgotten."""

    def __init__(self, now_us: Callable[[], TimeUs]) -> None:
        self._now_us = now_us
        self._spent: OrderedDict[str, tuple[TimeUs, int]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Whether there is credit left."""
        return self._of(address)[1] < CREDIT

    def take(self, address: str, cost: int) -> None:
        """Spend some."""
        began_us, spent = self._of(address)
        self._spent[address] = (began_us, spent + cost)
        if len(self._spent) > ADDRESSES_MAX:
            self._spent.popitem(last=False)

    def _of(self, address: str) -> tuple[TimeUs, int]:
        now_us = self._now_us()
        began_us, spent = self._spent.get(address, (now_us, 0))
        if not 0 <= now_us - began_us < 60 * SECOND_US:
            self._spent.pop(address, None)
            return now_us, 0
        return began_us, spent


class _Seen:
    """Signatures of calls, for as long as they pass."""

    def __init__(self, now_us: Callable[[], TimeUs]) -> None:
        self._now_us = now_us
        self._seen: OrderedDict[str, TimeUs] = OrderedDict()

    def fresh(self, header: str) -> bool:
        """Whether a call is new; it is remembered."""
        now_us = self._now_us()
        # Accepted from five minutes ahead to five minutes behind: ten minutes after it came, none passes any more.
        while self._seen and now_us - next(iter(self._seen.values())) > 2 * signature.AGE_MAX_US:
            self._seen.popitem(last=False)
        if header in self._seen or len(self._seen) >= SEEN_MAX:
            return False
        self._seen[header] = now_us
        return True
