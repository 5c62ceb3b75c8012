"""Talking to a running system: options, session, answers and errors of its REST interface."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from scada.cli.common import console
from scada.core.errors import ScadaError, StartError

if TYPE_CHECKING:
    import httpx2

Url = Annotated[str, typer.Option("--url", envvar="SCADA_URL", help="of the running system")]
User = Annotated[str, typer.Option("--user", envvar="SCADA_USER", help="user name")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, one object a line")]
Pattern = Annotated[str, typer.Argument(help="path or pattern: Depot.*, Depot.**.ActivePower")]
URL = "http://127.0.0.1:8080"
PASSWORD_VARIABLE = "SCADA_PASSWORD"  # noqa: S105 (the name of a variable)


@contextmanager
def session(url: str, user: str) -> Iterator[httpx2.Client]:
    """A client with the user's password, of SCADA_PASSWORD or asked for."""
    import httpx2  # late: other commands need no HTTP client

    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        password = str(typer.prompt(f"Password of {user}", hide_input=True))
    base = f"{url.rstrip('/')}/api/v1"
    with httpx2.Client(base_url=base, auth=(user, password), timeout=10, trust_env=False) as client:
        yield client


def ask(client: httpx2.Client, method: str, path: str, **arguments: Any) -> Any:
    """The answer. Raises StartError for a system that is not there, ScadaError for what it refuses."""
    import httpx2

    try:
        response = client.request(method, path, **arguments)
    except httpx2.HTTPError as error:
        raise StartError(f"{client.base_url} does not answer ({error}): is the system running?") from error
    if response.is_success:
        return response.json()
    raise _refusal(response)


def download(client: httpx2.Client, path: str, file: Path, parameters: dict[str, str]) -> int:
    """An answer as a file; its size. The file is there whole or not at all. Raises like `ask`."""
    import httpx2

    half = file.with_name(f"{file.name}.part")
    size = 0
    try:
        with client.stream("GET", path, params=parameters, timeout=httpx2.Timeout(10, read=600)) as response:
            if not response.is_success:
                response.read()
                raise _refusal(response)
            with half.open("wb") as out:
                for part in response.iter_bytes():
                    size += out.write(part)
        half.replace(file)
    except httpx2.HTTPError as error:
        raise StartError(f"{client.base_url} does not answer ({error}): is the system running?") from error
    except OSError as error:
        raise StartError(f"{file} cannot be written ({error.strerror or error})") from error
    finally:
        half.unlink(missing_ok=True)
    return size


def lines(client: httpx2.Client, path: str, **arguments: Any) -> Iterator[Any]:
    """The JSON objects of an answer that goes on, one a line. Raises like `ask`."""
    import httpx2

    try:
        with client.stream("GET", path, timeout=httpx2.Timeout(10, read=60), **arguments) as response:
            if not response.is_success:
                response.read()
                raise _refusal(response)
            for line in response.iter_lines():
                if line.strip():
                    yield json.loads(line)
    except httpx2.HTTPError as error:
        raise StartError(f"{client.base_url} is gone ({error})") from error


def _refusal(response: httpx2.Response) -> ScadaError:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"the system answered {response.status_code}"
    return ScadaError(detail if isinstance(detail, str) else json.dumps(detail))


def select(client: httpx2.Client, pattern: str, **filters: str) -> Iterator[dict[str, Any]]:
    """The tags that a pattern and filters choose, page by page."""
    cursor: str | None = None
    chosen = {name: value for name, value in filters.items() if value}
    while True:
        parameters = {"path": pattern, "limit": "1000", **chosen, **({"cursor": cursor} if cursor else {})}
        page = ask(client, "GET", "/tags", params=parameters)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def show(items: list[dict[str, Any]], as_json: bool, *, header: bool = True) -> None:
    """Tags as a table, or as JSON."""
    if as_json:
        for item in items:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
        return
    table = Table(
        "path", "value", "unit", "quality", "time", box=None, header_style="bold", show_header=header
    )
    table.columns[1].justify = "right"
    for item in items:
        table.add_row(item["path"], text(item["value"]), item["unit"], item["quality"], item["time"] or "–")
    console.print(table)


def text(value: Any) -> str:
    """A value for people. Texts come from chargers: nothing in them is a command to the terminal."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value).lower() if isinstance(value, bool) else plain(str(value))


def plain(words: str) -> str:
    """A text as one line, without marks of rich and with every control character as a blank."""
    return escape("".join(one if one.isprintable() else " " for one in words))


def parse(kind: str, word: str) -> bool | float | str:
    """What a word of the command line says for a tag of this kind."""
    if kind == "bit" and word.lower() in ("true", "false", "1", "0"):
        return word.lower() in ("true", "1")
    if kind == "register":
        try:
            number = float(word)
        except ValueError:
            return word  # the system says what it wants
        return number if math.isfinite(number) else word  # JSON has no others
    return word
