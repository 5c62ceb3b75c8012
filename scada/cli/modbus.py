"""`scada modbus`: finds out what a device is, and writes the register map for building systems."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scada import resources
from scada.cli.common import Directory, console, load_plant
from scada.core.errors import StartError
from scada.core.plant import ModbusEndpoint, Plant

if TYPE_CHECKING:
    from scada.drivers.modbus import Profile
    from scada.drivers.modbus.link import Link

app = typer.Typer(
    help="Modbus: what a device is, and the register map for building systems.", no_args_is_help=True
)

Place = Annotated[
    str, typer.Argument(help="HOST[:PORT], or a serial device such as /dev/ttyUSB0", show_default=False)
]
Transport = Annotated[str, typer.Option(help="tcp, tls, rtu_tcp; a serial device is rtu")]
Serial = Annotated[str, typer.Option(help="speed, bits, parity and stop bits of a serial line")]
Timeout = Annotated[float, typer.Option(help="seconds that an answer may take", min=0.05, max=30)]
Unit = Annotated[int, typer.Option(min=0, max=255, help="unit id")]
Folder = Annotated[Path | None, typer.Option(help="a project whose own profiles are tried, too")]
TRANSPORTS = ("tcp", "tls", "rtu_tcp", "rtu")


@app.command()
def scan(
    place: Place,
    units: Annotated[str, typer.Option(help="first-last")] = "1-247",
    transport: Transport = "tcp",
    serial: Serial = "9600-8N1",
    timeout_s: Timeout = 0.3,
) -> None:
    """Find the units that answer."""
    from scada.drivers.modbus import probe

    first, _, last = units.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) > 255:
        raise typer.BadParameter("for example 1-32", param_hint="--units")
    endpoint = _endpoint(place, transport, serial)

    async def work(link: Link) -> None:
        found = await probe.scan(link, endpoint, range(int(first), int(last or first) + 1))
        for unit, said in found:
            console.print(f"unit {unit}: {said}", markup=False)
        if not found:
            console.print("nobody answers")

    _on(endpoint, timeout_s, work)


@app.command()
def read(
    place: Place,
    profile: Annotated[str, typer.Option(help="name of a profile")] = "",
    address: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0-based; all types and orders")
    ] = None,
    function: Annotated[int, typer.Option(min=1, max=4, help="1 coil, 2 discrete, 3 holding, 4 input")] = 3,
    unit: Unit = 1,
    transport: Transport = "tcp",
    serial: Serial = "9600-8N1",
    timeout_s: Timeout = 1.0,
    project: Folder = None,
) -> None:
    """Read everything that a profile names, or one register in every type and order."""
    from scada.drivers.modbus import probe

    if bool(profile) is (address is not None):
        raise typer.BadParameter("give a profile or an address", param_hint="--profile")
    chosen = [one for one in _profiles(project) if one.name == profile]
    if profile and not chosen:
        raise typer.BadParameter(f"there is no profile '{profile}'", param_hint="--profile")
    endpoint = _endpoint(place, transport, serial)

    async def work(link: Link) -> None:
        if address is not None:
            for kind, words, order, reading in await probe.guesses(link, unit, function, address):
                told = f"{kind:8} words {words:6} bytes {order:6}" if words else kind
                console.print(f"{told}  {reading.value}", markup=False)
            return
        for name, reading in (await probe.read(link, unit, chosen[0])).items():
            shown = f"– ({reading.reason})" if reading.value is None else str(reading.value)
            console.print(f"{name:16} {shown}", markup=False)

    _on(endpoint, timeout_s, work)


@app.command()
def probe(
    place: Place,
    unit: Unit = 1,
    transport: Transport = "tcp",
    serial: Serial = "9600-8N1",
    timeout_s: Timeout = 0.5,
    project: Folder = None,
) -> None:
    """Try every profile on a device, and say which fits."""
    from scada.drivers.modbus import probe as probing

    endpoint = _endpoint(place, transport, serial)

    async def work(link: Link) -> None:
        found = await probing.fits(link, unit, _profiles(project))
        fitting = [fit for fit in found if fit.fits]
        for fit in fitting:
            shown = ", ".join(
                f"{name} {fit.readings[name].value:g}" for name in probing.TELLING if name in fit.readings
                and isinstance(fit.readings[name].value, float)
            )  # fmt: skip
            console.print(
                f"{fit.profile.name:24} fits: {fit.good} of {fit.read} values can be true; {shown}",
                markup=False,
            )
        if not fitting:
            best = found[0] if found else None
            near = f"; nearest: {best.profile.name}, {best.good} of {best.read}" if best and best.good else ""
            console.print(f"no profile fits{near}. `scada modbus read` shows single registers", markup=False)

    _on(endpoint, timeout_s, work)


@app.command("map")
def map_(
    directory: Directory,
    file: Annotated[Path | None, typer.Argument(help="ends with .csv or .xlsx; left out: shown")] = None,
) -> None:
    """Write the register map that [modbus.server] offers. Addresses stay as they are, whatever is added."""
    from scada.drivers.modbus.northbound import load_map
    from scada.drivers.modbus.register_map import COLUMNS, rows

    plant = load_plant(directory)
    if not plant.modbus.server.tags:
        raise StartError(
            '[modbus.server] of project.toml offers no tags: for example tags = ["Depot.**.ActivePower"]'
        )
    table = rows(load_map(plant), plant.languages[0])
    if file is None:
        for row in table:
            console.print(f"{row[1]:>6}  {row[3]}  {row[5]} {row[6]}".rstrip(), markup=False)
        return
    _write(file, plant, COLUMNS, table)
    console.print(f"{file} is written: {len(table)} tags", markup=False)


def _write(file: Path, plant: Plant, columns: Sequence[str], table: Sequence[Sequence[str]]) -> None:
    from scada.core.report_ports import Column, Report, Table
    from scada.reports import plain, workbook
    from scada.runtime.clock import SystemClock

    makers = {".csv": plain.csv, ".xlsx": workbook.workbook}
    if file.suffix.lower() not in makers:
        raise typer.BadParameter("ends with .csv or .xlsx", param_hint="FILE")
    now_us = SystemClock().now_us()
    report = Report(
        kind="modbus_map",
        title="Modbus register map",
        project=plant.name,
        language=plant.languages[0],
        timezone=plant.timezone,
        from_us=now_us,
        to_us=now_us,
        made_us=now_us,
        tables=(
            Table(
                "registers", "Registers", [Column(name, name.replace("_", " ")) for name in columns], table
            ),
        ),
    )
    try:
        file.write_bytes(makers[file.suffix.lower()](report))
    except OSError as error:
        raise StartError(f"{file} cannot be written: {error.strerror}") from None


def _endpoint(place: str, transport: str, serial: str) -> ModbusEndpoint:
    from scada.drivers.modbus.link import SERIAL

    if place.startswith("/"):
        if not SERIAL.match(serial):
            raise typer.BadParameter("for example 9600-8N1", param_hint="--serial")
        return ModbusEndpoint(profile="", host=place, transport="rtu", serial=serial)
    if transport not in TRANSPORTS[:3]:
        raise typer.BadParameter(f"one of {', '.join(TRANSPORTS[:3])}", param_hint="--transport")
    host, colon, port = place.rpartition(":")
    if colon and not port.isdecimal():
        raise typer.BadParameter("HOST:PORT", param_hint="PLACE")
    usual = 802 if transport == "tls" else 502
    return ModbusEndpoint(
        profile="", host=host if colon else place, port=int(port) if colon else usual, transport=transport
    )


def _profiles(project: Path | None) -> list[Profile]:
    from scada.drivers.modbus import load_profile

    folders = [resources.folder("config") / "drivers" / "modbus"]
    folders += [project / "drivers" / "modbus"] if project else []
    return [load_profile(path) for folder in folders for path in sorted(folder.glob("*.toml"))]


def _on(endpoint: ModbusEndpoint, timeout_s: float, work: Callable[[Link], Awaitable[None]]) -> None:
    """Do something on a connection of its own. Raises StartError with what went wrong."""
    from scada.drivers.modbus.link import Link, LinkLost, NoAnswer, Refused

    async def run() -> None:
        link = Link(endpoint, timeout_s)
        try:
            await link.connect()
            await work(link)
        finally:
            link.close()

    try:
        asyncio.run(run())
    except (LinkLost, NoAnswer) as error:
        raise StartError(f"{endpoint.host}: {error}") from None
    except Refused as error:
        raise StartError(f"the device refuses: {error}") from None
