"""What a timed report carries as files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from scada.core.plant import Plant
from scada.core.records import OutboxRecord
from scada.core.report_ports import ReportDesk, ReportRequest
from scada.i18n import DEFAULT_LANGUAGE, LANGUAGES
from scada.notify.message import Attachment

BYTES_MAX = 8_000_000
"""Of all files of a mail: most relays take ten million bytes, and base64 adds a third."""

log = structlog.get_logger()


async def attachments(
    desk: ReportDesk, plant: Plant, record: OutboxRecord, snapshot: Mapping[str, Any]
) -> tuple[list[Attachment], list[str]]:
    """(files, formats that could not be made or are too large): the mail goes out all the same, and says so.

    The period is that of the moment at which the report was due, however late it is sent.
    """
    report = next((one for one in plant.reports if one.name == snapshot.get("report")), None)
    if report is None or not report.report:
        return [], []
    due_us = snapshot.get("time_us")
    language = record.language if record.language in LANGUAGES else DEFAULT_LANGUAGE
    zone = report.timezone
    files: list[Attachment] = []
    missing: list[str] = []
    left = BYTES_MAX
    for form in report.formats:
        try:
            from_us, to_us = desk.span(
                report.period, due_us if isinstance(due_us, int) else record.created_us, zone
            )
            request = ReportRequest(
                report=report.report,
                from_us=from_us,
                to_us=to_us,
                site=report.site,
                by=report.by,
                step=report.step,
                language=language,
                timezone=zone,
            )
            made = await desk.file(request, form)
        except Exception as error:  # a report that fails must not hold back the mail
            log.error("report_not_attached", report=report.name, form=form, error=str(error))
            missing.append(form)
            continue
        if len(made.content) > left:
            log.warning("report_too_large", report=report.name, form=form, size=len(made.content))
            missing.append(form)
            continue
        left -= len(made.content)
        files.append(Attachment(made.name, made.media_type, made.content))
    return files, missing
