"""Appends samples for ever and prints, after each flush, the number of the last one that is on disk."""

import sys
from pathlib import Path

from scada.core.database import Sample, TagDatabase
from scada.core.tag import HistoryRule, Source, TagDefinition
from scada.core.value import GOOD, Kind
from scada.history.samples import Place, SampleHistory, parse_url

T0 = 1_760_054_400_000_000
directory, url = Path(sys.argv[1]), sys.argv[2]
tags = TagDatabase(
    [
        TagDefinition(path="Depot.Power", kind=Kind.REGISTER, source=Source.DRIVER, history=HistoryRule()),
        TagDefinition(path="Depot.Online", kind=Kind.BIT, source=Source.DRIVER, history=HistoryRule()),
    ]
)
power, online = tags
history = SampleHistory(Place(directory, parse_url(url) if url else None, "Test"), now_us=lambda: T0 + 10**12)
# Where the run before ended: on disk, which for a database that is not back yet is the spill.
known = [point.time_us - T0 for point in history.points("Depot.Power", T0, T0 + 10**10, 1)]
number = known[-1] if known else 0
while history.state:  # the server has not noticed yet that the one before is gone
    history.flush()
print("ready", flush=True)
known = [point.time_us - T0 for point in history.points("Depot.Power", T0, T0 + 10**10, 1)]
number = known[-1] if known else 0
turn = 0
while True:
    batch = []
    for _ in range(1 + turn % 50):
        number += 1
        batch += [
            Sample(power, number / 10, GOOD, T0 + number),
            Sample(online, number % 2 == 0, GOOD, T0 + number),
        ]
    history.append(batch)
    turn += 1
    if turn % 7 == 0 and history.flush():
        print(number, flush=True)
    if turn % 40 == 0:
        history.writer.submit(lambda store: store.compact(T0 + 10**12, everything=True), 10)
