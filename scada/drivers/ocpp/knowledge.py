"""What is known of all chargers, over restarts: profiles, commissioning reports, deviations."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import structlog

from scada import resources
from scada.core.commissioning import CommissioningReport, Deviations
from scada.core.errors import ScadaError
from scada.core.plant import Charger, Plant
from scada.drivers.ocpp.deviations import DeviationLog
from scada.drivers.ocpp.profile import FOLDER, STANDARD, Profile, Profiles, load_profiles
from scada.runtime.documents import Documents

COMMISSIONED_AT_ONCE = 50
"""Chargers that are learned at the same time; further ones wait their turn. A site that comes back does not stall."""

SIGNED_MAX = 2_000
"""Signed meter values that are kept; at it the oldest go."""

log = structlog.get_logger()


class SignedValue(msgspec.Struct):
    """A signed meter value of the beginning or the end of a transaction, as it came."""

    transaction: int
    context: str
    measurand: str
    timestamp: str
    value: str


class Knowledge:
    """Implements the port `ChargerKnowledge`.

    Args:
        profiles: all quirk profiles.
        documents: of the plant's core.
    """

    def __init__(self, profiles: Profiles, documents: Documents) -> None:
        self.profiles = profiles
        self.turns = asyncio.Semaphore(COMMISSIONED_AT_ONCE)
        self._reports = documents.drawer("commissioning", CommissioningReport)
        self._deviations = documents.drawer("deviations", Deviations)
        self._logs: dict[str, DeviationLog] = {}
        self._signed = documents.drawer("signed_meter_value", SignedValue)

    @classmethod
    def open(cls, plant: Plant, documents: Documents) -> Knowledge:
        """With the profiles of the project and those that are shipped. Raises ProjectError."""
        folders = (plant.directory / FOLDER, resources.folder("config") / FOLDER)
        return cls(load_profiles(folders), documents)

    def profile_of(self, charger: Charger, vendor: str, model: str, firmware: str) -> tuple[str, Profile]:
        """(name, profile): the one that the project names, else the one that fits best."""
        if charger.profile:
            return charger.profile, self.profiles[charger.profile]
        return self.profiles.find(vendor, model, firmware) if vendor or model else ("", STANDARD)

    def report(self, charger: str) -> CommissioningReport | None:
        """What the last commissioning of a charger (its path) brought; None: there was none."""
        return self._reports.get(charger)

    def deviations(self, charger: str) -> Deviations:
        """What a charger (its path) does otherwise than the standard says."""
        return self.log_of(charger).document()

    def log_of(self, charger: str) -> DeviationLog:
        """Where the deviations of a charger (its path) are counted."""
        found = self._logs.get(charger)
        if found is None:
            found = self._logs[charger] = DeviationLog(self._deviations.get(charger))
        return found

    async def keep_report(self, charger: str, report: CommissioningReport) -> None:
        """Put a report on disk; a disk that does not take it in time takes it later, and that is logged."""
        try:
            await self._reports.put(charger, report)
        except ScadaError as error:
            log.error("ocpp_report_kept_late", charger=charger, reason=str(error))

    async def keep_deviations(self, charger: str, deviations: Deviations) -> None:
        """Put deviations on disk, like `keep_report`."""
        try:
            await self._deviations.put(charger, deviations)
        except ScadaError as error:
            log.error("ocpp_deviations_kept_late", charger=charger, reason=str(error))

    async def forget(self, charger: str) -> None:
        """Drop what was learned of a charger: another device stands there now. Raises JournalError."""
        await self._reports.remove(charger)

    async def keep_signed(self, connector: str, transaction: int, context: str, data: dict[str, Any]) -> None:
        """Put a signed meter value on disk.

        Raises:
            JournalError: not in time; it will be when the disk works again.
        """
        while len(self._signed) >= SIGNED_MAX:
            await self._signed.remove(next(iter(self._signed))[0])
        await self._signed.put(f"{connector}/{transaction}/{context}", msgspec.convert(data, SignedValue))

    def signed(self, connector: str, transaction: int) -> dict[str, SignedValue]:
        """The signed meter values of a transaction: context → value."""
        prefix = f"{connector}/{transaction}/"
        return {key.removeprefix(prefix): value for key, value in self._signed if key.startswith(prefix)}
