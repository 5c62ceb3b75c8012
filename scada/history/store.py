"""The store of a project: opens its databases and hands out what implements the core's ports."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Engine, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from scada.charging.sessions import CLOSED_REMEMBERED
from scada.charging.visits import VISITS_REMEMBERED
from scada.core.errors import StartError
from scada.core.plant import HistorySettings
from scada.core.ports import UserRow
from scada.core.records import AlarmState, TransactionState
from scada.core.value import SECOND_US, TimeUs
from scada.history import feed, schema
from scada.history.archive import SqlArchive
from scada.history.database import make_engine, prepare_directory
from scada.history.journal import SqlJournal
from scada.history.messages import SqlMessages
from scada.history.older import Older
from scada.history.outbox import SqlOutbox
from scada.history.rows import (
    to_alarm,
    to_document,
    to_escalation,
    to_hold,
    to_retained,
    to_transaction,
    to_user,
    to_visit,
)
from scada.history.samples import HistoryAway, Place, SampleHistory, parse_url
from scada.history.samples.store import SampleStore
from scada.history.sessions import SqlSessions
from scada.history.upgrade import open_core_database
from scada.runtime.plant_core import Restart

READERS = 3
"""Threads, and connections, for queries. More queries than these wait in line."""
DAY_US = 86_400 * SECOND_US


class CoreStore:
    """Everything that outlives a run.

    Args:
        priorities: level → priority class of ISA-18.2, for figures.

    Attributes:
        journal: for the commit gate.
        users, outbox, archive: see `scada.core.ports`; sessions: `scada.core.session_ports`.
        messages: the log of the chargers' messages.
        samples: for the plant host; its thread begins with the first sample.
        older: records that only PostgreSQL has.
        feeder: copies records to PostgreSQL; None: it was not begun, or there is none.
    """

    def __init__(
        self,
        directory: Path,
        writer: Engine,
        samples: SampleHistory,
        priorities: Mapping[int, str] | None = None,
        place: Place | None = None,
        local_days: int = HistorySettings.local_days,
    ) -> None:
        self._writer = writer
        self._place = place
        self._local_days = local_days
        self.feeder: feed.Feeder | None = None
        self._reader = make_engine(directory / "core.db", "FULL", read_only=True, connections=READERS + 1)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="archive")
        self.samples = samples
        self.journal = SqlJournal(writer, self._lock)
        self.users = SqlUsers(writer, self._lock)
        self.outbox = SqlOutbox(writer, self._lock, self._pool)
        self.messages = SqlMessages(place or Place(directory), self._pool)
        self.older = Older(place)
        self.sessions = SqlSessions(self._reader, self.older, self._pool)
        self.archive = SqlArchive(self._reader, self.older, samples, self._pool, priorities or {})

    def restart(self) -> Restart:
        """What an earlier run left: where numbers go on, what is not normal, held, kept or not yet answered."""
        table, journal, alarm = schema.transaction, schema.alarm_journal, schema.alarm_state
        escalation = schema.escalation
        is_open = table.c.state == TransactionState.OPEN.value
        not_normal = alarm.c.state != AlarmState.NORMAL.value
        with self._reader.connect() as connection:
            last_sequence = max(
                connection.scalar(select(func.max(column))) or 0
                for column in (journal.c.sequence, alarm.c.sequence)
            )
            next_transaction = 1 + (connection.scalar(select(func.max(table.c.id))) or 0)
            begun_by = (journal.c.sequence == alarm.c.first_out) & (journal.c.alarm == alarm.c.alarm)
            leads = select(journal.c.sequence).where(begun_by).exists().label("leads")
            alarms = connection.execute(
                select(alarm, leads).where(not_normal).order_by(alarm.c.sequence)
            ).all()
            holds = connection.execute(select(schema.hold).order_by("since_us", "kind", "path")).all()
            retained = connection.execute(select(schema.retained).order_by("path")).all()
            documents = connection.execute(select(schema.document).order_by("kind", "key")).all()
            # One that has ended counts only while its alarm stands: then it must not begin anew.
            stands = select(alarm.c.alarm).where(
                not_normal, alarm.c.alarm == escalation.c.alarm, alarm.c.raised_us == escalation.c.raised_us
            )
            escalations = connection.execute(
                select(escalation).where(~escalation.c.ended | stands.exists()).order_by("alarm", "profile")
            ).all()
            rows = [
                *connection.execute(select(table).where(is_open)),
                *connection.execute(
                    select(table).where(~is_open).order_by(table.c.id.desc()).limit(CLOSED_REMEMBERED)
                ),
            ]
            visit = schema.visit
            next_visit = 1 + (connection.scalar(select(func.max(visit.c.id))) or 0)
            stands_now = visit.c.ended_us.is_(None)
            visits = [
                *connection.execute(select(visit).where(stands_now)),
                *connection.execute(
                    select(visit).where(~stands_now).order_by(visit.c.id.desc()).limit(VISITS_REMEMBERED)
                ),
            ]
        return Restart(
            next_sequence=1 + last_sequence,
            next_transaction=next_transaction,
            alarms=list(map(to_alarm, alarms)),
            holds=list(map(to_hold, holds)),
            retained=list(map(to_retained, retained)),
            documents=list(map(to_document, documents)),
            escalations=list(map(to_escalation, escalations)),
            # By id: the book forgets the first of them first.
            transactions=sorted(map(to_transaction, rows), key=lambda record: record.id),
            next_visit=next_visit,
            visits=sorted(map(to_visit, visits), key=lambda record: record.id),
        )

    def begin_feed(self) -> None:
        """Feed PostgreSQL from now on where it is configured; else note that there is none. Blocks."""
        if self._place is None or self._place.url is None:
            feed.disarm(self._writer, self._lock)
        elif self.feeder is None:
            self.feeder = feed.Feeder(
                self._place, self._writer, self._reader, self._lock, self._local_days * DAY_US
            )

    def close(self) -> None:
        """Write the samples that wait, and close the files. Blocks; call it off the loop or at the very end."""
        if self.feeder is not None:
            self.feeder.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.samples.close()
        self.messages.close()
        self.older.close()
        self._reader.dispose()
        self._writer.dispose()


class SqlUsers:
    """Implements `scada.core.ports.UserStore`."""

    def __init__(self, engine: Engine, lock: threading.Lock) -> None:
        self._engine = engine
        self._lock = lock

    def get(self, name: str) -> UserRow | None:
        """The account, or None."""
        with self._lock, self._engine.connect() as connection:
            row = connection.execute(select(schema.user).where(schema.user.c.name == name)).one_or_none()
        return to_user(row) if row else None

    def list(self) -> builtins.list[UserRow]:
        """All accounts by name."""
        with self._lock, self._engine.connect() as connection:
            return [to_user(row) for row in connection.execute(select(schema.user).order_by("name"))]

    def put(self, user: UserRow) -> None:
        """Make or replace an account."""
        values = {
            "role": user.role,
            "password_hash": user.password_hash,
            "language": user.language,
            "disabled": user.disabled,
            "theme": user.theme,
            "must_change": user.must_change,
            "last_log_in_us": user.last_log_in_us,
        }
        statement = insert(schema.user).values(name=user.name, **values)
        with self._lock, self._engine.begin() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))

    def seen(self, name: str, time_us: TimeUs) -> None:
        """Note the last log-in of an account."""
        table = schema.user
        with self._lock, self._engine.begin() as connection:
            connection.execute(update(table).where(table.c.name == name).values(last_log_in_us=time_us))

    def remove(self, name: str) -> bool:
        """Delete an account; False if there was none."""
        with self._lock, self._engine.begin() as connection:
            return connection.execute(delete(schema.user).where(schema.user.c.name == name)).rowcount > 0


def open_core(
    directory: Path,
    priorities: Mapping[int, str] | None = None,
    *,
    history: HistorySettings | None = None,
    project: str = "",
    secret: Callable[[str], str | None] = lambda _: None,
) -> CoreStore:
    """Open the databases of a project's `data` folder, or make them.

    Args:
        priorities: level → priority class of ISA-18.2, for figures; a level without one counts as `journal`.
        history: where samples are kept; default: in `history.db`.
        project: its name: a history of another one is refused.
        secret: reference → secret, for the URL of a PostgreSQL database.

    Raises:
        StartError: the folder cannot be written, a file is damaged or of another version. Nothing was changed.
    """
    prepare_directory(directory)
    place = sample_place(directory, history, project, secret)
    writer = open_core_database(directory / "core.db")
    try:
        samples = SampleHistory(place, history)
    except BaseException:
        writer.dispose()
        raise
    kept = history or HistorySettings()
    return CoreStore(directory, writer, samples, priorities, place, kept.local_days)


def sample_place(
    directory: Path,
    history: HistorySettings | None,
    project: str,
    secret: Callable[[str], str | None],
) -> Place:
    """Where a project's samples are kept.

    Raises:
        StartError: the secret is not there, or holds no URL of a PostgreSQL database.
    """
    reference = history.url if history is not None else ""
    if not reference:
        return Place(directory, project=project)
    text = secret(reference)
    if not text:
        raise StartError(
            f"the URL of the history database is not there: set {reference} "
            "(postgresql://user:password@host:5432/database), or leave [history] url out for history.db"
        )
    return Place(directory, parse_url(text), project)


def open_samples(
    directory: Path, history: HistorySettings, project: str, secret: Callable[[str], str | None]
) -> SampleStore:
    """The sample store alone, for tools, while no supervisor runs.

    Raises:
        StartError: it cannot be used.
    """
    try:
        return SampleStore(sample_place(directory, history, project, secret))
    except HistoryAway as error:
        raise StartError(str(error)) from error
