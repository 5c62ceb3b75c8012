"""What may be wrong with the data folder is said in a sentence, and nothing is changed."""

import sqlite3
from pathlib import Path

import pytest

from scada.core.errors import StartError
from scada.history import open_core


def _state(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("core.db", "UPDATE core_version SET version_num = '99'"),
        ("history.db", "UPDATE history_version SET version_num = '9999'"),
    ],
)
def test_a_newer_version_is_refused(tmp_path: Path, name: str, statement: str) -> None:
    open_core(tmp_path).close()
    connection = sqlite3.connect(tmp_path / name)
    connection.execute(statement)
    connection.commit()
    connection.close()
    before = _state(tmp_path)
    with pytest.raises(StartError, match="newer version of this program"):
        open_core(tmp_path)
    assert _state(tmp_path) == before


def test_what_is_older_than_any_step_is_left_alone_and_what_to_do_is_said(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "core.db")
    connection.execute("CREATE TABLE schema_version (version INTEGER)")
    connection.execute("INSERT INTO schema_version VALUES (1)")
    connection.commit()
    connection.close()
    before = _state(tmp_path)
    with pytest.raises(StartError, match=r"schema 1; this one needs 2.*move core\.db"):
        open_core(tmp_path)
    assert _state(tmp_path) == before


@pytest.mark.parametrize("name", ["core.db", "history.db"])
@pytest.mark.parametrize("damage", ["garbage", "hole", "short"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    open_core(tmp_path).close()
    path = tmp_path / name
    whole = path.read_bytes()
    path.write_bytes(
        {
            "garbage": b"this is no database" * 100,
            "hole": whole[:4096] + b"\xa5" * 4096 + whole[8192:],
            "short": whole[: len(whole) // 2],
        }[damage]
    )
    before = _state(tmp_path)
    with pytest.raises(StartError, match=r"not a database|damaged"):
        open_core(tmp_path)
    assert _state(tmp_path) == before


@pytest.mark.parametrize("name", ["core.db", "history.db"])
def test_a_strange_database_is_refused(tmp_path: Path, name: str) -> None:
    open_core(tmp_path).close()
    (tmp_path / name).unlink()
    connection = sqlite3.connect(tmp_path / name)
    connection.execute("CREATE TABLE recipes (id INTEGER)")
    connection.commit()
    connection.close()
    before = _state(tmp_path)
    with pytest.raises(StartError, match="other tables"):
        open_core(tmp_path)
    assert _state(tmp_path) == before


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(StartError, match="cannot be written"):
        open_core(tmp_path / "data")


def test_a_system_folder_that_cannot_be_written() -> None:
    with pytest.raises(StartError, match="cannot be written"):
        open_core(Path("/proc/self/scada-data"))


def test_opening_twice_is_the_same(tmp_path: Path) -> None:
    open_core(tmp_path).close()
    store = open_core(tmp_path)
    assert store.restart().next_sequence == 1
    store.close()
