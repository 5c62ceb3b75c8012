"""`scada export`: rows of a running system as a file, with the rights of a user."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scada.cli.client import URL, Url, User, ask, download, select, session
from scada.cli.common import console
from scada.core.csv_text import MARK, cell
from scada.core.errors import StartError

if TYPE_CHECKING:
    import httpx2

WHATS = ("sessions", "alarms", "audit", "samples")
PAGE = 1_000
SAMPLES_PAGE = 10_000
ROWS_MAX = 10_000_000
"""Rows of one export; more with an earlier --to."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    what: Annotated[str, typer.Argument(help=", ".join(WHATS))],
    file: Annotated[Path, typer.Argument(help="its ending says .csv, .jsonl, or (sessions, audit) .xlsx")],
    from_: Annotated[str, typer.Option("--from", help="RFC 3339")] = "",
    to: Annotated[str, typer.Option("--to", help="RFC 3339")] = "",
    site: Annotated[str, typer.Option(help="only this site")] = "",
    charger: Annotated[str, typer.Option(help="only this charger (sessions)")] = "",
    tags: Annotated[str, typer.Option(help="of samples: pattern, for example Depot.**.ActivePower")] = "",
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Export sessions, alarms, audit or samples of a span; newest first."""
    if what not in WHATS:
        raise typer.BadParameter(f"one of {', '.join(WHATS)}", param_hint="WHAT")
    form = file.suffix.lower()
    if form not in (".csv", ".jsonl", ".xlsx") or (form == ".xlsx" and what not in ("sessions", "audit")):
        raise typer.BadParameter("the file ends with .csv or .jsonl, or .xlsx", param_hint="FILE")
    if (what == "samples") is not bool(tags):
        raise typer.BadParameter("--tags says which samples, and is for samples only", param_hint="--tags")
    span = {name: text for name, text in (("from", from_), ("to", to)) if text}
    if (what in ("audit", "samples") or form == ".xlsx") and len(span) < 2:
        raise typer.BadParameter("give --from and --to", param_hint="--from")
    said = {**span, **({"site": site} if site else {}), **({"charger": charger} if charger else {})}
    with session(url, user) as client:
        if form == ".xlsx" or (what == "audit" and form == ".csv"):
            download(client, f"/reports/{what}{form}", file, said)
            console.print(f"{file} is written", markup=False)
            return
        rows = _samples(client, tags, span) if what == "samples" else _rows(client, what, said)
        count = _write(file, form, rows)
    console.print(f"{file}: {count:,} rows", markup=False)


def _rows(client: httpx2.Client, what: str, said: dict[str, str]) -> Iterator[dict[str, Any]]:
    if what == "audit":
        table = ask(client, "GET", "/reports/audit.json", params=said, timeout=600)["tables"][0]
        keys = [column["key"] for column in table["columns"]]
        yield from (dict(zip(keys, row, strict=True)) for row in table["rows"])
        return
    path = "/sessions" if what == "sessions" else "/alarms/journal"
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = ask(client, "GET", path, params={**said, "limit": str(PAGE), **more}, timeout=60)
        yield from page["items"]
        if not page["complete"]:
            raise StartError(
                "older rows lie in a database that cannot be read now: try again, or give a later --from"
            )
        cursor = page["next"]
        if cursor is None:
            return


def _samples(client: httpx2.Client, pattern: str, span: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Each tag's samples from the newest back; a part ends where the one before began."""
    for tag in list(select(client, pattern)):
        end = span["to"]
        while True:
            params = {"from": span["from"], "to": end, "limit": str(SAMPLES_PAGE)}
            points = ask(client, "GET", f"/tags/{tag['path']}/history", params=params, timeout=60)["items"]
            yield from ({"tag": tag["path"], **point} for point in reversed(points))
            if len(points) < SAMPLES_PAGE or points[0]["time"] == end:
                break
            end = points[0]["time"]


def _write(file: Path, form: str, rows: Iterator[dict[str, Any]]) -> int:
    """Write rows; the file is there whole or not at all."""
    half = file.with_name(f"{file.name}.part")
    count = 0
    try:
        with half.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\r\n")
            for row in rows:
                if form == ".jsonl":
                    out.write(json.dumps(row, ensure_ascii=False) + "\n")
                else:
                    if not count:
                        out.write(MARK)
                        writer.writerow(list(row))
                    writer.writerow([_cell(value) for value in row.values()])
                count += 1
                if count >= ROWS_MAX:
                    raise StartError(f"more than {ROWS_MAX:,} rows: export a shorter span")
        half.replace(file)
    except OSError as error:
        raise StartError(f"{file} cannot be written ({error.strerror or error})") from error
    finally:
        half.unlink(missing_ok=True)
    return count


def _cell(value: Any) -> str:
    return cell(",".join(map(str, value)) if isinstance(value, list) else value)
