from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from scada.core.access import Right, Role
from scada.core.errors import Denied
from scada.core.ports import UserRow
from scada.core.records import AuditRecord
from scada.history import CoreStore, open_core
from scada.identity import passwords
from scada.identity.accounts import SESSION_IDLE_US, Accounts
from scada.testing import FakeClock

PASSWORD = "correct horse"
ROLES = {"operator": Role(rights=frozenset({Right.SEE, Right.OPERATE}))}


class Desk:
    def __init__(self, store: CoreStore) -> None:
        self.clock = FakeClock()
        self.audit: list[AuditRecord] = []
        self.users = store.users
        self.accounts = Accounts(store.users, ROLES, self.clock, self._audit)

    async def _audit(self, record: AuditRecord) -> None:
        self.audit.append(record)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(open_core(tmp_path))
    desk.users.put(UserRow("olga", "operator", passwords.hash_password(PASSWORD), "fr", False))
    return desk


async def test_log_in_gives_the_rights_of_the_role(desk: Desk) -> None:
    token = await desk.accounts.log_in("olga", PASSWORD, "test")
    actor = desk.accounts.actor(token, "test")
    assert actor is not None
    assert actor.rights == {Right.SEE, Right.OPERATE}
    assert desk.accounts.language("olga") == "fr"
    assert [(r.user, r.outcome) for r in desk.audit] == [("olga", "ok")]
    desk.accounts.log_out(token)
    assert desk.accounts.actor(token, "test") is None


@pytest.mark.parametrize(
    ("name", "password"), [("olga", "wrong"), ("nobody", PASSWORD), ("", ""), ("olga", "")]
)
async def test_the_refusal_does_not_tell_what_was_wrong(desk: Desk, name: str, password: str) -> None:
    with pytest.raises(Denied, match="user name or password is wrong"):
        await desk.accounts.log_in(name, password, "test")


async def test_guesses_sent_side_by_side_are_locked_out_all_the_same(desk: Desk) -> None:
    guesses = [desk.accounts.log_in("olga", f"guess {n}", "test") for n in range(20)]
    refusals = [str(refusal) for refusal in await asyncio.gather(*guesses, return_exceptions=True)]
    assert sum("is wrong" in refusal for refusal in refusals) == 3
    assert sum("too many failures" in refusal for refusal in refusals) == 17
    with pytest.raises(Denied, match="too many failures"):
        await desk.accounts.log_in("olga", PASSWORD, "test")  # even the right one, until the time is over
    desk.clock.leap(3600)
    assert await desk.accounts.log_in("olga", PASSWORD, "test")


async def test_a_session_ends_when_it_is_not_used(desk: Desk) -> None:
    token = await desk.accounts.log_in("olga", PASSWORD, "test")
    desk.clock.leap(SESSION_IDLE_US / 1_000_000 - 1)
    assert desk.accounts.actor(token, "test")
    desk.clock.leap(SESSION_IDLE_US / 1_000_000 + 1)
    assert desk.accounts.actor(token, "test") is None


async def test_a_session_ends_with_the_account(desk: Desk) -> None:
    token = await desk.accounts.log_in("olga", PASSWORD, "test")
    user = desk.users.get("olga")
    assert user is not None
    desk.users.put(replace(user, disabled=True))
    await desk.accounts.refresh()
    assert desk.accounts.actor(token, "test") is None
    with pytest.raises(Denied):
        await desk.accounts.verify("olga", PASSWORD, "test")


async def test_a_changed_password_counts_at_once(desk: Desk) -> None:
    await desk.accounts.verify("olga", PASSWORD, "test")  # remembered from here
    user = desk.users.get("olga")
    assert user is not None
    desk.users.put(replace(user, password_hash=passwords.hash_password("another horse")))
    with pytest.raises(Denied):
        await desk.accounts.verify("olga", PASSWORD, "test")
    assert await desk.accounts.verify("olga", "another horse", "test")
