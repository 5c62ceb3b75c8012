"""Forcing a tag over REST: visible, with a reason, until it is released."""

from __future__ import annotations

import httpx2
import pytest

from scada.core.value import GOOD
from scada.testing.system import System

POWER = "Depot.CP06.C1.ActivePower"


async def test_a_forced_value_stands_until_it_is_released(system: System, client: httpx2.AsyncClient) -> None:
    host = system.running.host
    answer = await client.post(
        f"/tags/{POWER}/force", json={"value": 5, "reason": "meter is away", "for_s": 3600}
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["value"], answer.json()["quality"]) == (5, "GoodLocalOverride")
    host.write([(host.tags[POWER], 9.0, GOOD, host.clock.now_us())])
    assert (await client.get(f"/tags/{POWER}")).json()["value"] == 5
    listed = (await client.get("/tags", params={"quality": "GoodLocalOverride", "kind": "register"})).json()
    assert [item["path"] for item in listed["items"]] == [POWER]
    assert (await client.get("/tags", params={"quality": "GoodLocalOverride", "kind": "bit"})).json()[
        "items"
    ] == []
    released = await client.delete(f"/tags/{POWER}/force")
    assert released.status_code == 200, released.text
    assert released.json()["quality"] != "GoodLocalOverride"
    again = await client.delete(f"/tags/{POWER}/force")
    assert (again.status_code, "not forced" in again.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"value": 5}, 422, "required"),
        ({"value": 5, "reason": ""}, 422, "at least 1"),
        ({"value": "much", "reason": "x"}, 400, "register"),
        ({"value": 5, "reason": "x", "for_s": -1}, 422, "greater than 0"),
        ({"value": 5, "reason": "x", "until": "2020-01-01T00:00:00Z"}, 400, "over already"),
        ({"value": 5, "reason": "x", "until": "soon"}, 400, "RFC 3339"),
        ({"value": 5, "reason": "x", "until": "2030-01-01T00:00:00Z", "for_s": 5}, 400, "not both"),
    ],
)
async def test_what_cannot_be_forced(
    client: httpx2.AsyncClient, body: dict[str, object], status: int, told: str
) -> None:
    answer = await client.post(f"/tags/{POWER}/force", json=body)
    assert answer.status_code == status, answer.text
    assert told in str(answer.json()["detail"])


async def test_it_needs_the_right_to_maintain(system: System) -> None:
    body = {"value": 5, "reason": "x"}
    for user, status in (("gus", 403), ("olga", 403), ("admin", 404)):
        async with httpx2.AsyncClient(
            base_url=f"{system.http}/api/v1", trust_env=False, headers=system.basic(user)
        ) as made:
            assert (await made.post("/tags/Depot.Nothing/force", json=body)).status_code == status
            assert (await made.delete("/tags/Depot.Nothing/force")).status_code == status
