"""The plant core's vocabulary: tags, plant, commands, records. Plain synchronous code.

Nothing in here knows a clock, a loop, a protocol, a file or a database. Times are integers:
microseconds since 1970-01-01 UTC (`*_us`). Files in this folder are imported by name.
"""
