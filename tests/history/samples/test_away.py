"""The database is away, the process is killed, the disk is full: what was acknowledged is there, once, in order."""

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scada.core.database import Sample, TagDatabase
from scada.core.errors import StartError
from scada.core.plant import HistorySettings
from scada.core.value import GOOD
from scada.history.samples import Place, SampleHistory, parse_url
from scada.history.samples.disk import FULL_BYTES, Disk
from scada.history.samples.engine import HEAD
from scada.history.samples.intake import Intake
from scada.history.samples.spill import Record, Spill
from scada.testing.postgresql import PostgreSql
from tests.history.samples.conftest import T0, Now

PROGRAM = Path(__file__).with_name("samples_program.py")
SECOND = 1_000_000


def until(condition: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def own_server() -> Iterator[PostgreSql]:
    started = PostgreSql()
    yield started
    started.close()


def seen(history: SampleHistory, path: str = "Depot.Power") -> list[int]:
    return [(p.time_us - T0) // SECOND for p in history.points(path, T0, T0 + 10**13, 20_000)]


def test_an_hour_away_loses_nothing_and_keeps_the_order(
    own_server: PostgreSql, tmp_path: Path, tags: TagDatabase, now: Now
) -> None:
    name = own_server.database()
    place = Place(tmp_path, parse_url(own_server.url(name)), "Test")
    history = SampleHistory(place, now_us=now)
    leap = [0.0]
    history.writer._monotonic = lambda: leap[0]
    power, status = tags["Depot.Power"], tags["Depot.Status"]

    def second(n: int) -> list[Sample]:
        at = T0 + n * SECOND
        return [Sample(power, float(n), GOOD, at), Sample(status, f"s{n}", GOOD, at)]

    history.append(second(0))
    assert history.flush()
    own_server.stop()
    for n in range(1, 3_600):
        history.append(second(n))
        if n % 200 == 0:
            assert history.flush()
            now.us += 200 * SECOND
            leap[0] += 200
    assert history.flush()
    assert "cannot be reached" in history.state
    assert history.spill_bytes > 0
    # What is on disk here is seen, and that the rest is missing too.
    assert seen(history)[-1] == 3_599
    history.close()

    # Killed or not, the next run goes on: with new samples behind the old ones, while the server is still away.
    history = SampleHistory(place, now_us=now)
    leap[0] = 0.0
    history.writer._monotonic = lambda: leap[0]
    history.append(second(3_600))
    assert history.flush()
    own_server.start()
    leap[0] = 10**9
    until(lambda: not history.spill_bytes and not history.state)
    assert seen(history) == list(range(3_601))
    texts = [p.value for p in history.points("Depot.Status", T0, T0 + 10**13, 20_000)]
    assert texts == [f"s{n}" for n in range(3_601)]
    assert history.dropped == 0
    history.close()


def test_what_waits_is_bounded_and_what_is_given_up_is_counted(tmp_path: Path, tags: TagDatabase) -> None:
    spill = Spill(tmp_path / "spill", 20_000, segment_bytes_max=4_000)
    intake = Intake()
    chance = random.Random(1)
    for number in range(1, 200):
        samples = [Sample(tags["Depot.Power"], chance.random(), GOOD, number * 100 + n) for n in range(20)]
        spill.append(Record(number, intake.keys, intake.batch(samples)))
    assert spill.bytes <= 24_000
    left = [record.number for path in spill.segments() for record in spill.read(path)]
    assert left == list(range(left[0], 200))
    assert spill.dropped == 20 * (left[0] - 1)
    spill.close()


@pytest.mark.parametrize("damage", ["cut", "byte"])
def test_a_damaged_spill_gives_what_is_whole(tmp_path: Path, tags: TagDatabase, damage: str) -> None:
    spill = Spill(tmp_path / "spill", 10**6)
    intake = Intake()
    for number in (1, 2, 3):
        spill.append(
            Record(number, intake.keys, intake.batch([Sample(tags["Depot.Power"], 1.5, GOOD, number)]))
        )
    spill.close()
    (path,) = spill.segments()
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[:-3])
    else:
        data[len(data) // 2] ^= 0x55
        path.write_bytes(data)
    again = Spill(tmp_path / "spill", 10**6)
    assert [record.number for record in again.read(path)] == ([1, 2] if damage == "cut" else [1, 3])
    assert len(again.damaged) == (damage == "byte")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_sigkill_at_any_moment(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    server: PostgreSql | None = request.getfixturevalue("server") if engine == "postgresql" else None
    url = server.url(server.database()) if server is not None else ""
    chance = random.Random(11)
    acknowledged = 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, str(PROGRAM), str(tmp_path), url], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(chance.uniform(0.05, 0.5))
            process.kill()
            acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
    assert acknowledged > 100
    place = Place(tmp_path, parse_url(url) if url else None, "Test")
    until(lambda: _open_again(place))
    history = SampleHistory(place, now_us=lambda: T0 + 10**12)
    try:
        until(lambda: not history.spill_bytes and not history.state)
        for path in ("Depot.Power", "Depot.Online"):
            numbers = [p.time_us - T0 for p in history.points(path, T0, T0 + 10**10, 20_000)]
            # Whole from the first to the last: nothing acknowledged is missing, nothing is there twice.
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert numbers[-1] >= acknowledged
            assert len(numbers) == 20_000 or numbers[0] == 1
    finally:
        history.close()


def _open_again(place: Place) -> bool:
    """The server has noticed that the killed writer is gone."""
    history = SampleHistory(place, now_us=lambda: T0 + 10**12)
    state = history.state
    history.close()
    return not state


def test_without_room_samples_are_given_up_first_and_the_reserve_last(
    tmp_path: Path, tags: TagDatabase, now: Now
) -> None:
    free = [10**9]
    at = [0.0]
    disk = Disk(tmp_path, 10**8, free=lambda _: free[0], reserve_bytes=10**6, monotonic=lambda: at[0])
    assert disk.reserve.stat().st_size == 10**6
    history = SampleHistory(Place(tmp_path), now_us=now, disk=disk)
    power = tags["Depot.Power"]
    history.append([Sample(power, 1.0, GOOD, now.us - 2)])
    assert history.flush()
    free[0], at[0] = 10**7, 10.0
    assert "nearly full" in history.state
    history.append([Sample(power, 2.0, GOOD, now.us - 1)])
    assert history.flush()
    assert history.dropped == 1
    assert not disk.reserve.exists() if free[0] < FULL_BYTES else disk.reserve.exists()
    free[0], at[0] = 10**9, 20.0
    history.append([Sample(power, 3.0, GOOD, now.us)])
    assert history.flush()
    until(lambda: history.points("Depot.Power", 0, now.us + 1, 9)[-1].value == 3.0)
    assert [p.value for p in history.points("Depot.Power", 0, now.us + 1, 9)] == [1.0, 3.0]
    assert disk.reserve.exists()
    history.close()


def test_what_is_wrong_with_a_server_is_said_in_a_sentence_and_the_plant_runs(
    own_server: PostgreSql, tmp_path: Path, tags: TagDatabase
) -> None:
    name = own_server.database()
    own_server.execute("CREATE USER weak PASSWORD 'right'")
    socket = f"host={own_server.folder}"
    foreign = own_server.database()
    own_server.execute("CREATE TABLE recipes (id int)", foreign)
    for known in ("newer", "other"):
        (tmp_path / known).mkdir()
    newer = own_server.database()
    SampleHistory(Place(tmp_path / "newer", parse_url(own_server.url(newer)), "Test")).close()
    other = own_server.database()
    SampleHistory(Place(tmp_path / "other", parse_url(own_server.url(other)), "Another")).close()
    own_server.execute("UPDATE history_version SET version_num = '9999'", newer)
    cases = {
        own_server.url(name, "weak"): "has not the right",
        own_server.url("nowhere"): "no such database",
        f"postgresql://test@127.0.0.1:1/{name}": "cannot be reached",
        own_server.url(foreign): "other tables than ours",
        own_server.url(newer): "newer version of this program",
        own_server.url(other): "the history of project 'Another'",
    }
    assert socket
    for number, (url, sentence) in enumerate(cases.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        history = SampleHistory(Place(folder, parse_url(url), "Test"))
        assert sentence in history.state, history.state
        history.append([Sample(tags["Depot.Power"], 1.0, GOOD, T0)])
        assert history.flush()
        assert history.spill_bytes > 0
        history.close()


def test_a_wrong_password_is_said_without_telling_it(own_server: PostgreSql, tmp_path: Path) -> None:
    own_server.execute("ALTER USER test PASSWORD 'right'")
    (own_server.folder / "data" / "pg_hba.conf").write_text("local all all scram-sha-256\n")
    name = "postgres"
    own_server.stop()
    own_server._settings["hba_file"] = str(own_server.folder / "data" / "pg_hba.conf")
    with pytest.raises(RuntimeError):
        own_server.start_and_wait(2)
    history = SampleHistory(Place(tmp_path, parse_url(own_server.url(name, password="secret-word")), "Test"))
    assert "password is wrong" in history.state
    assert "secret-word" not in history.state
    history.close()


@pytest.mark.parametrize(
    "text", ["", "nonsense", "mysql://x@y/z", "postgresql://host", "postgresql://u:pw@h:port/d"]
)
def test_what_is_no_url_is_said_at_the_start_and_not_repeated(text: str) -> None:
    with pytest.raises(StartError, match="looks like postgresql://") as caught:
        parse_url(text)
    assert not text or text not in str(caught.value)


def test_two_writers_of_one_database_are_refused(own_server: PostgreSql, tmp_path: Path) -> None:
    url = parse_url(own_server.url(own_server.database()))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first = SampleHistory(Place(tmp_path / "a", url, "Test"))
    second = SampleHistory(Place(tmp_path / "b", url, "Test"))
    assert not first.state
    assert "another program writes" in second.state
    first.close()
    second.close()


def test_an_older_file_is_copied_and_upgraded(tmp_path: Path, tags: TagDatabase) -> None:
    history = SampleHistory(Place(tmp_path))
    history.append([Sample(tags["Depot.Power"], 1.0, GOOD, T0)])
    history.close()
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    ours = Place(tmp_path).migrations
    for path in (ours / "env.py", *ours.glob("versions/r*.py")):
        (folder / path.relative_to(ours)).write_text(path.read_text())
    (folder / "versions" / "r9_more.py").write_text(
        f"from alembic import op\nrevision = '{HEAD + 1}'\ndown_revision = '{HEAD}'\n"
        "def upgrade():\n    op.execute('ALTER TABLE history_tag ADD COLUMN more INTEGER')\n"
    )
    history = SampleHistory(Place(tmp_path, migrations=folder, head=HEAD + 1), HistorySettings())
    assert seen(history) == [0]
    history.close()
    (copy,) = tmp_path.glob(f"history.db.*{HEAD}")
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT version_num FROM history_version").fetchall() == [(str(HEAD),)]
    connection.close()
    with pytest.raises(StartError, match="newer version"):
        SampleHistory(Place(tmp_path))
