"""Node ids and status codes of asyncua, typed as we use them."""

from __future__ import annotations

from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

__all__ = ["AttributeIds", "ObjectIds", "StatusCodes", "node_id", "status"]


def node_id(identifier: Any, index: int = 0) -> ua.NodeId:
    """A node id: a number of the standard, or a text or bytes of ours."""
    number: Any = index
    return ua.NodeId(identifier, number)


def status(code: int) -> ua.StatusCode:
    """A status code."""
    value: Any = int(code)
    return ua.StatusCode(value)
