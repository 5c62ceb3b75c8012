"""Samples reach the disk, whatever they hold, and are seen wherever they are: queue, journal, blocks, waiting on disk."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import update

from scada.core.database import Sample, TagDatabase
from scada.core.errors import BadRequest, NotFound
from scada.core.ports import Correction, Point
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import GOOD, Kind, Quality
from scada.history.samples import SampleHistory, query, tables
from scada.history.samples.store import SampleStore
from tests.history.samples.conftest import DAY, T0, Now, Open

BAD = Quality.BAD_NO_COMMUNICATION


def compact(history: SampleHistory, *, everything: bool = True) -> None:
    assert history.flush()
    assert history.writer.submit(
        lambda store: store.compact(history.writer._now_us(), everything=everything), 20
    )


def test_every_kind_of_value_comes_back(open_history: Open, tags: TagDatabase) -> None:
    power, online, status = tags["Depot.Power"], tags["Depot.Online"], tags["Depot.Status"]
    history = open_history()
    history.append(
        [
            Sample(power, 1.5, GOOD, T0 + 10),
            Sample(power, math.nan, Quality.BAD_NO_DATA, T0 + 20),
            Sample(power, 7, GOOD, T0 + 30),
            Sample(power, 10**400, GOOD, T0 + 40),
            Sample(power, None, BAD, T0 + 50),
            Sample(online, True, GOOD, T0 + 10),
            Sample(online, False, GOOD, T0 + 11),
            Sample(status, "Charging \ud800 é\0", GOOD, T0 + 10),
        ]
    )
    history.close()

    for everything in (False, True):
        history = open_history()
        assert history.points("Depot.Power", T0, T0 + 100, 10) == [
            Point(T0 + 10, 1.5, GOOD),
            Point(T0 + 20, None, Quality.BAD_NO_DATA),
            Point(T0 + 30, 7.0, GOOD),
            Point(T0 + 40, None, GOOD),
            Point(T0 + 50, None, BAD),
        ]
        assert [p.value for p in history.points("Depot.Online", T0, T0 + 100, 10)] == [True, False]
        assert [p.value for p in history.points("Depot.Status", T0, T0 + 100, 10)] == ["Charging ? é\0"]
        assert [p.time_us for p in history.points("Depot.Power", T0 + 20, T0 + 50, 2)] == [T0 + 30, T0 + 40]
        assert history.points("Depot.Nothing", 0, 100, 10) == []
        last = sorted(history.last_values())
        assert [(path, time_us) for path, _, time_us in last] == [
            ("Depot.Online", T0 + 11),
            ("Depot.Power", T0 + 30),
            ("Depot.Status", T0 + 10),
        ]
        assert [type(value) for _, value, _ in last] == [bool, float, str]
        compact(history, everything=everything)
        history.close()


def test_a_second_is_enough(history: SampleHistory, tags: TagDatabase) -> None:
    history.append([Sample(tags["Depot.Power"], 1.0, GOOD, T0 + 1)])
    done = threading.Event()
    for _ in range(200):
        if history.points("Depot.Power", T0, T0 + 10, 1):
            break
        done.wait(0.05)
    else:
        pytest.fail("it was not written by itself")


def test_hot_and_blocks_are_one_and_late_samples_find_their_place(
    open_history: Open, tags: TagDatabase
) -> None:
    power = tags["Depot.Power"]
    history = open_history()
    expected: dict[int, float] = {}

    def put(times: range) -> None:
        samples = [Sample(power, t / 10, GOOD, T0 + t * 1_000_000) for t in times]
        expected.update((sample.source_us, float(sample.value or 0)) for sample in samples)
        history.append(samples)

    put(range(0, 2_000, 2))
    compact(history)
    put(range(2_000, 3_000, 2))
    put(range(501, 701, 2))  # late, between others
    assert history.flush()
    everything = sorted(expected.items())

    def seen() -> list[tuple[int, object]]:
        return [(p.time_us, p.value) for p in history.points("Depot.Power", T0, T0 + DAY, 20_000)]

    assert seen() == everything
    compact(history)
    assert seen() == everything
    history.close()
    history = open_history()
    assert seen() == everything
    newest = history.points("Depot.Power", T0, T0 + DAY, 3)
    assert [p.time_us for p in newest] == [t for t, _ in everything[-3:]]


def test_a_kind_that_changes_begins_anew_and_the_old_samples_keep_their_meaning(
    history: SampleHistory, tags: TagDatabase
) -> None:
    history.append([Sample(tags["Depot.Online"], True, GOOD, T0 + 1)])
    changed = TagDatabase([replace(tags["Depot.Power"].definition, path="Depot.Online")])
    history.append([Sample(changed["Depot.Online"], 5.5, GOOD, T0 + 2)])
    assert history.flush()
    assert [p.value for p in history.points("Depot.Online", T0, T0 + 9, 9)] == [True, 5.5]


def test_strange_clocks_hurt_nobody(history: SampleHistory, tags: TagDatabase) -> None:
    power = tags["Depot.Power"]
    times = [2**80, -(2**80), 0, 253_402_300_799_000_000, T0]
    history.append([Sample(power, float(n), GOOD, t) for n, t in enumerate(times)])
    compact(history)
    # What is older than its class keeps goes with the next turn; what is in the future stays.
    assert [p.value for p in history.points("Depot.Power", T0 - DAY, 2**62, 9)] == [4.0, 3.0]


def test_clocks_that_step_back_keep_the_order_of_equal_times(
    history: SampleHistory, tags: TagDatabase
) -> None:
    power = tags["Depot.Power"]
    for values in ((1.0, 2.0), (3.0, 4.0)):
        history.append([Sample(power, value, GOOD, T0 + n) for n, value in enumerate(values)])
        compact(history)
    history.append([Sample(power, 5.0, GOOD, T0)])
    assert history.flush()
    assert [p.value for p in history.points("Depot.Power", T0, T0 + 9, 9)] == [1.0, 3.0, 5.0, 2.0, 4.0]


def test_a_correction_stands_in_the_place_of_a_sample_which_stays(
    history: SampleHistory, tags: TagDatabase
) -> None:
    power = tags["Depot.Power"]
    history.append([Sample(power, float(n), GOOD, T0 + n) for n in range(4)])
    compact(history)
    history.correct(
        [
            Correction(
                path="Depot.Power", time_us=T0 + 1, value=10.0, quality=GOOD, user="ann", reason="meter"
            ),
            Correction(
                path="Depot.Power", time_us=T0 + 9, value=9.0, quality=GOOD, user="ann", reason="filled"
            ),
        ]
    )
    assert [p.value for p in history.points("Depot.Power", T0, T0 + 99, 9)] == [0.0, 10.0, 2.0, 3.0, 9.0]
    with history.view() as view:
        original = view._blocks(view.entries("Depot.Power")[0][0], T0, T0 + 99)
    assert original[0].values.tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(NotFound):
        history.correct(
            [Correction(path="Depot.X", time_us=1, value=1.0, quality=GOOD, user="ann", reason="")]
        )
    with pytest.raises(BadRequest, match="holds numbers"):
        history.correct(
            [Correction(path="Depot.Power", time_us=1, value="x", quality=GOOD, user="ann", reason="")]
        )


def test_closed_it_takes_nothing_and_does_not_raise(open_history: Open, tags: TagDatabase) -> None:
    history = open_history()
    history.close()
    history.append([Sample(tags["Depot.Power"], 1.0, GOOD, 1)])
    assert history.dropped == 1


def test_a_damaged_block_is_a_gap_and_the_rest_is_there(history: SampleHistory, tags: TagDatabase) -> None:
    power = tags["Depot.Power"]
    history.append([Sample(power, float(n), GOOD, T0 + n) for n in range(1_024)])
    compact(history)

    def damage(store: SampleStore) -> None:
        with store.engine.begin() as connection:
            connection.execute(update(tables.block).where(tables.block.c.t0 == T0).values(data=b"\0" * 60))

    assert history.writer.submit(damage, 20)
    found = history.points("Depot.Power", T0, T0 + DAY, 5_000)
    assert found[0] == Point(T0, None, Quality.BAD_NO_DATA)
    assert [p.value for p in found[1:]] == [float(n) for n in range(512, 1_024)]


def test_readers_miss_nothing_and_see_nothing_twice_while_blocks_are_made(
    history: SampleHistory, tags: TagDatabase
) -> None:
    power = tags["Depot.Power"]
    history.append([Sample(power, float(n), GOOD, T0 + n) for n in range(3_000)])
    assert history.flush()
    wrong: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            count = len(history.points("Depot.Power", T0, T0 + 3_000, 20_000))
            if count != 3_000:
                wrong.append(count)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for round_ in range(10):
        history.append([Sample(power, float(n), GOOD, T0 + DAY + round_ * 100 + n) for n in range(100)])
        compact(history)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_values_at_a_moment(history: SampleHistory, tags: TagDatabase) -> None:
    history.append([Sample(tags["Depot.Power"], float(n), GOOD, T0 + 10 * n) for n in range(10)])
    history.append([Sample(tags["Depot.Status"], "Charging", GOOD, T0 - 40 * DAY)])
    compact(history)
    with history.view() as view:
        found = query.values_at(view, ["Depot.Power", "Depot.Status", "Depot.X"], T0 + 35)
    assert found == {
        "Depot.Power": Point(T0 + 30, 3.0, GOOD),
        "Depot.Status": Point(T0 - 40 * DAY, "Charging", GOOD),
    }


def test_many_tags_come_in_at_once(history: SampleHistory, now: Now) -> None:
    many = TagDatabase(
        [
            TagDefinition(path=f"Depot.T{n}", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule())
            for n in range(3_000)
        ]
    )
    chance = np.random.default_rng(3)
    values = chance.normal(size=3_000)
    history.append([Sample(tag, float(v), GOOD, now.us) for tag, v in zip(many, values, strict=True)])
    compact(history)
    for n in (0, 1_234, 2_999):
        assert [p.value for p in history.points(f"Depot.T{n}", 0, now.us + 1, 2)] == [values[n]]
