"""Killed at any moment between claiming, sending and noting: no message is lost, and a repeat is known as one."""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from sqlalchemy import select

from scada.history import open_core, schema

PROGRAM = Path(__file__).with_name("outbox_program.py")
ROWS = 400


def state_of(directory: Path) -> tuple[int, int, set[str]]:
    """(rows, rows that still wait, Message-IDs of the messages that carried the others)."""
    store = open_core(directory)
    try:
        with store._reader.connect() as connection:
            rows = connection.execute(select(schema.outbox)).all()
    finally:
        store.close()
    by_id = {row.id: row for row in rows}
    sent = [row for row in rows if row.state == "sent"]
    carriers = {by_id[row.sent_with or row.id].message_id for row in sent}
    return len(rows), len(rows) - len(sent), carriers


async def test_sigkill_loses_nothing_and_repeats_the_same_under_the_same_id(
    tmp_path: Path, server: Any
) -> None:
    chance = random.Random(11)
    runs, rows, left = 0, 0, 0
    carriers: set[str] = set()
    while rows < ROWS or left:
        runs += 1
        assert runs < 60
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), str(tmp_path), str(server.port), str(ROWS),
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        wanted = len(server.mails) + chance.randint(1, 25)
        try:
            async with asyncio.timeout(30):
                while len(server.mails) < wanted and process.returncode is None:
                    await asyncio.sleep(chance.uniform(0, 0.01))
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
        rows, left, carriers = await asyncio.to_thread(state_of, tmp_path)
    assert runs > 3
    assert carriers <= {mail["Message-ID"] for mail in server.mails}, "what is noted as sent has arrived"
    contents: dict[str, set[tuple[str, frozenset[int]]]] = defaultdict(set)
    told: set[int] = set()
    for mail in server.mails:
        text = mail.get_body(("html",)).get_content()
        numbers = frozenset(map(int, re.findall(r"row-(\d+)\.", text)))
        contents[mail["Message-ID"]].add((mail["To"].addresses[0].addr_spec, numbers))
        told |= numbers
    # A reader's program shows a repeat once: it must hold what the first one held.
    assert all(len(different) == 1 for different in contents.values())
    many = [mail for mail in server.mails if "more" in mail["Subject"]]
    assert many, "several rows travelled together"
    # A list of 25 is shown at most; whatever is not in one was counted in it.
    longest = max(len(numbers) for one in contents.values() for _, numbers in one)
    assert told == set(range(rows)) or longest == 25
