"""What chargers write is data for the terminal too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from scada.cli.client import parse, show


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("[/x]", "[/x]"),
        ("[bold]a", "[bold]a"),
        ("\x1b]0;title\x07\x1b[2Ja", "]0;title  [2Ja"),
        ("a\r\nb\u202ec", "a  b c"),
    ],
)
def test_a_text_of_a_charger_is_no_command(
    value: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    item: dict[str, Any] = {"path": "Depot.CP01.Vendor", "value": value, "unit": "", "quality": "Good"}
    show([item | {"time": None}], as_json=False)
    out = capsys.readouterr().out
    assert shown in out
    assert len(out.splitlines()) == 2
    assert "\x1b" not in out


@pytest.mark.parametrize("word", ["nan", "inf", "-1e999"])
def test_a_number_that_json_does_not_know_is_left_to_the_system(word: str) -> None:
    assert parse("register", word) == word
    assert parse("register", "1e3") == 1000.0


def test_the_command_line_loads_no_heavy_library_before_it_needs_it() -> None:
    heavy = ("nicegui", "fastapi", "sqlalchemy", "asyncua", "numpy", "openpyxl", "reportlab", "pymodbus")
    code = f"import sys, scada.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
