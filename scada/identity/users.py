"""Looking after accounts: what an administrator does to them, and every user to their own.

The rules are here once, for the HMI, REST and the command line. Each change is on disk and in the audit trail before
it is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from scada.core.access import Actor, Right, Role
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.ports import Clock, UserRow, UserStore
from scada.core.records import AuditRecord
from scada.core.value import TimeUs
from scada.identity import passwords
from scada.identity.accounts import Accounts

NAME_MAX = 100
ACCOUNTS_MAX = 1_000
"""More are refused: an organisation of that size has a directory of its own."""
WRONG_PASSWORD = "the present password is wrong"  # noqa: S105 (a sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as administrators see it.

    Attributes:
        sessions: that go on now.
        locked_s: for so many seconds more its log-ins are refused, after failures.
        last_log_in_us: 0: never yet.
    """

    name: str
    role: str
    language: str
    locked: bool
    must_change: bool
    last_log_in_us: TimeUs
    sessions: int
    locked_s: int


def check_name(name: str) -> None:
    """Raise BadRequest unless an account may be called so; `<…>` is for parts of the product."""
    if (
        not 1 <= len(name) <= NAME_MAX
        or not name.isprintable()
        or name.startswith("<")
        or name != name.strip()
    ):
        raise BadRequest("a user name has 1 to 100 printable characters and does not begin with '<'")


def check_role(roles: Mapping[str, Role], name: str) -> None:
    """Raise BadRequest unless there is such a role."""
    if name not in roles:
        raise BadRequest(f"there is no role '{name}', known: {', '.join(roles)}")


def check_administrator_left(users: Iterable[UserRow], roles: Mapping[str, Role], without: str) -> None:
    """Raise BadRequest when `without` is the last who may manage users."""
    able = {
        user.name
        for user in users
        if not user.disabled and Right.MANAGE_USERS in roles.get(user.role, Role()).rights
    }
    if able == {without}:
        raise BadRequest("this is the last administrator")


