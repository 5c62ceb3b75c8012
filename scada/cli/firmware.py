"""`scada firmware`: files that chargers may be told to install, and their roll-out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from scada.cli.campaigns import AtOnce, FailuresMax, Pause, Retries, Wait, Waves, begin, waves_of
from scada.cli.client import URL, AsJson, Url, User, ask, session
from scada.cli.common import console
from scada.core.errors import BadRequest

app = typer.Typer(help="Firmware files and their roll-out.", no_args_is_help=True)

UPLOAD_TIMEOUT_S = 600
SIGNATURE_BYTES_MAX = 10_000


@app.command("list")
def list_firmware(url: Url = URL, user: User = "admin", as_json: AsJson = False) -> None:
    """List the firmware files."""
    with session(url, user) as client:
        items = ask(client, "GET", "/firmware")["items"]
    if as_json:
        for item in items:
            console.print(json.dumps(item, ensure_ascii=False), markup=False)
        return
    table = Table("name", "bytes", "signed", "sha256", "changed", box=None, header_style="bold")
    for item in items:
        signed = "yes" if item["signed"] else "no"
        table.add_row(item["name"], str(item["size_bytes"]), signed, item["sha256"], item["changed"])
    console.print(table)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="the firmware", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help="as chargers will fetch it; default: the file's own")] = "",
    signature: Annotated[
        Path | None, typer.Option(help="the manufacturer's, binary or base64", exists=True, dir_okay=False)
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="that it was made with, PEM", exists=True, dir_okay=False)
    ] = None,
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Add a firmware file."""
    if (signature is None) != (certificate is None):
        raise BadRequest("signature and certificate go together")
    name = name or file.name
    signed: dict[str, Any] = {}
    if signature is not None and certificate is not None:
        signed = {"signature": _base64(signature), "certificate": certificate.read_text(encoding="ascii")}
    with session(url, user) as client, file.open("rb") as body:
        made = ask(client, "POST", "/firmware", params={"name": name}, content=body, timeout=UPLOAD_TIMEOUT_S)
        if signed:
            ask(client, "PUT", f"/firmware/{name}/signature", json=signed)
    console.print(f"{made['name']}: {made['size_bytes']:,} bytes, sha256 {made['sha256']}", markup=False)


@app.command()
def rollout(
    file: Annotated[str, typer.Argument(help="name of a firmware file")],
    targets: Annotated[list[str], typer.Argument(help="chargers: paths or patterns, for example Depot.*")],
    waves: Waves = "1,10%,50%",
    pause: Pause = 0,
    at_once: AtOnce = 5,
    failures_max: FailuresMax = "0",
    retries: Retries = 0,
    idle_only: Annotated[bool, typer.Option("--idle-only/--any", help="not while a transaction runs")] = True,
    wait: Wait = True,
    url: Url = URL,
    user: User = "admin",
) -> None:
    """Have chargers install a firmware, in waves; the first failure stops it unless told otherwise."""
    body = {
        "name": f"firmware {file}",
        "command": "UpdateFirmware",
        "arguments": {"file": file},
        "targets": targets,
        "waves": waves_of(waves),
        "pause_s": pause,
        "at_once": at_once,
        "failures_max": failures_max,
        "retries": retries,
        "idle_only": idle_only,
    }
    with session(url, user) as client:
        begin(client, body, wait=wait)


def _base64(file: Path) -> str:
    if file.stat().st_size > SIGNATURE_BYTES_MAX:
        raise BadRequest(f"{file} is too large for a signature")
    data = file.read_bytes()
    try:
        text = data.decode("ascii").strip()
        base64.b64decode(text, validate=True)
    except ValueError:
        return base64.b64encode(data).decode()
    return text
