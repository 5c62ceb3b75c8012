"""Where a link may lead after the log-in."""

from __future__ import annotations

from typing import Any

import pytest

from scada.hmi.access import Gate, local_path


@pytest.mark.parametrize("target", ["/", "/site/Depot?connector=Depot.CP01.C1", "/alarms?tab=journal#x"])
def test_own_pages(target: str) -> None:
    assert local_path(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "//evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\\evil.example",
        "evil",
        "/a\nb",
        "\\/x",
        "/\t/x",
    ],
)
def test_nowhere_else(target: str) -> None:
    assert local_path(target) == "/"


@pytest.mark.parametrize("left", [True, False])
async def test_a_browser_that_leaves_before_the_answer_is_no_fault(world: Any, left: bool) -> None:
    async def no_answer(*_: Any) -> None:
        raise RuntimeError("No response returned.")

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"} if left else {"type": "http.request", "body": b""}

    async def send(_message: Any) -> None:
        raise AssertionError("nobody is there")

    gate = Gate(no_answer, world.services)
    scope = {
        "type": "http", "method": "GET", "path": "/login", "query_string": b"", "headers": [], "server": ("x", 80),
    }  # fmt: skip
    if left:
        await gate(scope, receive, send)
    else:
        with pytest.raises(RuntimeError):
            await gate(scope, receive, send)
