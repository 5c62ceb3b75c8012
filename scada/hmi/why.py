"""The one sentence that an operator wants: what a connector does now, and why. Only what is known is said."""

from __future__ import annotations

from dataclasses import dataclass

from scada.core.database import TagDatabase
from scada.core.plant import Charger, Connector
from scada.core.value import is_bad, is_good
from scada.hmi.words import error_text
from scada.i18n import Formats, Translate, marked

_ = marked

USED = ("Status", "ErrorCode", "VendorErrorCode", "InTransaction", "ActivePower", "CurrentOffered")
"""Tags of the connector that the sentence rests on; `Online` of the charger besides."""

_PLAIN: dict[str, tuple[str, str]] = {
    "Available": (_("Free."), _("Ready for a vehicle.")),
    "Preparing": (
        _("Not charging yet."),
        _("The charger is preparing: it waits for the vehicle, the cable or a token."),
    ),
    "SuspendedEVSE": (
        _("The charger gives no power."),
        _("The vehicle is connected; the charger holds the power back."),
    ),
    "SuspendedEV": (
        _("The vehicle takes no power."),
        _("The charger offers power; the vehicle may be full or waiting by its own timer."),
    ),
    "Finishing": (_("The session has ended."), _("The vehicle is still plugged in.")),
    "Reserved": (_("Reserved."), _("The charger accepts only the token of the reservation.")),
    "Unavailable": (
        _("The connector is closed."),
        _("It was made unavailable by a command or by the charger itself."),
    ),
}


@dataclass(frozen=True, slots=True)
class Why:
    """A headline and what there is to add."""

    headline: str
    detail: str = ""


def why(tags: TagDatabase, charger: Charger, connector: Connector, tr: Translate, formats: Formats) -> Why:
    """Say what the connector does and why."""

    def read(path: str) -> object:
        tag = tags.get(path)
        return None if tag is None or is_bad(tag.quality) else tag.value

    status_tag = tags.get(f"{connector.path}.Status")
    status = str(read(f"{connector.path}.Status") or "")
    if read(f"{charger.path}.Online") is False:
        return Why(
            tr("No connection to the charger."),
            tr("What is shown is the last that is known; a running session may go on at the charger."),
        )
    if not status or status_tag is None:
        return Why(tr("State not known."), tr("The charger has not reported this connector yet."))
    if not is_good(status_tag.quality):
        return Why(
            tr("The state is not up to date."), tr("The charger has not confirmed it since the last start.")
        )
    if status == "Faulted":
        return _fault(read(f"{connector.path}.ErrorCode"), read(f"{connector.path}.VendorErrorCode"), tr)
    in_transaction = read(f"{connector.path}.InTransaction") is True
    if status == "Charging":
        return _charging(
            read(f"{connector.path}.ActivePower"),
            read(f"{connector.path}.CurrentOffered"),
            in_transaction,
            tr,
            formats,
        )
    if status == "Available" and in_transaction:
        return Why(
            tr("A transaction is open although the connector is free."),
            tr("The charger has not reported its end yet. Stop it, or ask the charger for its status."),
        )
    headline, detail = _PLAIN.get(status, (status, ""))
    return Why(tr(headline), tr(detail) if detail else "")


def _fault(error: object, vendor: object, tr: Translate) -> Why:
    codes = [error_text(str(code), tr) for code in (error, vendor) if code and code != "NoError"]
    if not codes:
        return Why(tr("The charger reports a fault."), tr("It gives no error code."))
    return Why(
        tr("The charger reports a fault: {code}.").format(code=" / ".join(codes)),
        tr("The connector cannot be used until the charger reports it as free again."),
    )


def _charging(power: object, offered: object, in_transaction: bool, tr: Translate, formats: Formats) -> Why:
    headline = tr("Charging.")
    if isinstance(power, (int, float)):
        headline = tr("Charging with {power} kW.").format(power=formats.number(power, 1))
    if not in_transaction:
        return Why(headline, tr("The charger has not reported a transaction."))
    if isinstance(offered, (int, float)):
        return Why(headline, tr("The charger offers {current} A.").format(current=formats.number(offered, 1)))
    return Why(headline)
