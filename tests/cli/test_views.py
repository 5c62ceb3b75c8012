"""`scada views`: a generated view is written out once, and then it is the project's."""

from __future__ import annotations

from pathlib import Path

import pytest

from scada.cli import views
from scada.core.errors import StartError
from scada.project import scaffold


def test_a_generated_view_is_written_once_and_then_belongs_to_the_project(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "p"
    scaffold(directory)
    views.generate(directory, ["Depot"])
    file = directory / "views" / "Depot.toml"
    own = file.read_text().replace('en = "Depot North"', 'en = "My depot"')
    file.write_text(own)
    with pytest.raises(StartError, match="belongs to the project"):
        views.generate(directory, ["Depot"])
    with pytest.raises(StartError, match="no generated view Yard"):
        views.generate(directory, ["Yard"])
    views.generate(directory)
    assert file.read_text() == own, "of all of them, an owned one stays as it is"
    assert (directory / "views" / "home.toml").exists()
