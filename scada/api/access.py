"""Who calls: bearer token, or user and password. Cookies do not count here, so no other page can call in a user's name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable

from fastapi import HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBearer

from scada.api.services import ApiServices
from scada.core.access import Actor, Right
from scada.core.errors import Denied

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="scada", Basic realm="scada"'}

# They only describe the two ways in the OpenAPI document; `actor_of` does the work.
bearer_scheme = HTTPBearer(auto_error=False, description="A token of POST /api/v1/token")
basic_scheme = HTTPBasic(auto_error=False, description="User and password")


def origin_of(request: Request) -> str:
    """`api` with the caller's address."""
    return f"api {request.client.host}" if request.client else "api"


async def actor_of(services: ApiServices, request: Request) -> Actor:
    """Who calls.

    Raises:
        HTTPException: 401.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    origin = origin_of(request)
    if scheme.lower() == "bearer":
        actor = services.accounts.actor(credentials.strip(), origin)
        if actor is None:
            raise HTTPException(401, "the token is not valid (any more)", _CHALLENGE)
        return actor
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise HTTPException(401, "the Authorization header cannot be read", _CHALLENGE) from None
        try:
            return await services.accounts.verify(name, password, origin)
        except Denied as denied:
            raise HTTPException(401, str(denied), _CHALLENGE) from None
    raise HTTPException(401, "log in: a bearer token, or user and password", _CHALLENGE)


def requires(services: ApiServices, right: Right) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency: the caller, who must have a right."""

    async def check(request: Request) -> Actor:
        actor = await actor_of(services, request)
        actor.require(right)
        return actor

    return check
