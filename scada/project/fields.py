"""Kinds of fields that the sections of a project's files share."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from scada.core.path import is_segment
from scada.core.plant import OCPP_IDENTITY
from scada.core.units import UNITS

_SECRET_REFERENCE = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)?\Z")
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\Z")


def _segment(text: str) -> str:
    if not is_segment(text):
        raise ValueError("a tag name is made of letters, digits and '_' and does not begin with a digit")
    return text


def _timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"'{text}' is no time zone of the IANA list, for example Europe/Paris")
    return text


def _reference(text: str) -> str:
    if not _SECRET_REFERENCE.match(text):
        raise ValueError("a secret is given by reference: env:NAME or file:PATH, never in clear")
    return text


def _email(text: str) -> str:
    if not _EMAIL.match(text):
        raise ValueError(f"'{text}' is no e-mail address")
    return text


def _identity(text: str) -> str:
    if not OCPP_IDENTITY.match(text):
        raise ValueError("an OCPP identity has 1 to 48 of the characters A-Z a-z 0-9 * - : @ | _ = + .")
    return text


def _unit(text: str) -> str:
    if text and text not in UNITS:
        raise ValueError(f"unknown unit '{text}', known: {', '.join(UNITS)}")
    return text


def _texts(value: object) -> object:
    return {"": value} if isinstance(value, str) else value


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


Segment = Annotated[str, AfterValidator(_segment)]
Timezone = Annotated[str, AfterValidator(_timezone)]
SecretReference = Annotated[str, AfterValidator(_reference)]
Email = Annotated[str, AfterValidator(_email)]
Identity = Annotated[str, AfterValidator(_identity)]
UnitSymbol = Annotated[str, AfterValidator(_unit)]
Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
Words = Annotated[list[str], BeforeValidator(_split)]
Port = Annotated[int, Field(ge=0, le=65535)]
SecurityProfile = Annotated[int, Field(ge=0, le=3)]
Positive = Annotated[float, Field(gt=0)]
EventKind = Literal[
    "transaction_started",
    "transaction_stopped",
    "boot",
    "status",
    "link",
    "firmware_status",
    "diagnostics_status",
    "file_received",
    "security_event",
    "reservation",
    "visit_began",
    "visit_ended",
    "data_transfer",
    "signed_meter_value",
]
"""`scada.core.effects.Event.kind`."""


class Strict(BaseModel):
    """An unknown key is a mistake: it is most often a misspelt one."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