class Users:
    """The accounts, for those who look after them.

    Args:
        audit: makes an audit record durable.
    """

    def __init__(
        self,
        store: UserStore,
        accounts: Accounts,
        roles: Mapping[str, Role],
        clock: Clock,
        audit: Callable[[AuditRecord], Awaitable[None]],
    ) -> None:
        self._store, self._accounts, self.roles, self._clock = store, accounts, roles, clock
        self._audit = audit

    async def list(self, actor: Actor) -> list[Account]:
        """All accounts by name. Raises Denied, as all of these."""
        actor.require(Right.MANAGE_USERS)
        return [self._account(user) for user in await asyncio.to_thread(self._store.list)]

    async def own(self, actor: Actor) -> Account:
        """The account of who asks."""
        return self._account(await self._find(actor.name))

    async def add(self, name: str, role: str, language: str, password: str, actor: Actor) -> str:
        """Make an account.

        Args:
            password: empty: one is made up. Its user has to change either.

        Returns:
            The password, if it was made up: it is shown once and kept nowhere.

        Raises:
            BadRequest: the name, role or password cannot be, or there is such an account.
        """
        actor.require(Right.MANAGE_USERS)
        check_name(name)
        check_role(self.roles, role)
        made, hashed = await self._password(password)
        async with self._accounts.changing:
            known = await asyncio.to_thread(self._store.list)
            # Two names that differ in the case of letters alone would be taken for one another.
            if any(user.name.casefold() == name.casefold() for user in known):
                raise BadRequest(f"there is a user '{name}' already")
            if len(known) >= ACCOUNTS_MAX:
                raise BadRequest(f"there are {ACCOUNTS_MAX} accounts already")
            await self._note(actor, "user_added", name, "", role)
            await self._accounts.keep(UserRow(name, role, hashed, language, False, must_change=True))
        return made

    async def set_role(self, name: str, role: str, actor: Actor) -> None:
        """Give another role. Raises BadRequest: of the last administrator."""
        actor.require(Right.MANAGE_USERS)
        check_role(self.roles, role)
        async with self._accounts.changing:
            user = await self._find(name)
            if Right.MANAGE_USERS not in self.roles[role].rights:
                await self._keep_an_administrator(name)
            await self._note(actor, "user_role", name, user.role, role)
            await self._accounts.keep(replace(user, role=role))

    async def set_language(self, name: str, language: str, actor: Actor) -> None:
        """Set the language of an account: of its mails, and of pages until its user chooses."""
        actor.require(Right.MANAGE_USERS)
        async with self._accounts.changing:
            user = await self._find(name)
            await self._note(actor, "user_language", name, user.language, language)
            await self._accounts.keep(replace(user, language=language))

    async def lock(self, name: str, locked: bool, actor: Actor) -> None:
        """Lock an account, which ends its sessions, or let it in again, its failed log-ins forgotten."""
        actor.require(Right.MANAGE_USERS)
        async with self._accounts.changing:
            user = await self._find(name)
            if locked:
                await self._keep_an_administrator(name)
            await self._note(actor, "user_locked" if locked else "user_unlocked", name)
            await self._accounts.keep(replace(user, disabled=locked))
        if locked:
            self._accounts.end_sessions(name)
        else:
            self._accounts.forgive(name)

    async def reset_password(self, name: str, password: str, actor: Actor) -> str:
        """Give another password, which its user has to change; sessions end. Returns like `add`."""
        actor.require(Right.MANAGE_USERS)
        await self._find(name)
        made, hashed = await self._password(password)
        async with self._accounts.changing:
            user = await self._find(name)
            await self._note(actor, "user_password", name)
            await self._accounts.keep(replace(user, password_hash=hashed, must_change=True))
        self._accounts.end_sessions(name)
        self._accounts.forgive(name)
        return made

    async def end_sessions(self, name: str, actor: Actor) -> int:
        """Log a user out everywhere; how many sessions it were."""
        actor.require(Right.MANAGE_USERS)
        await self._find(name)
        await self._note(actor, "user_sessions_ended", name)
        return self._accounts.end_sessions(name)

    async def remove(self, name: str, actor: Actor) -> None:
        """Delete an account. Raises BadRequest: the last administrator."""
        actor.require(Right.MANAGE_USERS)
        async with self._accounts.changing:
            user = await self._find(name)
            await self._keep_an_administrator(name)
            await self._note(actor, "user_removed", name, user.role)
            await asyncio.to_thread(self._store.remove, name)
            self._accounts.forget(name)

    async def change_password(self, present: str, wanted: str, token: str, actor: Actor) -> None:
        """Change one's own password; the other sessions end.

        Args:
            token: of the session that goes on.

        Raises:
            Denied: the present one is wrong (limited as log-ins are).
            BadRequest: the new one is too short, too long, or the same.
        """
        try:
            await self._accounts.verify(actor.name, present, actor.origin)
        except Denied as denied:
            raise Denied(str(denied) if self._accounts.locked_s(actor.name) else WRONG_PASSWORD) from None
        if present == wanted:
            raise BadRequest("the new password is the present one")
        hashed = await self._accounts.hash(wanted)
        async with self._accounts.changing:
            user = await self._find(actor.name)
            await self._note(actor, "own_password", actor.name)
            await self._accounts.keep(replace(user, password_hash=hashed, must_change=False))
        self._accounts.end_sessions(actor.name, but=token)

    async def _password(self, given: str) -> tuple[str, str]:
        """What was made up (empty: nothing), and the hash."""
        made = "" if given else passwords.generate()
        return made, await self._accounts.hash(given or made)

    async def _find(self, name: str) -> UserRow:
        user = await asyncio.to_thread(self._store.get, name)
        if user is None:
            raise NotFound(f"there is no user '{name}'")
        return user

    async def _keep_an_administrator(self, without: str) -> None:
        """Raises BadRequest where `without` is the last."""
        check_administrator_left(await asyncio.to_thread(self._store.list), self.roles, without)

    def _account(self, user: UserRow) -> Account:
        return Account(
            name=user.name,
            role=user.role,
            language=user.language,
            locked=user.disabled,
            must_change=user.must_change,
            last_log_in_us=user.last_log_in_us,
            sessions=self._accounts.sessions(user.name),
            locked_s=self._accounts.locked_s(user.name),
        )

    async def _note(self, actor: Actor, action: str, name: str, old: str = "", new: str = "") -> None:
        await self._audit(
            AuditRecord(
                time_us=self._clock.now_us(),
                user=actor.name,
                origin=actor.origin,
                action=action,
                object=name,
                old=old,
                new=new,
            )
        )
