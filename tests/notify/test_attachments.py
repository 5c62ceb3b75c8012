"""Timed reports carry files; one that cannot be made holds back nothing."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scada.core.errors import BadRequest
from scada.core.plant import Report as TimedReport
from scada.core.records import OutboxRecord
from scada.core.report_ports import Report, ReportFile, ReportRequest
from scada.core.value import TimeUs
from scada.notify.attachments import BYTES_MAX, attachments
from scada.notify.message import Envelope, make_mail
from scada.testing.plants import small_plant

DUE_US = 1_767_261_600_000_000


class Desk:
    """Makes a file of the format's name; none of csv, and a huge one of xlsx."""

    def __init__(self) -> None:
        self.asked: list[ReportRequest] = []

    async def build(self, request: ReportRequest) -> Report:
        raise NotImplementedError

    async def file(
        self, request: ReportRequest, form: str, progress: Callable[[int], None] = lambda _: None
    ) -> ReportFile:
        self.asked.append(request)
        if form == "csv":
            raise BadRequest("not today")
        content = b"x" * (BYTES_MAX + 1) if form == "xlsx" else b"%PDF-1.4"
        return ReportFile(f"énergie.{form}", "application/pdf", content)

    def span(self, period: str, now_us: TimeUs, timezone: str) -> tuple[TimeUs, TimeUs]:
        assert (period, timezone) == ("last_week", "Europe/Paris")
        return now_us - 7, now_us


async def test_what_can_be_made_goes_and_the_rest_is_named(tmp_path: Path) -> None:
    timed = TimedReport(
        name="Week",
        to=("Duty engineer",),
        at_min=420,
        timezone="Europe/Paris",
        report="energy",
        period="last_week",
        formats=("csv", "xlsx", "pdf"),
        by="vehicle",
    )
    plant = replace(small_plant(tmp_path), reports=(timed,))
    snapshot = {"kind": "report", "report": "Week", "time_us": DUE_US}
    record = OutboxRecord(
        message_id="<1@scada>",
        thread_id="",
        created_us=DUE_US + 5,
        contact="Duty engineer",
        recipient="duty@depot.example",
        language="fr",
        template="report",
        cause=0,
        snapshot=json.dumps(snapshot),
    )
    desk = Desk()
    files, missing = await attachments(desk, plant, record, snapshot)
    assert missing == ["csv", "xlsx"]
    assert [one.name for one in files] == ["énergie.pdf"]
    asked = desk.asked[0]
    assert (asked.language, asked.by, asked.to_us) == ("fr", "vehicle", DUE_US)

    envelope = Envelope(
        sender_name="EV-SCADA",
        sender="scada@depot.example",
        to="Duty engineer",
        recipient="duty@depot.example",
        message_id="<1@scada>",
        threads=(),
        time_us=DUE_US,
    )
    mail = make_mail(envelope, "Week", "text", "<p>text</p>", attachments=files)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    (part,) = message.iter_attachments()
    assert part.get_filename() == "énergie.pdf"
    assert part.get_content() == b"%PDF-1.4"


async def test_a_report_without_files(tmp_path: Path) -> None:
    plant = small_plant(tmp_path)
    name = plant.reports[0].name
    record = OutboxRecord(
        message_id="<1@scada>", thread_id="", created_us=1, contact="", recipient="", language="en",
        template="report", cause=0, snapshot="",
    )  # fmt: skip
    assert await attachments(Desk(), plant, record, {"kind": "report", "report": name}) == ([], [])
