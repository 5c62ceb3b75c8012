"""`scada user`: accounts of a project, also while it runs."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated

import typer
from rich.table import Table

from scada.cli.common import Directory, console, load_plant
from scada.core.access import Right
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import Plant
from scada.core.ports import UserRow, UserStore
from scada.core.records import AuditRecord
from scada.identity import passwords
from scada.identity.users import check_administrator_left, check_name, check_role
from scada.runtime.clock import SystemClock

PASSWORD_VARIABLE = "SCADA_NEW_PASSWORD"  # noqa: S105 (the name of a variable)

app = typer.Typer(help="Accounts of a project.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="user name", show_default=False)]


@app.command("list")
def list_users(directory: Directory) -> None:
    """Show the accounts."""
    with _users(directory) as (_, users, _):
        table = Table("user", "role", "language", "state", box=None, header_style="bold")
        for user in users.list():
            table.add_row(
                user.name, user.role, user.language or "–", "disabled" if user.disabled else "active"
            )
        console.print(table)


@app.command()
def add(
    directory: Directory,
    name: Name,
    role: Annotated[
        str, typer.Option(help="administrator, operator, guest or one of the project's")
    ] = "operator",
    language: Annotated[str, typer.Option(help="en or fr")] = "",
) -> None:
    """Add an account; the password is asked for, or taken from SCADA_NEW_PASSWORD."""
    with _users(directory) as (plant, users, note):
        check_name(name)
        if users.get(name) is not None:
            raise BadRequest(f"there is a user '{name}' already")
        check_role(plant.roles, role)
        users.put(UserRow(name, role, passwords.hash_password(_password()), language, False))
        note("user_added", name, role)
        console.print(f"user '{name}' ({role}) is added")


@app.command()
def password(directory: Directory, name: Name) -> None:
    """Change a password; it is asked for, or taken from SCADA_NEW_PASSWORD."""
    with _users(directory) as (_, users, note):
        user = _find(users, name)
        users.put(replace(user, password_hash=passwords.hash_password(_password()), must_change=False))
        note("user_password", name, "")
        console.print(f"the password of '{name}' is changed")


@app.command()
def role(
    directory: Directory, name: Name, new_role: Annotated[str, typer.Argument(help="the new role")]
) -> None:
    """Change the role of a user."""
    with _users(directory) as (plant, users, note):
        user = _find(users, name)
        check_role(plant.roles, new_role)
        if Right.MANAGE_USERS not in plant.roles[new_role].rights:
            check_administrator_left(users.list(), plant.roles, name)
        users.put(replace(user, role=new_role))
        note("user_role", name, new_role)
        console.print(f"'{name}' is {new_role} now")


@app.command()
def remove(directory: Directory, name: Name) -> None:
    """Remove an account; its sessions end with the next click."""
    with _users(directory) as (plant, users, note):
        _find(users, name)
        check_administrator_left(users.list(), plant.roles, name)
        users.remove(name)
        note("user_removed", name, "")
        console.print(f"user '{name}' is removed")


@contextmanager
def _users(directory: Directory) -> Iterator[tuple[Plant, UserStore, Callable[[str, str, str], None]]]:
    """The plant, its accounts, and what notes (action, user, new) in the audit trail."""
    from scada.history import open_core  # late: other commands need no database library

    plant = load_plant(directory)
    data = plant.directory / "data"
    if not (data / "core.db").exists():
        raise NotFound(f"{data} holds no database yet: start the project once with `scada run {directory}`")
    store = open_core(data)

    def note(action: str, name: str, new: str) -> None:
        store.journal.commit(
            [
                AuditRecord(
                    time_us=SystemClock().now_us(),
                    user=f"<{getpass.getuser()}>",
                    origin="cli",
                    action=action,
                    object=name,
                    new=new,
                )
            ]
        )

    try:
        yield plant, store.users, note
    finally:
        store.close()


def _find(users: UserStore, name: str) -> UserRow:
    user = users.get(name)
    if user is None:
        raise NotFound(f"there is no user '{name}'")
    return user


def _password() -> str:
    given = os.environ.get(PASSWORD_VARIABLE)
    return (
        given
        if given is not None
        else str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    )
