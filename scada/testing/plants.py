"""Plants for tests, expanded from files like every other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scada.core.plant import FileSettings, Network, Plant
from scada.project import load, scaffold


def small_plant(directory: Path, **changes: object) -> Plant:
    """The model project in a directory of the test's, on ports that the system chooses.

    Args:
        changes: attributes of the Plant to replace.
    """
    project = directory / "project"
    if not project.exists():
        scaffold(project)
    plant = load(project)
    return replace(
        plant,
        **{"network": Network(http_port=0, ocpp_port=0, opcua_port=0), "files": FileSettings(), **changes},  # type: ignore[arg-type]
    )


def without_modes(text: str) -> str:
    """The model project's `project.toml` without its modes, which name chargers: for plants with others."""
    before, _, after = text.partition("[[sites.modes]]")
    _, line, rest = after.partition("# Who can be told something.")
    return before + line + rest
