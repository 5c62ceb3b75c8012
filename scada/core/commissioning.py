"""What is known of a charger: the commissioning report, and what it does otherwise than the standard says."""

from __future__ import annotations

from msgspec import Struct

from scada.core.value import TimeUs


class KeyResult(Struct):
    """A configuration key that the project wants at a value.

    Attributes:
        before: what it was; None: the charger does not tell it.
        status: `unchanged` (it was so), `accepted` (read back as wanted), `not_kept` (accepted, but reads otherwise),
            `refused`, `reboot_required`, `unknown` (the charger has no such key), `read_only`, or `failed` (no answer, or
            an error: `reason`).
    """

    key: str
    wanted: str
    status: str
    before: str | None = None
    after: str | None = None
    reason: str = ""


class CommissioningReport(Struct):
    """How getting to know a charger ended.

    Attributes:
        state: `running`, `done`, `refused` (done, but some keys are not as wanted) or `failed`.
        features: what the charger says it supports (SupportedFeatureProfiles); None: it does not say.
        unsupported: action → error code with which the charger refused it as unknown.
        configuration: every key that it told: key → value.
        read_only: those keys that cannot be written.
        limits: connector (`C1`) → what the charger takes for its limit (composite schedule), with its unit.
        mismatches: sentences on where charger and project differ.
    """

    state: str
    started_us: TimeUs
    ended_us: TimeUs = 0
    reason: str = ""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    meter: str = ""
    profile: str = ""
    keys: list[KeyResult] = []
    configuration: dict[str, str] = {}
    read_only: list[str] = []
    features: list[str] | None = None
    unsupported: dict[str, str] = {}
    connectors: int | None = None
    local_list_version: int | None = None
    limits: dict[str, str] = {}
    reboot_required: bool = False
    mismatches: list[str] = []


class Deviation(Struct):
    """One way in which a charger does not keep to the standard."""

    action: str
    what: str
    count: int
    first_us: TimeUs
    last_us: TimeUs


class Deviations(Struct):
    """All of one charger. `count` counts those too that are not kept by name."""

    count: int = 0
    entries: list[Deviation] = []
