"""Works out sessions and rebuilds their day in FOLDER; its file `told` says what is acknowledged: `figures ID`, `done`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from scada.core import moment
from scada.core.records import SessionFigures, TransactionRecord, TransactionState
from scada.history import open_core
from scada.runtime.bookkeeper import Bookkeeper
from scada.runtime.documents import Documents
from scada.runtime.host import PlantHost
from scada.runtime.reconciler import Reconciler
from scada.runtime.requests import Note
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant

DAY, SESSIONS = "2026-03-03", 8
MINUTE_US = 60_000_000


def at(text: str) -> int:
    """A moment in microseconds."""
    time_us = moment.parse(text)
    assert time_us is not None
    return time_us


def session(number: int) -> TransactionRecord:
    """One of five minutes, ten after the one before it; its registers were told and lie in a gap."""
    began_us = at(f"{DAY}T00:00Z") + number * 10 * MINUTE_US
    return TransactionRecord(
        id=number,
        charger="Depot.CP01",
        connector=1,
        site="Depot",
        id_tag="CARD1",
        started_us=began_us,
        stopped_us=began_us + 5 * MINUTE_US,
        meter_start_wh=number * 1_000,
        meter_stop_wh=number * 1_000 + 500,
        energy_wh=500,
        state=TransactionState.CLOSED,
        updated_us=began_us + 6 * MINUTE_US,
        late=True,
    )


async def main(folder: Path) -> None:
    """Begin, or go on where an earlier run was killed."""
    told_file = (folder / "told").open("a", buffering=1)

    def say(line: str) -> None:
        told_file.write(line + "\n")

    plant = small_plant(folder)
    store = open_core(folder / "data")
    restart = store.restart()
    host = PlantHost(plant, restart, FakeClock(at("2026-03-04T10:00Z")), store.journal, store.samples)
    if restart.next_transaction == 1:
        store.journal.commit([session(number) for number in range(1, SESSIONS + 1)])
        tag = host.tags["Depot.CP01.C1.Energy"]
        host.write([(tag, 0.5, 0, at("2026-03-02T20:00Z"))])  # something was recorded there before
        host.cycle()
        await asyncio.to_thread(store.samples.flush)
    request = host.request

    async def told(question: Any) -> Any:
        answer = await request(question)
        if isinstance(question, Note):
            for record in question.records:
                if isinstance(record, SessionFigures):
                    say(f"figures {record.id}")
        return answer

    host.request = told  # type: ignore[method-assign,assignment]
    books = Bookkeeper(plant, host, store.archive, store.sessions)
    reconciler = Reconciler(
        plant, host, store.archive, store.sessions, books, Documents(host, restart.documents)
    )
    task = asyncio.create_task(host.run())
    say("from")
    await reconciler.rebuild(DAY, "test")
    say("done")
    task.cancel()
    await host.close()
    await asyncio.to_thread(store.close)


if __name__ == "__main__":
    asyncio.run(main(Path(globals()["FOLDER"])))
