"""Logs: structured, one line an event, to standard error; libraries only from WARNING on."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What moves a cursor, ends a line or turns the direction of writing; tab and line feed are left to the renderer."""


def configure(level: str = "info", *, json: bool = False) -> None:
    """Set logging up for the whole process.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        json: one JSON object a line instead of readable text.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _visible,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=28,
            # Not the pretty one: it prints local variables, and a password may be among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer] if json else [*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # These tell of every peer that misbehaves; what matters of it the product logs itself.
    for name in ("websockets", "asyncua", "pymodbus", "mail.log", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.ERROR if level != "debug" else logging.DEBUG)


def _visible(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Devices are quoted in the log: what they say must not steer a terminal, nor look like a line of its own."""
    for name, value in event.items():
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            event[name] = _CONTROL.sub(lambda found: ascii(found.group())[1:-1], value)
    return event
