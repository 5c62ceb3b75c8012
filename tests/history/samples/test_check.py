"""`scada history check`: it finds what is wrong, moves it aside and loses nothing else."""

from sqlalchemy import update

from scada.core.database import TagDatabase
from scada.history.samples import SampleHistory, tables
from scada.history.samples.check import Findings, check, compact
from scada.history.samples.store import SampleStore
from tests.history.samples.conftest import DAY, T0, Now
from tests.history.samples.test_rollups import fill, rolled


def checked(history: SampleHistory, *, repair: bool = False) -> Findings:
    found: list[Findings] = []
    assert history.writer.submit(lambda store: found.append(check(store, repair=repair)), 30)
    return found[0]


def test_a_whole_store_has_no_problems(history: SampleHistory, tags: TagDatabase, now: Now) -> None:
    drawn = fill(history, tags)
    now.us = T0 + 4 * DAY
    rolled(history, now.us)
    found = checked(history)
    assert (found.problems, found.samples, found.rollups) == ([], len(drawn), 3)


def test_damage_is_named_and_moved_aside_and_the_rest_is_there(
    history: SampleHistory, tags: TagDatabase, now: Now
) -> None:
    drawn = fill(history, tags, 8)
    now.us = T0 + 9 * DAY
    rolled(history, now.us)

    def damage(store: SampleStore) -> None:
        with store.engine.begin() as connection:
            connection.execute(
                update(tables.block).where(tables.block.c.t0 == T0).values(data=b"no block at all")
            )
            connection.execute(
                update(tables.day).where(tables.day.c.t0 == T0 + 7 * DAY).values(hours=b"", quarters=b"", n=1)
            )

    assert history.writer.submit(damage, 20)
    found = checked(history)
    assert len([problem for problem in found.problems if "the block from 2025-10-10" in problem]) == 1
    assert any("the roll-up of 2025-10-17" in problem for problem in found.problems)
    repaired = checked(history, repair=True)
    assert repaired.repaired == len(repaired.problems) > 0
    again = checked(history)
    assert again.problems == []
    left = history.points("Depot.Power", T0, T0 + 8 * DAY, 20_000)
    assert 0 < len(left) < len(drawn)
    assert [(p.time_us, p.value) for p in left] == drawn[-len(left) :]
    damaged = list((history.writer.place.directory / "damaged").iterdir())
    assert [path.read_bytes() for path in damaged] == [b"no block at all"]


def test_compact_joins_what_is_small(history: SampleHistory, tags: TagDatabase, now: Now) -> None:
    for _ in range(10):
        fill(history, tags, 1)

    def blocks() -> int:
        return checked(history).blocks

    before = history.points("Depot.Power", T0, T0 + DAY, 20_000)
    assert len(before) == 1_440
    assert history.writer.submit(lambda store: compact(store, now.us), 30)
    assert blocks() <= 10
    assert history.points("Depot.Power", T0, T0 + DAY, 20_000) == before
