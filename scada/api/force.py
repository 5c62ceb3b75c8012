"""Forcing a tag: a value of an operator's stands in for the source's, visibly, with a reason.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core.access import Actor, Right
from scada.core.errors import BadRequest, NotFound
from scada.core.value import SECOND_US
from scada.runtime.requests import Force, Release


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    maintain = Depends(requires(services, Right.MAINTAIN))
    host = services.host

    def detail(path: str) -> models.TagDetail:
        tag = host.tags.get(path)
        if tag is None:
            raise NotFound(f"there is no tag {path}")
        return models.tag_detail(tag)

    @router.post("/tags/{path}/force", tags=["tags"], dependencies=secured)
    async def force(
        path: str, body: models.ForceValue, actor: Annotated[Actor, maintain]
    ) -> models.TagDetail:
        """Hold a tag at a value until it is released or the time is over; audited."""
        detail(path)
        if body.until is not None and body.for_s is not None:
            raise BadRequest("give 'until' or 'for_s', not both")
        now_us = host.clock.now_us()
        until_us = models.parse_time(body.until, "until")
        if body.for_s is not None:
            until_us = now_us + round(body.for_s * SECOND_US)
        if until_us is not None and until_us <= now_us:
            raise BadRequest("'until' is over already")
        await host.request(Force(path, body.value, body.reason, until_us, actor))
        return detail(path)

    @router.delete("/tags/{path}/force", tags=["tags"], dependencies=secured)
    async def release(path: str, actor: Annotated[Actor, maintain]) -> models.TagDetail:
        """Give a forced tag back to its source; audited."""
        detail(path)
        await host.request(Release(path, actor))
        return detail(path)
