"""Commands and messages to chargers, and what passes on the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from scada.cli.client import URL, AsJson, Url, User, ask, lines, plain, session
from scada.cli.common import console, errors
from scada.core.errors import BadRequest

COMMAND_TIMEOUT_S = 3_700
"""Longer than any command of the catalogue takes."""

Charger = Annotated[str, typer.Argument(help="path or OCPP identity")]
Payload = Annotated[str, typer.Argument(help="JSON, @FILE, or - for standard input")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list")(list_chargers)
    app.command()(command)
    app.command()(send)
    app.command()(schema)
    app.command()(trace)


def list_chargers(
    site: Annotated[str, typer.Option(help="only those of a site")] = "",
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """List the chargers."""
    from rich.table import Table

    cursor: str | None = "0"
    table = Table(
        "charger", "identity", "online", "vendor", "model", "firmware", box=None, header_style="bold"
    )
    with session(url, user) as client:
        while cursor is not None:
            page = ask(client, "GET", "/chargers", params={"site": site, "cursor": cursor, "limit": 1000})
            cursor = page["next"]
            for item in page["items"]:
                if as_json:
                    console.print(json.dumps(item, ensure_ascii=False), markup=False)
                else:
                    names = (item["path"], item["identity"], "yes" if item["online"] else "no")
                    plate = (plain(item[name] or "–") for name in ("vendor", "model", "firmware"))
                    table.add_row(*names, *plate)
    if not as_json:
        console.print(table)


def command(
    name: Annotated[str, typer.Argument(help="of the catalogue: Reset, SetLimit, …")],
    target: Annotated[str, typer.Argument(help="path of a charger or connector")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="NAME=VALUE; a value is JSON or a text")
    ] = None,
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Give a command and wait for what the device did. Exit code 1: it did not do it."""
    body = {"command": name, "target": target, "arguments": dict(_argument(one) for one in arguments or ())}
    with session(url, user) as client:
        _tell(ask(client, "POST", "/commands", json=body, timeout=COMMAND_TIMEOUT_S), as_json)


def send(
    charger: Charger,
    action: Annotated[
        str, typer.Argument(help="a message of the charger's OCPP version: Reset, DataTransfer, …")
    ],
    payload: Payload = "{}",
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Send a message as it is, and show the answer, or the error, as it came.

    What its schema refuses is told with the place in the payload; nothing is sent then.
    """
    body = {"action": action, "payload": _payload(payload)}
    with session(url, user) as client:
        outcome = ask(client, "POST", f"/chargers/{charger}/ocpp", json=body, timeout=COMMAND_TIMEOUT_S)
        _tell(outcome, as_json)


def schema(
    charger: Charger,
    action: Annotated[str, typer.Argument(help="a message; left out: which there are")] = "",
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Show which messages may be sent to a charger, or the schema of one."""
    with session(url, user) as client:
        if action:
            found = ask(client, "GET", f"/chargers/{charger}/ocpp/{action}")
            console.print(json.dumps(found["request"], indent=2, ensure_ascii=False), markup=False)
        else:
            for name in ask(client, "GET", f"/chargers/{charger}/ocpp"):
                console.print(name, markup=False)


def trace(
    charger: Annotated[str, typer.Argument(help="path or OCPP identity; left out: all chargers")] = "",
    action: Annotated[str, typer.Option(help="names of messages, separated by commas")] = "",
    kind: Annotated[str, typer.Option(help="call, result, error, unreadable")] = "",
    text: Annotated[str, typer.Option(help="found in the frame")] = "",
    limit: Annotated[int, typer.Option(help="frames at most", min=1, max=5_000)] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on until Ctrl-C")] = False,
    since: Annotated[
        str, typer.Option("--from", help="of the message log, from this time (RFC 3339), newest first")
    ] = "",
    until: Annotated[str, typer.Option("--to", help="of the message log, before this time")] = "",
    url: Url = URL,
    user: User = "admin",
    as_json: AsJson = False,
) -> None:
    """Show the newest frames between us and the chargers, without secrets."""
    where = {"charger": charger, "action": action, "kind": kind, "text": text}
    with session(url, user) as client:
        if since or until:
            span = {name: value for name, value in (("from", since), ("to", until)) if value}
            _logged(client, {**where, **span}, limit, as_json)
            return
        for frame in ask(client, "GET", "/trace", params={**where, "limit": limit})["items"]:
            _show(frame, as_json)
        if follow:
            for frame in lines(client, "/trace/live", params=where):
                _show(frame, as_json)


def _logged(client: Any, where: dict[str, str], limit: int, as_json: bool) -> None:
    cursor: str | None = None
    while limit > 0:
        page = {"limit": min(limit, 1_000), **({"cursor": cursor} if cursor else {})}
        answer = ask(client, "GET", "/trace/history", params={**where, **page})
        for frame in answer["items"]:
            _show(frame, as_json)
        limit -= len(answer["items"])
        cursor = answer["next"]
        if cursor is None:
            return


def _show(frame: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.print(json.dumps(frame, ensure_ascii=False), markup=False)
        return
    if "lost" in frame:
        errors.print(f"… {frame['lost']} frames were too fast for this terminal", style="bold")
        return
    arrow = "→" if frame["sent"] else "←"
    console.print(f"{frame['time']} {plain(frame['charger'])} {arrow} {plain(frame['frame'])}")


def _tell(outcome: dict[str, Any], as_json: bool) -> None:
    if as_json:
        console.print(json.dumps(outcome, ensure_ascii=False), markup=False)
    else:
        console.print(f"{outcome['outcome']}: {plain(outcome['text'])}")
        if outcome["answer"]:
            console.print(json.dumps(outcome["answer"], indent=2, ensure_ascii=False), markup=False)
    if not outcome["ok"]:
        raise typer.Exit(1)


def _argument(word: str) -> tuple[str, Any]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise BadRequest(f"'{word}' is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _payload(word: str) -> Any:
    if word == "-":
        word = typer.get_text_stream("stdin").read()
    elif word.startswith("@"):
        try:
            word = Path(word[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadRequest(f"{word[1:]} cannot be read: {error}") from None
    try:
        payload = json.loads(word)
    except ValueError as error:
        raise BadRequest(f"the payload is not JSON: {error}") from None
    if not isinstance(payload, dict):
        raise BadRequest('the payload must be a JSON object, for example \'{"type": "Soft"}\'')
    return payload
