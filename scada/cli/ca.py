"""`scada ca`: the project's own small CA for chargers, also while the project runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from scada.cli.common import Directory, console, load_plant
from scada.core.errors import BadRequest, NotFound
from scada.core.plant import OCPP_IDENTITY, Plant
from scada.identity.certificates import Authority

app = typer.Typer(help="The project's own certificate authority for chargers.", no_args_is_help=True)


@app.command()
def init(directory: Directory) -> None:
    """Make the root certificate, if there is none yet."""
    _, authority = _open(directory)
    authority.ensure()
    console.print(f"root certificate: {authority.root_file}")


@app.command()
def show(directory: Directory) -> None:
    """Show the root certificate and what was revoked."""
    _, authority = _made(directory)
    root = x509.load_pem_x509_certificate(authority.root_file.read_bytes())
    console.print(f"subject      {root.subject.rfc4514_string()}")
    console.print(f"valid until  {root.not_valid_after_utc:%Y-%m-%d}")
    console.print(f"serial       {root.serial_number:x}")
    for serial in sorted(authority.revoked()):
        console.print(f"revoked      {serial}")


@app.command()
def sign(
    directory: Directory,
    identity: Annotated[str, typer.Argument(help="OCPP identity of the charger", show_default=False)],
    request: Annotated[Path, typer.Argument(help="certificate request, PEM", exists=True, dir_okay=False)],
    out: Annotated[Path | None, typer.Option("--out", help="where the chain goes; default: printed")] = None,
) -> None:
    """Sign a charger's certificate request, for a charger that cannot ask by itself yet."""
    plant, authority = _made(directory)
    if not OCPP_IDENTITY.match(identity):
        raise BadRequest(f"'{identity}' is no OCPP identity")
    try:
        text = request.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"{request} cannot be read: {error}") from None
    issued = authority.sign(text, identity, plant.certificates.charger_days)
    if out is None:
        sys.stdout.write(issued.chain)
    else:
        out.write_text(issued.chain, encoding="ascii")
        console.print(f"serial {issued.serial}: {out}")


@app.command()
def export(directory: Directory) -> None:
    """Print the root certificate, for chargers that are to trust this system."""
    _, authority = _made(directory)
    sys.stdout.write(authority.root_file.read_text(encoding="ascii"))


@app.command()
def revoke(
    directory: Directory, serial: Annotated[str, typer.Argument(help="serial number, hexadecimal")]
) -> None:
    """Take a charger's certificate back; a running project knows it within a minute."""
    _, authority = _made(directory)
    authority.revoke(serial)
    console.print(f"{serial} is revoked")


def _open(directory: Path) -> tuple[Plant, Authority]:
    plant = load_plant(directory)
    return plant, Authority(plant.directory / "data" / "certificates", plant.certificates.organization)


def _made(directory: Path) -> tuple[Plant, Authority]:
    plant, authority = _open(directory)
    if not authority.exists:
        raise NotFound(f"there is no root certificate yet: make it with `scada ca init {directory}`")
    return plant, authority
