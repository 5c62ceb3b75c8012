"""What an administrator does to accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from scada.core.access import Actor
from scada.core.errors import BadRequest, NotFound
from scada.hmi.context import Visit
from scada.hmi.given import Given, Shown, text
from scada.i18n import LANGUAGES
from scada.identity.passwords import LENGTH_MAX
from scada.identity.users import NAME_MAX, Users

SLOT = "given-password"


class UserDeeds:
    """The deeds of one page."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self.deeds: Mapping[str, Callable[[Actor, Given], Awaitable[str | Shown]]] = {
            "add_user": self._add,
            "user_role": self._role,
            "user_language": self._language,
            "lock_user": self._lock,
            "reset_password": self._reset,
            "end_sessions": self._end_sessions,
            "remove_user": self._remove,
        }

    async def _add(self, actor: Actor, given: Given) -> str | Shown:
        name = text(given, "user", NAME_MAX + 1)
        made = await self._users.add(
            name, text(given, "role", 100), self._chosen(given), self._password(given), actor
        )
        said = self._visit.tr("the account '{name}' is made").format(name=name)
        return self._once(name, made, said)

    async def _role(self, actor: Actor, given: Given) -> str:
        await self._users.set_role(_name(given), text(given, "role", 100), actor)
        return self._visit.tr("the role is changed")

    async def _language(self, actor: Actor, given: Given) -> str:
        await self._users.set_language(_name(given), self._chosen(given), actor)
        return self._visit.tr("the language is changed")

    async def _lock(self, actor: Actor, given: Given) -> str:
        locked = given.get("locked")
        if not isinstance(locked, bool):
            raise BadRequest("nothing is selected")
        await self._users.lock(_name(given), locked, actor)
        return self._visit.tr("locked; sessions have ended") if locked else self._visit.tr("let in again")

    async def _reset(self, actor: Actor, given: Given) -> str | Shown:
        name = _name(given)
        made = await self._users.reset_password(name, self._password(given), actor)
        return self._once(name, made, self._visit.tr("the password is changed; sessions have ended"))

    async def _end_sessions(self, actor: Actor, given: Given) -> str:
        count = await self._users.end_sessions(_name(given), actor)
        return self._visit.tr("{count} sessions have ended").format(count=count)

    async def _remove(self, actor: Actor, given: Given) -> str:
        await self._users.remove(_name(given), actor)
        return self._visit.tr("the account is removed")

    @property
    def _users(self) -> Users:
        users = self._visit.services.users
        if users is None:
            raise NotFound("this system keeps no accounts")
        return users

    def _once(self, name: str, made: str, said: str) -> str | Shown:
        """A password that was made up is shown now, and never again."""
        if not made:
            return said
        html = self._visit.render("given_password.html", self._visit.live(), name=name, password=made)
        return Shown(said, SLOT, html)

    @staticmethod
    def _chosen(given: Given) -> str:
        language = text(given, "language", 10)
        if language and language not in LANGUAGES:
            raise BadRequest("there is no such language")
        return language

    @staticmethod
    def _password(given: Given) -> str:
        """As it was typed: blanks at its ends are part of it."""
        password = given.get("password", "")
        if not isinstance(password, str) or len(password) > LENGTH_MAX:
            raise BadRequest(f"a password has at most {LENGTH_MAX} characters")
        return password


def _name(given: Given) -> str:
    return text(given, "user", NAME_MAX)
