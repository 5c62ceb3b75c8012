"""Configuration keys of all chargers, side by side. To read or change them there are campaigns.

No postponed annotations here: FastAPI evaluates them.
"""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from scada.api import models
from scada.api.access import requires
from scada.api.services import ApiServices
from scada.core.access import Right
from scada.core.errors import BadRequest
from scada.core.path import matcher


class KeyItem(BaseModel):
    """A configuration key over the chargers.

    `common`: the value that most have; `values`: by charger; `readonly`: those that do not take a change;
    `missing`: chargers that told their configuration, without this key.
    """

    key: str
    differs: bool
    common: str
    values: dict[str, str]
    readonly: list[str]
    missing: list[str]


def build(router: APIRouter, services: ApiServices, secured: list[Any]) -> None:
    """Add the routes."""
    maintain = Depends(requires(services, Right.MAINTAIN))

    @router.get("/configuration", tags=["chargers"], dependencies=[*secured, maintain])
    async def compare(
        site: Annotated[str, Query(max_length=100)] = "",
        charger: Annotated[str, Query(max_length=256, description="path or pattern")] = "**",
        key: Annotated[str, Query(max_length=50, description="only this key")] = "",
        differing: Annotated[bool, Query(description="only keys with different values")] = False,
    ) -> models.Page[KeyItem]:
        """The keys as chargers told them last, by name; values of secret keys are left out."""
        try:
            matches = matcher(charger)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        chosen = [
            one.path
            for one in services.plant.ocpp_chargers()
            if (not site or one.site == site) and matches(one.path)
        ]
        told = {path: keys for path in chosen if (keys := services.configuration(path))}
        names = sorted({name for keys in told.values() for name in keys}, key=str.casefold)
        items = [_item(name, told) for name in names if not key or name.casefold() == key.casefold()]
        return models.Page(items=[item for item in items if item.differs or not differing], next=None)


def _item(key: str, told: dict[str, Any]) -> KeyItem:
    values = {path: keys[key][0] for path, keys in told.items() if key in keys}
    missing = [path for path in told if path not in values]
    return KeyItem(
        key=key,
        differs=len(set(values.values())) > 1 or bool(missing),
        common=Counter(values.values()).most_common(1)[0][0],
        values=values,
        readonly=[path for path in values if told[path][key][1]],
        missing=missing,
    )
