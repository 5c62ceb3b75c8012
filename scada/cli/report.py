"""`scada report`: a report of a running system as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from scada.cli.client import URL, AsJson, Url, User, ask, download, plain, session
from scada.cli.common import console

KINDS = "sessions, energy, availability, utilisation, peak, alarms or audit"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)
    app.command()(reconcile)


def report(
    kind: Annotated[str, typer.Argument(help=KINDS)],
    file: Annotated[Path, typer.Argument(help="where it goes: its ending says pdf, xlsx, csv or json")],
    period: Annotated[str, typer.Option(help="yesterday, last_week, last_month, today or this_month")] = "",
    from_: Annotated[str, typer.Option("--from", help="RFC 3339; with --to in place of --period")] = "",
    to: Annotated[str, typer.Option(help="RFC 3339")] = "",
    site: Annotated[str, typer.Option(help="only this site")] = "",
    charger: Annotated[str, typer.Option(help="only this charger")] = "",
    by: Annotated[str, typer.Option(help="of energy: site, charger, connector, token, vehicle, plan")] = "",
    step: Annotated[str, typer.Option(help="of energy: hour, day, week, month, all")] = "",
    language: Annotated[str, typer.Option(help="en or fr")] = "en",
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Make a report of a running system."""
    form = file.suffix.removeprefix(".").lower()
    if form not in ("pdf", "xlsx", "csv", "json"):
        raise typer.BadParameter("the file ends with .pdf, .xlsx, .csv or .json", param_hint="FILE")
    if not period and not from_:
        period = "yesterday"
    said: dict[str, Any] = {
        "period": period,
        "from": from_,
        "to": to,
        "site": site,
        "charger": charger,
        "by": by,
        "step": step,
        "language": language,
    }
    with session(url, user) as client:
        size = download(
            client, f"/reports/{kind}.{form}", file, {name: text for name, text in said.items() if text}
        )
    console.print(f"{file}: {size:,} bytes", markup=False)


def reconcile(
    day: Annotated[str, typer.Argument(help="that is over, for example 2026-11-21")],
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Rebuild a day: fill gaps with what came late, and list what is open."""
    with session(url, user) as client:
        found = ask(client, "POST", f"/reconciliation/{day}", timeout=600)
    if as_json:
        console.print(json.dumps(found, ensure_ascii=False), markup=False)
        return
    console.print(
        f"{found['day']}: {found['sessions']} sessions, {found['figures']} worked out anew, "
        f"{len(found['filled'])} gaps filled, {len(found['open'])} open",
        markup=False,
    )
    for one in found["open"]:
        console.print(
            f"{one['kind']}: session {one['session']} at {plain(one['charger'])}, {plain(one['text'])}"
        )
