"""What a report was asked for, in words."""

from __future__ import annotations

import pytest

from scada.core.ports import SessionFilter
from scada.core.records import TransactionState
from scada.core.report_ports import ReportRequest
from scada.reports.filters import filter_text

WHERE = SessionFilter(
    state=TransactionState.OPEN, from_us=7, energy_min_wh=5_500, duration_max_us=600_000_000, late=True
)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "state = running, late = yes, energy at least = 5.5 kWh, duration up to = 10 min"),
        ("fr", "état = en cours, tardif = oui, énergie au moins = 5.5 kWh, durée jusqu'à = 10 min"),
    ],
)
def test_a_filter_is_told_in_the_reports_language(language: str, told: str) -> None:
    request = ReportRequest(
        report="sessions", from_us=0, to_us=1, language=language, timezone="UTC", where=WHERE
    )
    assert filter_text(request) == told


def test_dimension_and_step_of_energy() -> None:
    request = ReportRequest(report="energy", from_us=0, to_us=1, language="fr", timezone="UTC", by="charger")
    assert filter_text(request) == "par = borne, pas = jour"
    assert (
        filter_text(ReportRequest(report="audit", from_us=0, to_us=1, language="en", timezone="UTC")) == "–"
    )
