"""`scada chargers config`: configuration keys of many chargers, read, compared and changed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from scada.cli.campaigns import AtOnce, FailuresMax, Retries, Wait, Waves, begin, waves_of
from scada.cli.client import URL, AsJson, Url, User, ask, plain, session
from scada.cli.common import console

app = typer.Typer(help="Configuration keys of chargers.", no_args_is_help=True)

Chargers = Annotated[str, typer.Argument(help="path or pattern of chargers, for example Depot.*")]
Key = Annotated[str, typer.Argument(help="configuration key")]
OnlyKey = Annotated[str, typer.Option("--key", help="only this key")]
Fresh = Annotated[bool, typer.Option("--read", help="ask the chargers first; else as they told it last")]


@app.command()
def get(
    chargers: Chargers,
    key: OnlyKey = "",
    read: Fresh = False,
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Show configuration keys with their values."""
    _show(_keys(chargers, key, read, url, user, differing=False), as_json)


@app.command()
def compare(
    chargers: Chargers = "**",
    key: OnlyKey = "",
    read: Fresh = False,
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Show the keys that are not the same on all chargers."""
    _show(_keys(chargers, key, read, url, user, differing=True), as_json)


@app.command("set")
def set_key(
    key: Key,
    value: Annotated[str, typer.Argument(help="the value")],
    chargers: Annotated[list[str], typer.Argument(help="paths or patterns of chargers")],
    waves: Waves = "",
    at_once: AtOnce = 10,
    failures_max: FailuresMax = "100%",
    retries: Retries = 0,
    wait: Wait = True,
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Change a key on many chargers. Exit code 1: not all of them took it."""
    body = {
        "name": f"{key[:50]} on {len(chargers)} patterns"
        if len(chargers) > 1
        else f"{key[:50]} on {chargers[0][:40]}",
        "command": "ChangeConfiguration",
        "arguments": {"key": key, "value": value},
        "targets": chargers,
        "waves": waves_of(waves),
        "at_once": at_once,
        "failures_max": failures_max,
        "retries": retries,
    }
    with session(url, user) as client:
        begin(client, body, wait=wait)


def _keys(
    chargers: str, key: str, read: bool, url: str, user: str, *, differing: bool
) -> list[dict[str, Any]]:
    with session(url, user) as client:
        if read:
            body = {
                "name": "read configuration",
                "command": "GetConfiguration",
                "targets": [chargers],
                "failures_max": "100%",
                "ready_wait_s": 1,  # who is offline is not waited for
            }
            try:
                begin(client, body, wait=True)
            except typer.Exit:
                console.print("not every charger answered; what they told before is shown", style="bold")
        where = {"charger": chargers, "key": key, "differing": differing}
        items: list[dict[str, Any]] = ask(client, "GET", "/configuration", params=where)["items"]
        return items


def _show(items: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for item in items:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
        return
    table = Table("key", "value", "chargers", box=None, header_style="bold")
    for item in items:
        by_value: dict[str, list[str]] = {}
        for charger, value in item["values"].items():
            by_value.setdefault(value, []).append(charger)
        rows = [(plain(value), _names(names)) for value, names in by_value.items()]
        if item["missing"]:
            rows.append(("(has no such key)", _names(item["missing"])))
        for number, (value, names) in enumerate(rows):
            table.add_row(plain(item["key"]) if number == 0 else "", value, names)
    console.print(table)


def _names(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 5 else f"{', '.join(names[:4])} and {len(names) - 4} more"
