"""The way out for mail: several relays in order, each with a back-off of its own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from scada.core.plant import Mail as MailSettings
from scada.core.plant import MailRelay
from scada.notify.message import Mail
from scada.notify.relay import ANSWER_LENGTH_MAX, Answer, Connection, RelayAway, Verdict

AWAY_MAX_S = 60.0
"""Longest pause while no relay can be reached: the return of one shall not wait ten minutes."""
REST_MAX_S = 300.0
"""Longest time for which a relay that fails is passed over in favour of the next."""
MAILS_A_CONNECTION = 50

log = structlog.get_logger()
Secret = Callable[[str], Awaitable[str | None]]
"""Reference → secret, read anew at each call; None where it is not there."""


@dataclass
class _Relay:
    settings: MailRelay
    idle: list[tuple[Connection, int]] = field(default_factory=list)
    """Open connections, and how many mails each has carried."""
    rest_s: float = 0.0
    rest_until_s: float = 0.0
    well: bool = True

    @property
    def name(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"


class MailPost:
    """Hands mails to the first relay that takes them.

    A relay that is away, refuses the log-in or loses the connection rests with back-off and is then tried first again.
    One that refuses a mail (4yz, 5yz) is followed by the next for this mail alone.

    Args:
        secret: gives password or access token, at each log-in anew.
        tls_context: for servers whose certificate the system's authorities do not vouch for.
    """

    def __init__(
        self,
        settings: MailSettings,
        secret: Secret,
        tls_context: ssl.SSLContext | None = None,
        *,
        retry_first_s: float = 5.0,
    ) -> None:
        self._sender = settings.sender
        self._relays = [_Relay(relay) for relay in settings.relays]
        self._secret = secret
        self._tls_context = tls_context
        self._retry_first_s = retry_first_s

    async def send(self, mail: Mail) -> Answer:
        """Hand one mail over."""
        now_s = asyncio.get_running_loop().time()
        answers: list[Answer] = []
        for relay in [one for one in self._relays if one.rest_until_s <= now_s] or self._relays:
            answer = self._named(relay, await self._over(relay, mail))
            if answer.verdict in (Verdict.ACCEPTED, Verdict.BROKEN):
                return answer  # after BROKEN another relay could double it; the next try will take that one
            answers.append(answer)
        return self._sum_up(answers)

    async def close(self) -> None:
        """Say good-bye on the connections that nobody uses."""
        for relay in self._relays:
            idle, relay.idle = relay.idle, []
            for connection, _ in idle:
                await connection.close()

    async def _over(self, relay: _Relay, mail: Mail) -> Answer:
        try:
            connection, carried = relay.idle.pop() if relay.idle else (await self._connect(relay), 0)
        except RelayAway as error:
            self._rest(relay, str(error))
            return Answer(Verdict.AWAY, str(error))
        try:
            answer = await connection.send(mail)
        except BaseException:
            connection.abort()
            raise
        if answer.verdict is Verdict.BROKEN:
            connection.abort()
            self._rest(relay, answer.text)
            return answer
        relay.rest_s = relay.rest_until_s = 0.0
        if not relay.well:
            relay.well = True
            log.info("mail_relay_works_again", relay=relay.name)
        if carried + 1 < MAILS_A_CONNECTION:
            relay.idle.append((connection, carried + 1))
        else:
            await connection.close()
        return answer

    async def _connect(self, relay: _Relay) -> Connection:
        settings = relay.settings
        secret = await self._secret(settings.password_ref) if settings.password_ref else None
        return await Connection.open(settings, self._sender, secret, self._tls_context)

    def _rest(self, relay: _Relay, why: str) -> None:
        now_s = asyncio.get_running_loop().time()
        if relay.rest_until_s <= now_s:  # several mails may find it away at once: that is one failure
            relay.rest_s = min(relay.rest_s * 2 or self._retry_first_s, REST_MAX_S)
            relay.rest_until_s = now_s + relay.rest_s
        if relay.well:
            relay.well = False
            log.error("mail_relay_fails", relay=relay.name, answer=why)

    def _named(self, relay: _Relay, answer: Answer) -> Answer:
        if len(self._relays) == 1:
            return answer
        return Answer(answer.verdict, f"{relay.name}: {answer.text}"[:ANSWER_LENGTH_MAX])

    def _sum_up(self, answers: list[Answer]) -> Answer:
        if not answers:
            return Answer(Verdict.AWAY, "no mail server is configured", AWAY_MAX_S)
        text = "; ".join(answer.text for answer in answers)[:ANSWER_LENGTH_MAX]
        verdicts = {answer.verdict for answer in answers}
        if verdicts == {Verdict.AWAY}:
            return Answer(Verdict.AWAY, text, min(AWAY_MAX_S, *(one.rest_s for one in self._relays)))
        # For good is only what every relay says: one that is away might have taken it.
        return Answer(Verdict.REFUSED if verdicts == {Verdict.REFUSED} else Verdict.LATER, text)
