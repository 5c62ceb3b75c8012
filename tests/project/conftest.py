from __future__ import annotations

from pathlib import Path

import pytest

from scada.project import scaffold


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The model project in a directory of the test's."""
    directory = tmp_path / "p"
    scaffold(directory)
    return directory
