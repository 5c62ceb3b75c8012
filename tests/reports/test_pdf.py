"""Reports on paper, read back with a reader of other authors."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pypdf
import pytest

from scada.core.report_ports import CellKind, Chart, Column, Report, Table
from scada.reports.pdf import pdf

LATIN, GREEK, CYRILLIC = "Łódź Őr Șoseaua", "Οδός Αθηνών", "Київ Подільська"


@pytest.fixture
def report() -> Callable[..., Report]:
    def make(*cells: str, project: str = "Demo") -> Report:
        table = Table("sessions", "Sessions", [Column("token", "Token")], [[one] for one in cells])
        return Report(
            "sessions", "Sessions", project, "en", "Europe/Paris", 0, 86_400_000_000, 0, tables=[table]
        )

    return make


def texts(content: bytes) -> tuple[str, set[str]]:
    """What stands on the pages, in one line, and the typefaces inside the file."""
    reader = pypdf.PdfReader(io.BytesIO(content))
    pages: list[Any] = list(reader.pages)
    fonts = {
        str(font.get_object()["/BaseFont"]) for page in pages for font in page["/Resources"]["/Font"].values()
    }
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split()), fonts


def test_what_the_standard_typefaces_hold_needs_no_other(report: Callable[..., Report]) -> None:
    said, fonts = texts(pdf(report("Zoë € – 7 ‰")))
    assert "Zoë € – 7 ‰" in said
    assert {font.lstrip("/").split("-")[0] for font in fonts} == {"Helvetica"}


def test_latin_extended_greek_and_cyrillic_come_back_as_they_were(report: Callable[..., Report]) -> None:
    made = report(LATIN, GREEK, CYRILLIC, "plain", project="Гараж")
    chart = Chart(f"Energy {GREEK}", [CYRILLIC, "b"], {LATIN: [1.0, 2.0]}, "kWh")
    said, fonts = texts(pdf(replace(made, charts=[chart])))
    for text in (LATIN, GREEK, CYRILLIC, "plain", "Sessions · Гараж", f"Energy {GREEK} (kWh)"):
        assert text in said
    assert "Гараж · Sessions · 1970-01-01" in said  # at the foot
    assert "?" not in said
    assert "U+" not in said
    assert any("NotoSans" in font for font in fonts)


def test_what_no_typeface_has_is_said(report: Callable[..., Report]) -> None:
    said, _ = texts(pdf(report("充电 A", "עגלה", "ok")))
    assert "?? A" in said
    assert "ok" in said
    assert "U+5145, U+7535, U+05E2" in said
    assert "the workbook and the csv file hold them" in said


def test_markup_in_a_text_is_text(report: Callable[..., Report]) -> None:
    said, _ = texts(pdf(report("<b>&amp; Ж</b>", "<i>x</i>")))
    assert "<b>&amp; Ж</b>" in said
    assert "<i>x</i>" in said


def test_signs_that_no_typeface_has_keep_their_meaning(report: Callable[..., Report]) -> None:
    made = report("a ≤ b → c", "−5")
    number = Table("n", "Numbers", [Column("n", "N", CellKind.NUMBER)], [[-1234.5]])
    said, _ = texts(pdf(replace(made, tables=[*made.tables, number])))
    assert "a <= b -> c" in said
    assert "-1,234.50" in said
