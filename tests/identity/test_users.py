"""Looking after accounts, as an administrator would tell it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scada.core.access import Actor, Right, Role
from scada.core.errors import BadRequest, Denied, NotFound
from scada.core.ports import UserRow
from scada.core.records import AuditRecord
from scada.history import open_core
from scada.identity import passwords
from scada.identity.accounts import Accounts
from scada.identity.users import Users
from scada.testing import FakeClock

PASSWORD = "correct horse"
OTHER = "battery staple"
ROLES = {
    "administrator": Role(rights=frozenset(Right)),
    "operator": Role(rights=frozenset({Right.SEE, Right.OPERATE})),
    "deputy": Role(rights=frozenset({Right.MANAGE_USERS})),
}
HASH = passwords.hash_password(PASSWORD)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.core = open_core(folder)
        self.store = self.core.users
        self.clock = FakeClock()
        self.audit: list[AuditRecord] = []
        self.accounts = Accounts(self.store, ROLES, self.clock, self._audit)
        self.users = Users(self.store, self.accounts, ROLES, self.clock, self._audit)
        self.store.put(UserRow("anna", "administrator", HASH, "", False))
        self.store.put(UserRow("olga", "operator", HASH, "fr", False))

    async def _audit(self, record: AuditRecord) -> None:
        self.audit.append(record)

    def as_(self, name: str, role: str) -> Actor:
        return Actor(name, ROLES[role].rights, "test", role, ROLES[role])

    @property
    def deeds(self) -> list[tuple[str, str]]:
        return [(one.action, one.object) for one in self.audit if one.action != "log_in"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.core.close()


async def test_a_new_user_may_do_nothing_before_choosing_a_password(desk: Desk) -> None:
    anna = desk.as_("anna", "administrator")
    made = await desk.users.add("otto", "operator", "en", "", anna)
    token = await desk.accounts.log_in("otto", made, "test")
    otto = desk.accounts.actor(token, "test")
    assert otto is not None
    assert otto.rights == frozenset()
    assert desk.accounts.must_change("otto")
    with pytest.raises(Denied, match="present password is wrong"):
        await desk.users.change_password("guess", OTHER, token, otto)
    with pytest.raises(BadRequest, match="the new password is the present one"):
        await desk.users.change_password(made, made, token, otto)
    with pytest.raises(BadRequest, match="8 to 256"):
        await desk.users.change_password(made, "short", token, otto)
    elsewhere = await desk.accounts.log_in("otto", made, "test")
    await desk.users.change_password(made, OTHER, token, otto)
    again = desk.accounts.actor(token, "test")
    assert again is not None
    assert again.rights == ROLES["operator"].rights
    assert desk.accounts.actor(elsewhere, "test") is None
    with pytest.raises(Denied):
        await desk.accounts.verify("otto", made, "test")
    assert desk.deeds == [("user_added", "otto"), ("own_password", "otto")]
    assert not any(secret in repr(desk.audit) for secret in (made, OTHER))


async def test_a_locked_user_is_out_at_once_and_comes_back(desk: Desk) -> None:
    anna = desk.as_("anna", "administrator")
    token = await desk.accounts.log_in("olga", PASSWORD, "test")
    await desk.users.lock("olga", True, anna)
    assert desk.accounts.actor(token, "test") is None
    with pytest.raises(Denied):
        await desk.accounts.log_in("olga", PASSWORD, "test")
    for _ in range(3):
        with pytest.raises(Denied):
            await desk.accounts.verify("olga", "guess", "test")
    await desk.users.lock("olga", False, anna)
    assert await desk.accounts.log_in("olga", PASSWORD, "test")
    (_, olga) = await desk.users.list(anna)
    assert (olga.sessions, olga.locked, olga.locked_s) == (1, False, 0)
    assert olga.last_log_in_us == desk.clock.now_us()
    assert await desk.users.end_sessions("olga", anna) == 1


async def test_somebody_can_always_manage_users(desk: Desk) -> None:
    anna = desk.as_("anna", "administrator")
    for deed in (
        desk.users.lock("anna", True, anna),
        desk.users.remove("anna", anna),
        desk.users.set_role("anna", "operator", anna),
    ):
        with pytest.raises(BadRequest, match="last administrator"):
            await deed
    assert desk.deeds == []
    # A role of one's own that may manage users is as good.
    await desk.users.set_role("olga", "deputy", anna)
    await desk.users.lock("anna", True, desk.as_("olga", "deputy"))
    with pytest.raises(BadRequest, match="last administrator"):
        await desk.users.remove("olga", desk.as_("olga", "deputy"))


async def test_others_may_not_and_nonsense_changes_nothing(desk: Desk) -> None:
    olga, anna = desk.as_("olga", "operator"), desk.as_("anna", "administrator")
    for deed in (
        desk.users.list(olga),
        desk.users.add("otto", "administrator", "", PASSWORD, olga),
        desk.users.set_role("olga", "administrator", olga),
        desk.users.reset_password("anna", OTHER, olga),
        desk.users.remove("anna", olga),
        desk.users.lock("anna", True, olga),
        desk.users.end_sessions("anna", olga),
        desk.users.set_language("anna", "fr", olga),
    ):
        with pytest.raises(Denied):
            await deed
    for name, role, password in (
        ("<schedule>", "operator", PASSWORD),
        ("", "operator", PASSWORD),
        ("OLGA", "operator", PASSWORD),
        ("otto", "king", PASSWORD),
        ("otto", "operator", "short"),
    ):
        with pytest.raises(BadRequest):
            await desk.users.add(name, role, "", password, anna)
    with pytest.raises(NotFound):
        await desk.users.reset_password("otto", "", anna)
    assert [user.name for user in desk.store.list()] == ["anna", "olga"]
    assert desk.deeds == []


async def test_what_a_user_chose_is_kept(desk: Desk) -> None:
    await desk.accounts.choose("olga", theme="dark")
    await desk.accounts.choose("olga", language="en")
    assert (desk.accounts.theme("olga"), desk.accounts.language("olga")) == ("dark", "en")
    row = desk.store.get("olga")
    assert row is not None
    assert (row.theme, row.language, row.password_hash) == ("dark", "en", HASH)
