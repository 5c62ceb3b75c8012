"""What devices say is quoted in the log, and does nothing there."""

from __future__ import annotations

from scada.runtime.logs import _visible


def test_what_a_device_says_moves_no_cursor_and_makes_no_line() -> None:
    said = {
        "event": "x",
        "text": "\x1b[2J\x9b31m\r2026 [error] fake\u202e",
        "name": "Borne n° 1 — été",
        "n": 1,
    }
    shown = _visible(None, "info", dict(said))
    assert shown["name"] == said["name"]
    assert shown["n"] == 1
    assert shown["text"] == "\\x1b[2J\\x9b31m\\r2026 [error] fake\\u202e"
