"""Lists as CSV for spreadsheets (RFC 4180, UTF-8 with the mark that they know it by), part by part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from scada.core import csv_text
from scada.core.ports import Page

PAGE = 500
EXPORT_MAX = 100_000
"""Rows of one export, newest first; what is older comes with an earlier `to`."""

MISSING = "what is older cannot be read now and is missing here"
"""The last line of a file that is not whole."""

T = TypeVar("T")


def response(
    name: str,
    model: type[BaseModel],
    read: Callable[[int, str | None], Awaitable[Page[T]]],
    item: Callable[[T], BaseModel],
) -> StreamingResponse:
    """A file of all rows up to `EXPORT_MAX`, a column an attribute of the model.

    Args:
        name: of the file, without ending.
        read: a part of the list by (limit, cursor).
    """
    return StreamingResponse(
        _lines(model, read, item),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


async def _lines(
    model: type[BaseModel],
    read: Callable[[int, str | None], Awaitable[Page[T]]],
    item: Callable[[T], BaseModel],
) -> AsyncIterator[str]:
    names = list(model.model_fields)
    yield csv_text.MARK + csv_text.lines([names])
    cursor: str | None = None
    for _ in range(EXPORT_MAX // PAGE):
        page = await read(PAGE, cursor)
        rows = (item(row).model_dump() for row in page.items)
        yield csv_text.lines([row[name] for name in names] for row in rows)
        if not page.complete:
            yield csv_text.lines([[MISSING]])
            return
        cursor = page.next
        if cursor is None:
            return
