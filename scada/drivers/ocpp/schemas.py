"""Validation by the JSON schemas that the `ocpp` package ships, compiled once each.

The first fault decides the CALLERROR code (OCPP 1.6J table 7, with its own spelling of "Occurence").
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocpp

from scada.drivers.ocpp.frames import CallError

_FOLDERS = {"ocpp1.6": "v16"}
_CODES = {
    "Type": "TypeConstraintViolation",
    "Format": "TypeConstraintViolation",
    "MaxLength": "TypeConstraintViolation",
    "AdditionalProperties": "FormationViolation",
    "Required": "OccurenceConstraintViolation",
    "MinItems": "OccurenceConstraintViolation",
    "MaxItems": "OccurenceConstraintViolation",
    "Enum": "PropertyConstraintViolation",
}


@functools.cache
def actions(version: str) -> frozenset[str]:
    """The names of all actions of a version, in either direction."""
    folder = _folder(version)
    return frozenset(path.stem for path in folder.glob("*.json") if not path.stem.endswith("Response"))


def check_request(version: str, action: str, body: object) -> None:
    """Check a CALL's payload.

    Raises:
        CallError: the first fault, under its code.
    """
    _check(_validator(version, action), body)


def check_response(version: str, action: str, body: object) -> None:
    """Check a CALLRESULT's payload. Raises CallError like `check_request`."""
    _check(_validator(version, f"{action}Response"), body)


def fault(version: str, action: str, body: object) -> str:
    """What is wrong with the payload of a CALL that we are to send, after its JSON path; empty: nothing."""
    found = next(_validator(version, action).iter_errors(body), None)
    if found is None:
        return ""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in found.instance_path)
    return f"${''.join(steps)}: {found.message}"


@functools.cache
def schema(version: str, name: str) -> dict[str, Any]:
    """The JSON schema of a message: `Reset` of a CALL's payload, `ResetResponse` of its CALLRESULT's."""
    path = _folder(version) / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    return found


def _check(validator: Any, body: object) -> None:
    try:
        validator.validate(body)
    except jsonschema_rs.ValidationError as fault:
        kind = type(fault.kind).__name__.rpartition("_")[2]
        code = _CODES.get(kind, "PropertyConstraintViolation")
        where = "/".join(map(str, fault.instance_path))
        raise CallError(code, f"{where}: {fault.message}" if where else fault.message) from None


@functools.cache
def _validator(version: str, name: str) -> Any:
    return jsonschema_rs.validator_for(schema(version, name))


def _folder(version: str) -> Path:
    return Path(str(ocpp.__file__)).parent / _FOLDERS[version] / "schemas"
