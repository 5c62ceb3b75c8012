"""Where a link may lead after the log-in."""

from __future__ import annotations

import pytest

from scada.hmi.access import local_path


@pytest.mark.parametrize("target", ["/", "/site/Depot?select=Depot.CP01.C1", "/alarms?tab=journal#x"])
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
