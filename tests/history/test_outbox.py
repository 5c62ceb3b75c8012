"""The outbox is a queue for each address: what waits, what is due, what became of it."""

from collections.abc import Callable

from scada.core.message_ports import OutboxRow
from scada.core.records import Channel, OutboxRecord
from scada.history import CoreStore

Mail = Callable[..., OutboxRecord]


async def waiting(store: CoreStore, now_us: int) -> list[OutboxRow]:
    return [row for queue in await store.outbox.claim(now_us, 10) for row in queue.rows]


async def test_one_message_is_tried_until_it_is_sent(store: CoreStore, mail: Mail) -> None:
    store.journal.commit([mail(1), mail(2, contact="Bob")])
    assert [row.record.cause for row in await waiting(store, 1)] == [1]
    first, second = await waiting(store, 2)
    await store.outbox.settle(first.id, state="waiting", answer="451 later", next_try_us=50, subject="S")
    assert [row.record.cause for row in await waiting(store, 49)] == [2]
    await store.outbox.settle(
        second.id, state="sent", answer="250 OK", next_try_us=0, subject="S", text="T", sent_us=7
    )
    (again,) = await waiting(store, 50)
    assert (again.record.cause, again.attempts, again.last_answer) == (1, 1, "451 later")
    sent = (await store.archive.outbox(10, None)).items[0]
    assert (sent.state, sent.subject, sent.text, sent.sent_us) == ("sent", "S", "T", 7)


async def test_what_went_together_is_settled_together(store: CoreStore, mail: Mail) -> None:
    store.journal.commit([mail(n) for n in range(1, 4)])
    (queue,) = await store.outbox.claim(9, 10)
    carrier, *others = (row.id for row in queue.rows)
    await store.outbox.bind(carrier, others)
    await store.outbox.settle(
        carrier, state="sent", answer="250 OK", next_try_us=0, subject="3", text="T", sent_us=9
    )
    rows = (await store.archive.outbox(10, None)).items
    assert [(row.state, row.sent_with, row.text) for row in reversed(rows)] == [
        ("sent", 0, "T"),
        ("sent", carrier, ""),
        ("sent", carrier, ""),
    ]
    store.journal.commit([mail(4, created_us=10)])
    (queue,) = await store.outbox.claim(10, 10)
    assert list(queue.sent_us) == [9]  # one message, whatever it carried


async def test_an_address_that_is_busy_or_of_another_channel_is_passed_over(
    store: CoreStore, mail: Mail
) -> None:
    store.journal.commit([mail(1), mail(2, channel=Channel.SMS), mail(3, contact="Bob", not_before_us=90)])
    claimed = await store.outbox.claim(5, 10, busy=[("Ann", "ann@example.org", Channel.EMAIL)])
    assert [row.record.cause for queue in claimed for row in queue.rows] == [2]
    claimed = await store.outbox.claim(5, 10, channels=[Channel.EMAIL])
    assert [row.record.cause for queue in claimed for row in queue.rows] == [1]


async def test_what_is_held_back_comes_when_its_time_is_there(store: CoreStore, mail: Mail) -> None:
    store.journal.commit([mail(1)])
    (row,) = await waiting(store, 5)
    await store.outbox.hold([row.id], 100, "quiet hours")
    assert await waiting(store, 99) == []
    (held,) = await waiting(store, 100)
    assert (held.state, held.last_answer) == ("held", "quiet hours")
