"""Projects of any size."""

from __future__ import annotations

from pathlib import Path

from scada.project import scaffold
from scada.testing.plants import without_modes


def many_chargers(folder: Path, count: int) -> Path:
    """A project with `count` chargers `X0`, `X1` … of one connector, and no meters."""
    project = folder / "bench"
    scaffold(project)
    (project / "meters.csv").unlink()
    file = project / "project.toml"
    file.write_text(
        "\n".join(line for line in without_modes(file.read_text()).splitlines() if line[:7] != "recipes")
    )
    header = "site,tag,identity,type,feeder,connectors,plug,current_a,power_kw"
    rows = [f"Depot,X{n},X{n},ac3,A,1,Type_2,32,22" for n in range(count)]
    (project / "chargers.csv").write_text("\n".join([header, *rows]) + "\n")
    return project
