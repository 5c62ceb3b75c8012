"""Log-in, sessions and lock-out: one place for HMI, REST and OPC UA."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from scada.core.access import Actor, Role
from scada.core.errors import Denied
from scada.core.ports import Clock, UserRow, UserStore
from scada.core.records import AuditRecord
from scada.core.value import SECOND_US, TimeUs
from scada.identity import passwords

SESSION_IDLE_US = 12 * 3600 * SECOND_US
SESSION_ABSOLUTE_US = 7 * 86_400 * SECOND_US
REFRESH_S = 1.0
WAITING_MAX = 50
"""Log-ins that wait for their turn; further ones are refused."""
SESSIONS_MAX = 10_000
"""At it the oldest session ends."""
VERIFIED_FOR_US = 300 * SECOND_US
"""How long a verified name and password is known again without hashing (basic authentication of REST)."""
FREE_FAILURES = 3
LOCK_FIRST_US = 2 * SECOND_US
LOCK_MAX_US = 300 * SECOND_US
FAILURES_REMEMBERED = 10_000

_REFUSED = "user name or password is wrong"


@dataclass(slots=True)
class _Session:
    user: str
    begun_us: TimeUs
    seen_us: TimeUs


@dataclass(slots=True)
class _Failures:
    count: int = 0
    locked_until_us: TimeUs = 0


class Accounts:
    """Accounts of the product.

    Args:
        roles: role → its rights, and which alarms they reach.
        audit: makes an audit record durable.
    """

    def __init__(
        self,
        users: UserStore,
        roles: Mapping[str, Role],
        clock: Clock,
        audit: Callable[[AuditRecord], Awaitable[None]],
    ) -> None:
        self._users = users
        self.refused = 0
        """Log-ins refused since the start."""
        self._roles = roles
        self._clock = clock
        self._audit = audit
        self._sessions: OrderedDict[bytes, _Session] = OrderedDict()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, TimeUs] = OrderedDict()
        self._known: dict[str, UserRow] = {}
        """The accounts as last read: what asks on the loop never waits for the disk."""
        # One at a time: a burst of log-ins must not take every core and a GiB of memory.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._turn = asyncio.Lock()
        self._waiting = 0
        self.changing = asyncio.Lock()
        """Held while an account is read, changed and written, so that no change is lost to another."""

    async def run(self) -> None:
        """Keep what is known of the accounts fresh until cancelled: other programs change them too."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read the accounts anew."""
        users = await asyncio.to_thread(self._users.list)
        self._known = {user.name: user for user in users}

    async def verify(self, name: str, password: str, origin: str) -> Actor:
        """Who this is.

        Raises:
            Denied: unknown, wrong, disabled or locked; the text does not tell which of the first three.
        """
        now_us = self._clock.now_us()
        key = hmac.digest(self._key, f"{name}\0{password}".encode(), hashlib.sha256)
        loop = asyncio.get_running_loop()
        user = await loop.run_in_executor(None, self._users.get, name)
        if user is not None:
            self._known[name] = user
        if (
            user is not None
            and not user.disabled
            and self._verified.get(key + user.password_hash.encode(), 0) > now_us
        ):
            return self._actor(user, origin)
        if self._waiting >= WAITING_MAX:
            raise Denied("too many log-ins at once: try again in a moment")
        self._waiting += 1
        try:
            async with self._turn:
                # Looked at when the turn comes: guesses sent side by side must not pass before the first is judged.
                self._check_lock(name)
                good = await loop.run_in_executor(
                    self._pool, passwords.verify, user.password_hash if user else None, password
                )
                good = good and user is not None and not user.disabled
                if not good:
                    self._failed(name, self._clock.now_us())
        finally:
            self._waiting -= 1
        if user is None or not good:
            await self._note(name, origin, "refused")
            raise Denied(_REFUSED)
        self._failures.pop(name, None)
        self._verified[key + user.password_hash.encode()] = now_us + VERIFIED_FOR_US
        while len(self._verified) > SESSIONS_MAX:
            self._verified.popitem(last=False)
        return self._actor(user, origin)

    async def log_in(self, name: str, password: str, origin: str) -> str:
        """Begin a session and return its token. Raises Denied like `verify`."""
        actor = await self.verify(name, password, origin)
        token = secrets.token_urlsafe(32)
        now_us = self._clock.now_us()
        self._sessions[_digest(token)] = _Session(actor.name, now_us, now_us)
        while len(self._sessions) > SESSIONS_MAX:
            self._sessions.popitem(last=False)
        await asyncio.to_thread(self._users.seen, actor.name, now_us)
        await self._note(name, origin, "ok")
        return token

    def actor(self, token: str, origin: str) -> Actor | None:
        """Who holds a session, or None where there is none (any more)."""
        digest = _digest(token)
        session = self._sessions.get(digest)
        if session is None:
            return None
        now_us = self._clock.now_us()
        if _over(session, now_us):
            del self._sessions[digest]
            return None
        user = self._known.get(session.user)
        if user is None or user.disabled:
            del self._sessions[digest]
            return None
        session.seen_us = now_us
        return self._actor(user, origin)

    def actor_named(self, name: str, origin: str) -> Actor | None:
        """What an account may do now, for what was begun in its name and goes on; None: it is gone or disabled."""
        user = self._known.get(name)
        return None if user is None or user.disabled else self._actor(user, origin)

    def log_out(self, token: str) -> None:
        """End a session."""
        self._sessions.pop(_digest(token), None)

    def language(self, name: str) -> str:
        """The language of a user, or empty."""
        user = self._known.get(name)
        return user.language if user else ""

    def theme(self, name: str) -> str:
        """The theme of a user, or empty."""
        user = self._known.get(name)
        return user.theme if user else ""

    def must_change(self, name: str) -> bool:
        """Whether a user has to choose a password before anything else."""
        user = self._known.get(name)
        return user is not None and user.must_change

    async def choose(self, name: str, *, language: str = "", theme: str = "") -> None:
        """Keep what a user chose; empty leaves as it is."""
        async with self.changing:
            user = await asyncio.to_thread(self._users.get, name)
            if user is not None:
                chosen = replace(user, language=language or user.language, theme=theme or user.theme)
                await self.keep(chosen)

    async def keep(self, user: UserRow) -> None:
        """Make or replace an account; what is known of it is so at once. Under `changing`."""
        await asyncio.to_thread(self._users.put, user)
        self._known[user.name] = user

    def forget(self, name: str) -> None:
        """An account is gone: what is known of it goes, its sessions end."""
        self._known.pop(name, None)
        self.end_sessions(name)

    def sessions(self, name: str) -> int:
        """How many sessions of a user go on."""
        now_us = self._clock.now_us()
        return sum(one.user == name and not _over(one, now_us) for one in self._sessions.values())

    def end_sessions(self, name: str, but: str = "") -> int:
        """End the sessions of a user, except the one with this token; how many it were."""
        kept = _digest(but) if but else b""
        ended = [key for key, one in self._sessions.items() if one.user == name and key != kept]
        for key in ended:
            del self._sessions[key]
        return len(ended)

    def locked_s(self, name: str) -> int:
        """For how many seconds more log-ins of a name are refused after failures; 0: they are not."""
        failures = self._failures.get(name)
        left_us = failures.locked_until_us - self._clock.now_us() if failures else 0
        return max(0, -(-left_us // SECOND_US))

    def forgive(self, name: str) -> None:
        """Forget the failed log-ins of a name."""
        self._failures.pop(name, None)

    async def hash(self, password: str) -> str:
        """The hash of a new password, worked out in the thread of passwords. Raises BadRequest like `hash_password`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, passwords.hash_password, password)

    def _check_lock(self, name: str) -> None:
        seconds = self.locked_s(name)
        if seconds:
            raise Denied(f"too many failures: try again in {seconds} s")

    def _actor(self, user: UserRow, origin: str) -> Actor:
        # Whoever has the password from another may do nothing but choose one.
        role = Role() if user.must_change else self._roles.get(user.role, Role())
        return Actor(user.name, role.rights, origin, user.role, role)

    def _failed(self, name: str, now_us: TimeUs) -> None:
        self.refused += 1
        failures = self._failures.setdefault(name, _Failures())
        self._failures.move_to_end(name)
        failures.count += 1
        over = failures.count - FREE_FAILURES
        if over >= 0:
            failures.locked_until_us = now_us + min(LOCK_FIRST_US << min(over, 20), LOCK_MAX_US)
        while len(self._failures) > FAILURES_REMEMBERED:
            self._failures.popitem(last=False)

    async def _note(self, name: str, origin: str, outcome: str) -> None:
        await self._audit(
            AuditRecord(
                time_us=self._clock.now_us(),
                user=name[:100],
                origin=origin,
                action="log_in",
                object="",
                outcome=outcome,
            )
        )


def _over(session: _Session, now_us: TimeUs) -> bool:
    return now_us - session.seen_us > SESSION_IDLE_US or now_us - session.begun_us > SESSION_ABSOLUTE_US


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
