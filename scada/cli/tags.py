"""`scada tags`: a running system's tags, over its REST interface and with a user's rights."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from scada.cli.common import console
from scada.core.errors import ScadaError, StartError

if TYPE_CHECKING:
    import httpx2

app = typer.Typer(help="Tags of a running system: list, get, set, watch.", no_args_is_help=True)

Url = Annotated[str, typer.Option("--url", envvar="SCADA_URL", help="of the running system")]
User = Annotated[str, typer.Option("--user", envvar="SCADA_USER", help="user name")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, one object a line")]
Pattern = Annotated[str, typer.Argument(help="path or pattern: Depot.*, Depot.**.ActivePower")]
URL = "http://127.0.0.1:8080"
PASSWORD_VARIABLE = "SCADA_PASSWORD"  # noqa: S105 (the name of a variable)


@app.command("list")
def list_tags(pattern: Pattern = "**", url: Url = URL, user: User = "admin", as_json: AsJson = False) -> None:
    """List tags with their values."""
    with _session(url, user) as client:
        _show(list(_select(client, pattern)), as_json)


@app.command()
def get(path: Pattern, url: Url = URL, user: User = "admin", as_json: AsJson = False) -> None:
    """Show one tag with its configuration."""
    with _session(url, user) as client:
        item = _ask(client, "GET", f"/tags/{path}")
        if as_json:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
            return
        table = Table(box=None, show_header=False)
        for key, value in item.items():
            table.add_row(
                key,
                json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else _text(value),
            )
        console.print(table)


@app.command("set")
def set_tag(
    path: Pattern,
    value: Annotated[str, typer.Argument(help="true, false, a number or a text")],
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Write a tag."""
    with _session(url, user) as client:
        kind = _ask(client, "GET", f"/tags/{path}")["kind"]
        _show([_ask(client, "PUT", f"/tags/{path}", json={"value": _parse(kind, value)})], as_json=False)


@app.command()
def watch(
    pattern: Pattern,
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
    interval_s: Annotated[float, typer.Option("--interval", help="seconds between looks", min=0.2)] = 1.0,
    count: Annotated[int | None, typer.Option("--count", help="looks; default: until Ctrl-C", min=1)] = None,
) -> None:
    """Show changes as they come."""
    seen: dict[str, Any] = {}
    with _session(url, user) as client:
        looks = 0
        while True:
            items = list(_select(client, pattern))
            changed = [item for item in items if seen.get(item["path"]) != item]
            seen.update({item["path"]: item for item in items})
            if changed:
                _show(changed, as_json, header=looks == 0)
            looks += 1
            if count is not None and looks >= count:
                return
            time.sleep(interval_s)


@contextmanager
def _session(url: str, user: str) -> Iterator[httpx2.Client]:
    import httpx2  # late: other commands need no HTTP client

    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        password = str(typer.prompt(f"Password of {user}", hide_input=True))
    base = f"{url.rstrip('/')}/api/v1"
    with httpx2.Client(base_url=base, auth=(user, password), timeout=10, trust_env=False) as client:
        yield client


def _ask(client: httpx2.Client, method: str, path: str, **arguments: Any) -> Any:
    import httpx2

    try:
        response = client.request(method, path, **arguments)
    except httpx2.HTTPError as error:
        raise StartError(f"{client.base_url} does not answer ({error}): is the system running?") from error
    if response.is_success:
        return response.json()
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"the system answered {response.status_code}"
    raise ScadaError(detail if isinstance(detail, str) else json.dumps(detail))


def _select(client: httpx2.Client, pattern: str) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        parameters = {"path": pattern, "limit": "1000", **({"cursor": cursor} if cursor else {})}
        page = _ask(client, "GET", "/tags", params=parameters)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _show(items: list[dict[str, Any]], as_json: bool, *, header: bool = True) -> None:
    if as_json:
        for item in items:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
        return
    table = Table(
        "path", "value", "unit", "quality", "time", box=None, header_style="bold", show_header=header
    )
    table.columns[1].justify = "right"
    for item in items:
        table.add_row(item["path"], _text(item["value"]), item["unit"], item["quality"], item["time"] or "–")
    console.print(table)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(kind: str, text: str) -> bool | float | str:
    if kind == "bit" and text.lower() in ("true", "false", "1", "0"):
        return text.lower() in ("true", "1")
    if kind == "register":
        try:
            return float(text)
        except ValueError:
            return text  # the system says what it wants
    return text
