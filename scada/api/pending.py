"""Chargers that the project does not have: who waits, and taking them in.

No postponed annotations here: FastAPI evaluates them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core import moment
from scada.core.access import Actor, Right
from scada.core.errors import NotFound
from scada.core.pending import Adoption, PendingChargers

Text = Annotated[str, Field(max_length=255)]


class PendingItem(BaseModel):
    """A pending charger; see `scada.core.pending`. `device_type` is a suggestion."""

    identity: str
    vendor: str
    model: str
    serial: str
    firmware: str
    address: str
    secure: bool
    online: bool
    connectors: int
    device_type: str
    transactions: int
    first_seen: str
    last_seen: str
    rejected: bool


class AdoptBody(BaseModel):
    """What it becomes: the columns of chargers.csv, or `replaces` alone."""

    model_config = ConfigDict(extra="forbid")

    replaces: Text = Field(
        "", description="path of the charger in whose place it comes, for example Depot.CP03"
    )
    site: Text = ""
    tag: Text = ""
    type: Text = Field("", description="device type; empty: as suggested")
    connectors: Annotated[int, Field(ge=1, le=20)] | None = None
    plug: Text = ""
    current_a: Annotated[float, Field(gt=0)] | None = None
    power_kw: Annotated[float, Field(gt=0)] | None = None
    feeder: Text = ""
    bays: Text = ""
    label: Text = ""
    password_ref: Text = ""
    security: Annotated[int, Field(ge=0, le=3)] | None = None


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """The routes."""
    configure = Depends(requires(services, Right.CONFIGURE))

    def room() -> PendingChargers:
        if services.pending is None:
            raise NotFound("this system lets no unknown chargers wait")
        return services.pending

    @router.get("/pending", tags=["chargers"], dependencies=[*secured, configure])
    async def list_pending() -> models.Page[PendingItem]:
        """Chargers that have called and that the project does not have."""
        items = [
            PendingItem(
                identity=one.identity,
                vendor=one.vendor,
                model=one.model,
                serial=one.serial,
                firmware=one.firmware,
                address=one.address,
                secure=one.secure,
                online=one.online,
                connectors=one.connectors,
                device_type=one.device_type,
                transactions=one.transactions,
                first_seen=moment.text(one.first_seen_us),
                last_seen=moment.text(one.last_seen_us),
                rejected=one.rejected,
            )
            for one in room().list()
        ]
        return models.Page(items=items, next=None)

    @router.post("/pending/{identity}/reject", tags=["chargers"], dependencies=secured, status_code=204)
    async def reject(identity: str, actor: Annotated[Actor, configure]) -> Response:
        """Refuse a charger from now on."""
        await room().reject(identity, actor)
        return Response(status_code=204)

    @router.post("/pending/{identity}/adopt", tags=["chargers"], dependencies=secured, status_code=202)
    async def adopt(identity: str, body: AdoptBody, actor: Annotated[Actor, configure]) -> Response:
        """Take a charger into chargers.csv; the program then starts anew in its place, which takes some seconds.

        A mistake is answered with all that would be wrong with the project, and changes nothing.
        """
        given = body.model_dump(exclude_none=True, exclude={"replaces"})
        cells = {name: _cell(value) for name, value in given.items() if value != ""}
        await room().adopt(identity, Adoption(cells=cells, replaces=body.replaces), actor)
        return Response(status_code=202)


def _cell(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
