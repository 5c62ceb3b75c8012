"""chargers.csv is changed in one place, and only when the project is right with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scada.core.errors import BadRequest
from scada.project import load, scaffold
from scada.project.adoption import adopt, records, with_identity, with_row

TABLE = (
    "\ufeffsite,tag,identity,type,label\r\n"
    "# the old ones, bought 2019,,,,\r\n"
    'Depot , "CP01","OLD-1",ac1,"Hall ""A"", left"\r\n'
    "\r\n"
    "Depot,CP02,OLD-2,ac1,\r\n"
)


def test_a_row_more() -> None:
    changed = with_row(TABLE, {"site": "Depot", "tag": "CP03", "identity": "NEW", "label": "a, b"})
    assert changed == TABLE + 'Depot,CP03,NEW,,"a, b"\r\n'
    assert with_row("site,identity", {"identity": "X"}) == "site,identity\n,X\n"


def test_another_identity_and_every_other_byte_stays() -> None:
    assert with_identity(TABLE, "Depot.CP01", "NEW") == TABLE.replace('"OLD-1"', "NEW")
    with pytest.raises(BadRequest, match="no charger"):
        with_identity(TABLE, "Depot.CP09", "NEW")
    with pytest.raises(BadRequest, match="no column 'power'"):
        with_row(TABLE, {"power": "3"})


@given(st.text(alphabet='ab",\r\n \ufeff', max_size=40))
def test_cells_cover_the_text_in_order(text: str) -> None:
    end = 0
    for row in records(text):
        for cell in row:
            assert end <= cell.start <= cell.end <= len(text)
            end = cell.end


def test_a_mistake_changes_nothing(tmp_path: Path) -> None:
    project = tmp_path / "p"
    scaffold(project)
    table = project / "chargers.csv"
    before = table.read_bytes()
    good = {
        "site": "Depot",
        "tag": "CP09",
        "type": "ac1",
        "plug": "Type_2",
        "current_a": "32",
        "power_kw": "7.4",
    }
    for wrong, reason in (
        ({"site": "Nowhere"}, "no site 'Nowhere'"),
        ({"tag": "CP01"}, "stands already"),
        ({"type": "ac9"}, "no device type 'ac9'"),
        ({"current_a": "many"}, "current_a"),
    ):
        with pytest.raises(BadRequest, match=reason):
            adopt(project, "NEW-1", {**good, **wrong})
    with pytest.raises(BadRequest, match="stands already"):
        adopt(project, "DEPOT-CP01", good)
    assert table.read_bytes() == before
    adopt(project, "NEW-1", good)
    assert table.read_bytes().startswith(before)
    adopt(project, "NEW-2", {}, replaces="Depot.CP03")
    chargers = {one.path: one.identity for one in load(project).chargers()}
    assert (chargers["Depot.CP09"], chargers["Depot.CP03"]) == ("NEW-1", "NEW-2")
