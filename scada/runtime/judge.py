"""What a charger's actual state tells of a command of which nobody knows the outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from scada.charging.campaign import Head, Item
from scada.core.tag import Tag
from scada.core.value import GOOD, SECOND_US, TimeUs
from scada.runtime.host import PlantHost

Configuration = Callable[[str], Mapping[str, tuple[str, bool]]]
"""Path of a charger → its configuration keys as last learned: key → (value, read-only)."""

FIRMWARE_FAILURES = frozenset(
    (
        "DownloadFailed",
        "InstallationFailed",
        "InstallVerificationFailed",
        "InvalidSignature",
        "InvalidCertificate",
        "RevokedCertificate",
    )
)
REPEATABLE = frozenset(
    ("GetConfiguration", "GetDiagnostics", "GetInstalledCertificateIds", "GetLocalListVersion", "GetLog")
)
"""Commands that change nothing: one without outcome has failed, and may be given again."""
JUDGEABLE = frozenset(("UpdateFirmware", "ChangeConfiguration")) | REPEATABLE
"""Of the others nothing tells whether they were carried out."""


class Verdict(NamedTuple):
    """done: it was, it was not, or (None) nothing will ever tell."""

    done: bool | None
    text: str


class Judge:
    """Looks at chargers."""

    def __init__(self, host: PlantHost, configuration: Configuration) -> None:
        self._host = host
        self._configuration = configuration

    def before(self, head: Head, target: str) -> str:
        """What a judgement will be compared with."""
        return self._text(f"{target}.Firmware") if head.plan.command == "UpdateFirmware" else ""

    def verdict(self, head: Head, item: Item, now_us: TimeUs) -> Verdict | None:
        """What the state tells; None: nothing yet."""
        command = head.plan.command
        if command in REPEATABLE:
            return Verdict(False, item.text)
        if command not in JUDGEABLE:
            return Verdict(None, item.text)
        if not is_online(self._host, item.target):
            return None
        if command == "UpdateFirmware":
            return self._firmware(head, item, now_us)
        return self._key(head, item)

    def _firmware(self, head: Head, item: Item, now_us: TimeUs) -> Verdict | None:
        version = self._host.tags.get(f"{item.target}.Firmware")
        status = self._host.tags.get(f"{item.target}.FirmwareStatus")
        if version is not None and version.value and version.value != item.before and _fresh(version, item):
            return Verdict(True, f"firmware {item.before or 'unknown'} → {version.value}")
        if status is not None and status.value in FIRMWARE_FAILURES and _fresh(status, item):
            return Verdict(False, f"the charger says {status.value}")
        if now_us < item.asked_us + round(head.plan.timeout_s * SECOND_US) or version is None:
            return None
        if version.value == item.before and _fresh(version, item):
            return Verdict(False, f"the charger still runs {item.before}")
        return None

    def _key(self, head: Head, item: Item) -> Verdict | None:
        key, wanted = str(head.plan.arguments["key"]), str(head.plan.arguments["value"])
        keys = {name.casefold(): value for name, (value, _) in self._configuration(item.target).items()}
        value = keys.get(key.casefold())
        if value is None:
            return None
        if value == wanted:
            return Verdict(True, "the charger has the value")
        return Verdict(False, "the charger has another value")

    def _text(self, path: str) -> str:
        tag = self._host.tags.get(path)
        return str(tag.value) if tag is not None and tag.value else ""


def is_online(host: PlantHost, charger: str) -> bool:
    """Whether a charger is connected now; what an earlier run last saw does not count."""
    online = host.tags.get(f"{charger}.Online")
    return online is not None and online.value is True and online.quality == GOOD


def _fresh(tag: Tag, item: Item) -> bool:
    """Whether the charger has said so since it was asked."""
    return tag.quality == GOOD and tag.server_us >= item.asked_us
