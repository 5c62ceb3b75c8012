"""Tags of a running system, over its REST interface and with a user's rights."""

from __future__ import annotations

import json
import re
import time
from typing import Annotated, Any

import typer
from rich.table import Table

from scada.cli.client import (
    URL,
    AsJson,
    Pattern,
    Url,
    User,
    ask,
    parse,
    plain,
    select,
    session,
    show,
    text,
)
from scada.cli.common import console

Path = Annotated[str, typer.Argument(help="path of a tag")]
Value = Annotated[str, typer.Argument(help="true, false, a number or a text")]
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)\Z")
_UNITS_S = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_tags)
    app.command()(get)
    app.command("set")(set_tag)
    app.command()(force)
    app.command()(release)
    app.command()(watch)


def list_tags(
    pattern: Pattern = "**",
    kind: Annotated[str, typer.Option(help="bit, register or text")] = "",
    quality: Annotated[str, typer.Option(help="for example GoodLocalOverride: the forced ones")] = "",
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """List tags with their values."""
    with session(url, user) as client:
        show(list(select(client, pattern, kind=kind, quality=quality)), as_json)


def get(path: Path, url: Url = URL, user: User = "admin", as_json: AsJson = False) -> None:
    """Show one tag with its configuration."""
    with session(url, user) as client:
        item = ask(client, "GET", f"/tags/{path}")
        if as_json:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
            return
        table = Table(box=None, show_header=False)
        for key, value in item.items():
            table.add_row(
                key,
                plain(json.dumps(value, ensure_ascii=False))
                if isinstance(value, (dict, list))
                else text(value),
            )
        console.print(table)


def set_tag(
    path: Path,
    value: Value,
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Write a tag."""
    with session(url, user) as client:
        kind = ask(client, "GET", f"/tags/{path}")["kind"]
        show([ask(client, "PUT", f"/tags/{path}", json={"value": parse(kind, value)})], as_json=False)


def force(
    path: Path,
    value: Value,
    reason: Annotated[str, typer.Option(help="why; everybody reads it", show_default=False)],
    for_: Annotated[str, typer.Option("--for", help="until released, or a time: 90s, 15min, 2h, 1d")] = "",
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Hold a tag at a value, whatever its source says."""
    body: dict[str, Any] = {"reason": reason, **({"for_s": seconds(for_)} if for_ else {})}
    with session(url, user) as client:
        body["value"] = parse(ask(client, "GET", f"/tags/{path}")["kind"], value)
        show([ask(client, "POST", f"/tags/{path}/force", json=body)], as_json=False)


def release(path: Path, url: Url = URL, user: User = "admin") -> None:
    """Give a forced tag back to its source."""
    with session(url, user) as client:
        show([ask(client, "DELETE", f"/tags/{path}/force")], as_json=False)


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
    with session(url, user) as client:
        looks = 0
        while True:
            items = list(select(client, pattern))
            changed = [item for item in items if seen.get(item["path"]) != item]
            seen.update({item["path"]: item for item in items})
            if changed:
                show(changed, as_json, header=looks == 0)
            looks += 1
            if count is not None and looks >= count:
                return
            time.sleep(interval_s)


def seconds(span: str) -> float:
    """A span as people write it: 90s, 15min, 2h, 1d."""
    match = _SPAN.match(span.strip().lower())
    if match is None:
        raise typer.BadParameter(f"'{span}' is no time: 90s, 15min, 2h, 1d", param_hint="--for")
    return float(match.group(1)) * _UNITS_S[match.group(2)]
