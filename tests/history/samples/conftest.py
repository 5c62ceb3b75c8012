"""One suite, two engines: what takes `place` or `history` runs on SQLite and on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scada.core.database import TagDatabase
from scada.core.plant import HistorySettings
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import Kind
from scada.history.samples import Place, SampleHistory, parse_url
from scada.testing.postgresql import PostgreSql

DAY = 86_400_000_000
T0 = 1_760_054_400_000_000
"""A midnight, 2025-10-10."""


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSql]:
    started = PostgreSql()
    yield started
    started.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path, project="Test")
    server: PostgreSql = request.getfixturevalue("server")
    return Place(tmp_path, parse_url(server.url(server.database())), "Test")


class Now:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.us = T0 + 2 * DAY

    def __call__(self) -> int:
        return self.us


@pytest.fixture
def now() -> Now:
    return Now()


Open = Callable[..., SampleHistory]


@pytest.fixture
def open_history(place: Place, now: Now) -> Iterator[Open]:
    """Opens the history of this test, again and again; closes what is left open."""
    opened: list[SampleHistory] = []

    def make(settings: HistorySettings | None = None) -> SampleHistory:
        history = SampleHistory(place, settings, now_us=now)
        opened.append(history)
        return history

    yield make
    for history in opened:
        history.close()


@pytest.fixture
def history(open_history: Open) -> SampleHistory:
    return open_history()


@pytest.fixture
def tags() -> TagDatabase:
    return TagDatabase(
        [
            TagDefinition(
                path=f"Depot.{name}",
                kind=kind,
                source=Source.DRIVER,
                history=HistoryRule(retention=retention),
            )
            for name, kind, retention in (
                ("Power", Kind.REGISTER, "standard"),
                ("Energy", Kind.REGISTER, "long"),
                ("Current", Kind.REGISTER, "short"),
                ("Online", Kind.BIT, "standard"),
                ("Status", Kind.TEXT, "standard"),
            )
        ]
    )
