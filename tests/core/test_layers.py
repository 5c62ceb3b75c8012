"""Facts that other parts rely on."""

from __future__ import annotations

from asyncua.ua.status_codes import StatusCodes

from scada.core.units import UNITS
from scada.core.value import Quality, quality_name


def test_qualities_are_the_status_codes_of_opc_ua() -> None:
    for quality in Quality:
        assert getattr(StatusCodes, quality_name(quality)) == quality


def test_unit_ids_follow_opc_10000_8() -> None:
    assert UNITS["kW"].unece_id == 0x4B5754  # "KWT"
    assert UNITS["%"].unece_id == 0x5031
