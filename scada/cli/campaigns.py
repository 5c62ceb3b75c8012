"""`scada campaigns`: commands over many chargers, how far they have come, what became of each charger."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from scada.cli.client import URL, AsJson, Url, User, ask, plain, session
from scada.cli.common import console

if TYPE_CHECKING:
    import httpx2

app = typer.Typer(help="Commands over many chargers, in waves.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="of the campaign")]
Waves = Annotated[
    str, typer.Option("--waves", help="chargers of each wave: numbers or percentages, for example 1,10%,50%")
]
Pause = Annotated[float, typer.Option("--pause", help="seconds between two waves", min=0)]
AtOnce = Annotated[int, typer.Option("--at-once", help="chargers asked at the same time", min=1, max=100)]
FailuresMax = Annotated[
    str, typer.Option("--failures-max", help="of a wave, a number or a percentage; one more stops")
]
Retries = Annotated[int, typer.Option("--retries", help="of each charger", min=0, max=5)]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="follow it until it ends or stops")]
LOOK_S = 1.0
_GOOD = ("done",)
_FINAL = ("done", "cancelled", "stopped", "paused")


@app.command("list")
def list_campaigns(url: Url = URL, user: User = "admin", as_json: AsJson = False) -> None:
    """List the campaigns, newest first."""
    with session(url, user) as client:
        items = ask(client, "GET", "/campaigns")["items"]
    if as_json:
        for item in items:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
        return
    table = Table("id", "name", "command", "phase", "wave", "chargers", box=None, header_style="bold")
    for item in items:
        table.add_row(
            item["id"],
            plain(item["name"]),
            item["command"],
            plain(f"{item['phase']} {item['reason']}"),
            f"{item['wave']}/{len(item['waves'])}",
            _counts(item),
        )
    console.print(table)


@app.command()
def show(
    campaign: Id,
    state: Annotated[str, typer.Option(help="only chargers in this state: failed, waiting, …")] = "",
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Show a campaign with its chargers."""
    with session(url, user) as client:
        detail, results = _read(client, campaign, state)
    if as_json:
        console.print(json.dumps({**detail, "results": results}, ensure_ascii=False), markup=False)
        return
    console.print(_line(detail))
    table = Table("charger", "wave", "state", "attempts", "time", "", box=None, header_style="bold")
    for one in results:
        table.add_row(
            one["charger"],
            str(one["wave"]),
            one["state"],
            str(one["attempts"]),
            one["time"],
            plain(one["text"]),
        )
    console.print(table)


@app.command()
def pause(campaign: Id, url: Url = URL, user: User = "admin") -> None:
    """Ask no further charger; what is under way goes on."""
    _steer(campaign, "pause", url, user)


@app.command()
def resume(campaign: Id, url: Url = URL, user: User = "admin") -> None:
    """Go on; failures so far are forgiven."""
    _steer(campaign, "resume", url, user)


@app.command()
def cancel(campaign: Id, url: Url = URL, user: User = "admin") -> None:
    """End a campaign: who was not asked will not be."""
    _steer(campaign, "cancel", url, user)


def begin(client: httpx2.Client, body: dict[str, Any], *, wait: bool) -> None:
    """Begin a campaign and follow it. Exit code 1: not every charger did what was asked."""
    campaign = ask(client, "POST", "/campaigns", json=body)
    console.print(f"campaign {campaign['id']}: {campaign['total']} chargers")
    if wait and not follow(client, campaign["id"]):
        raise typer.Exit(1)


def follow(client: httpx2.Client, campaign: str) -> bool:
    """Show how far a campaign has come until it ends or stops; whether every charger did what was asked."""
    before = ""
    while True:
        detail = ask(client, "GET", f"/campaigns/{campaign}", params={"limit": 1})
        line = _line(detail)
        if line != before:
            console.print(line)
            before = line
        if detail["phase"] in _FINAL and not {"asked", "judged"} & detail["counts"].keys():
            break
        time.sleep(LOOK_S)
    for one in _read(client, campaign, "")[1]:
        if one["state"] not in _GOOD:
            console.print(f"  {one['charger']}: {one['state']}: {plain(one['text'])}")
    return bool(detail["counts"].get("done") == detail["total"])


def waves_of(text: str) -> list[str]:
    """Waves as the command line gives them."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _steer(campaign: str, what: str, url: str, user: str) -> None:
    with session(url, user) as client:
        console.print(_line(ask(client, "POST", f"/campaigns/{campaign}/{what}")))


def _read(client: httpx2.Client, campaign: str, state: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    results: list[dict[str, Any]] = []
    cursor: str | None = "0"
    detail: dict[str, Any] = {}
    while cursor is not None:
        detail = ask(client, "GET", f"/campaigns/{campaign}", params={"state": state, "cursor": cursor})
        results += detail.pop("results")
        cursor = detail.pop("next")
    return detail, results


def _line(item: dict[str, Any]) -> str:
    why = f" ({plain(item['reason'])})" if item["reason"] else ""
    return f"{item['phase']}{why}, wave {item['wave']} of {len(item['waves'])}: {_counts(item)}"


def _counts(item: dict[str, Any]) -> str:
    return ", ".join(f"{count} {state}" for state, count in item["counts"].items())
