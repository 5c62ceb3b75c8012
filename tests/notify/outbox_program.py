"""Sends the outbox of a folder to a mail server; rows are laid in beside it until there are enough and all are sent."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from scada.core.plant import Contact, Level, Mail, MailRelay, OnCallSettings, Plant
from scada.core.records import OutboxRecord
from scada.history import open_core
from scada.notify import Notifier, NotifierServices
from scada.runtime.clock import SystemClock
from scada.runtime.host import PlantHost

CONTACTS = 3


def row(number: int, now_us: int) -> OutboxRecord:
    who = number % CONTACTS
    snapshot: dict[str, Any] = {
        "alarm": f"Plant.A{number}",
        "event": "raised",
        "state": "active_unacknowledged",
        "level": 20,
        "raised_us": now_us,
        "time_us": now_us,
        "comment": f"row-{number}.",
    }
    return OutboxRecord(
        message_id=f"<{number}@scada>",
        thread_id="",
        created_us=now_us,
        contact=f"C{who}",
        recipient=f"c{who}@plant.example",
        language="en",
        template="alarm",
        cause=number,
        snapshot=json.dumps(snapshot),
    )


async def main(directory: Path, port: int, rows_max: int) -> None:
    contacts = tuple(
        Contact(name=f"C{n}", email=f"c{n}@plant.example", language="en", per_hour=100_000)
        for n in range(CONTACTS)
    )
    plant = Plant(
        name="P",
        label={},
        languages=("en",),
        timezone="UTC",
        sites=(),
        tags=(),
        levels=(Level(number=20, name={"en": "Urgent"}, priority="high", severity=700),),
        contacts=contacts,
        oncall=OnCallSettings(restart_window_us=0),
        mail=Mail(
            sender="scada@plant.example", relays=(MailRelay(host="127.0.0.1", port=port, security="none"),)
        ),
    )
    store = open_core(directory)
    host = PlantHost(plant, store.restart(), SystemClock(), store.journal, store.samples)
    notifier = Notifier(
        NotifierServices(
            plant=plant,
            host=host,
            outbox=store.outbox,
            archive=store.archive,
            folders=(Path(__file__).parents[2] / "alarms" / "mail",),
            secret=lambda _: None,
            retry_first_s=0.05,
            poll_s=0.01,
        )
    )

    async def feed() -> None:
        page = await store.archive.outbox(1, None)
        number = page.items[0].record.cause + 1 if page.items else 0
        while number < rows_max:
            batch = [row(number + k, host.clock.now_us()) for k in range(1 + number % 4)]
            await asyncio.to_thread(store.journal.commit, batch)
            number += len(batch)
            await asyncio.sleep(0.01)

    sender = asyncio.create_task(notifier.run())
    await feed()
    while not sender.done():
        page = await store.archive.outbox(1000, None)
        if all(one.state == "sent" for one in page.items):
            return
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
