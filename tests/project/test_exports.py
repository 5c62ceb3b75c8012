"""Exports in a project's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.core.errors import ProjectError
from scada.core.plant import Export
from scada.project import load

GOOD = """
[[exports]]
name = "bi"
url = "env:BI_URL"
what = ["sessions", "energy"]
every_min = 60

[[exports]]
name = "nightly"
url = "file:nightly.url"
what = ["audit"]
at = "02:30"
prefix = "ev_"
"""


def add(project: Path, text: str) -> None:
    path = project / "project.toml"
    path.write_text(path.read_text() + text)


def test_exports_become_the_plant(project: Path) -> None:
    add(project, GOOD)
    assert load(project).exports == (
        Export(name="bi", url="env:BI_URL", what=("sessions", "energy"), every_us=3_600_000_000),
        Export(name="nightly", url="file:nightly.url", what=("audit",), at_min=150, prefix="ev_"),
    )


@pytest.mark.parametrize(
    ("was", "wrong", "said"),
    [
        ('"env:BI_URL"', '"postgresql://ann:pw@db/x"', "never in clear"),
        ('"env:BI_URL"', '""', "exports"),
        ('"nightly"', '"bi"', "two exports"),
        ("every_min = 60", 'every_min = 60\nat = "01:00"', "which one holds"),
        ('"energy"]', '"sessions"]', "twice"),
        ('"energy"]', '"tokens"]', "exports"),
        ('"ev_"', '"ev_; DROP"', "prefix"),
    ],
)
def test_a_mistake_is_named(project: Path, was: str, wrong: str, said: str) -> None:
    add(project, GOOD.replace(was, wrong, 1))
    with pytest.raises(ProjectError) as caught:
        load(project)
    assert said in str(caught.value)
