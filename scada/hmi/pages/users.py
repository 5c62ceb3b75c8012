"""Users: accounts with their roles, who is logged in, and what an administrator does to them; and one's own account."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from scada.core.access import LEVEL_MAX, Right, Role
from scada.hmi import words
from scada.hmi.context import Fragment, View, Visit
from scada.hmi.live import Live
from scada.hmi.pages import errors
from scada.identity.users import Account, Users

EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role as it is shown: rights in words, and how far they reach."""

    key: str
    name: str
    rights: str
    reach: str
    levels: str


async def build(visit: Visit) -> View:
    """The list. Query: `user` opens one of them."""
    users = visit.services.users
    if not visit.actor.may(Right.MANAGE_USERS):
        return errors.no_right(visit)
    if users is None:
        return errors.missing(visit, visit.tr("This system keeps no accounts."))
    opened = visit.query.get("user", "")

    async def table(live: Live) -> Markup:
        return visit.render(
            "users_table.html",
            live,
            accounts=await users.list(visit.actor),
            opened=opened,
            when=lambda account: _when(visit, account),
        )

    async def one(live: Live) -> Markup:
        found = next((one for one in await users.list(visit.actor) if one.name == opened), None)
        return visit.render("user.html", live, chosen=found, roles=rows)

    rows = role_rows(visit, users)
    live = visit.live()
    shown, chosen = await table(live), await one(live)
    main = visit.render(
        "users.html",
        live,
        table=shown,
        chosen=chosen,
        roles=rows,
    )
    return View(
        title=visit.tr("Users"),
        main=main,
        live=live,
        nav="users",
        fragments=[
            Fragment(slot="users", render=table, every_s=EVERY_S, shown=str(shown)),
            Fragment(slot="user", render=one, every_s=EVERY_S, shown=str(chosen)),
        ],
    )


def role_rows(visit: Visit, users: Users) -> list[RoleRow]:
    """The roles of product and project."""
    return [_role(visit, key, role) for key, role in users.roles.items()]


def _role(visit: Visit, key: str, role: Role) -> RoleRow:
    tr = visit.tr
    sites = [visit.text(site.label) or site.path for site in visit.plant.sites if site.path in role.sites]
    domains = [tr(words.DOMAINS.get(one, one)) for one in sorted(role.domains)]
    levels = [
        tr("{what} {low}–{high}").format(what=tr(what), low=span[0], high=span[1])
        for what, span in (
            (words.RIGHTS["see"], role.see),
            (words.RIGHTS["acknowledge"], role.acknowledge),
            (words.RIGHTS["mask"], role.mask),
        )
        if span != (0, LEVEL_MAX)
    ]
    return RoleRow(
        key=key,
        name=tr(words.ROLES.get(key, key)),
        rights=", ".join(tr(words.RIGHTS[right.value]) for right in Right if right in role.rights),
        reach=", ".join([*sites, *domains]),
        levels=", ".join(levels),
    )


def _when(visit: Visit, account: Account) -> str:
    return visit.formats().date_time(account.last_log_in_us) if account.last_log_in_us else ""


async def own(visit: Visit) -> View:
    """One's own account."""
    users = visit.services.users
    if users is None:
        return errors.missing(visit, visit.tr("This system keeps no accounts."))
    live = visit.live()
    account = await users.own(visit.actor)
    main = visit.render(
        "account.html",
        live,
        account=account,
        when=_when(visit, account),
        role=_role(visit, account.role, users.roles.get(account.role, Role())),
    )
    return View(title=visit.tr("My account"), main=main, live=live, nav="account")
