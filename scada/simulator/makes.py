"""Identity plates of simulated chargers: made-up makes, one for each sort of charger."""

from __future__ import annotations

import zlib

from scada.core.plant import Charger, Current


def plate(charger: Charger) -> dict[str, str]:
    """The payload of BootNotification (OCPP 1.6 6.3); lengths as the standard bounds them."""
    first = charger.connectors[0]
    if first.current is Current.DC:
        vendor, model, firmware = (
            "Boreal Power",
            f"Strom DC{max(c.power_max_kw for c in charger.connectors):.0f}",
            "4.2.1",
        )
    elif first.phases == 1:
        vendor, model, firmware = "Petit Watt", "Mural One", "1.8.0"
    elif len(charger.connectors) > 1:
        vendor, model, firmware = "Kilo & Sons", "Pillar Duo", "2.11.3"
    else:
        vendor, model, firmware = "Kilo & Sons", "Wall Trio", "2.11.3"
    number = zlib.crc32(charger.identity.encode()) % 1_000_000
    return {
        "chargePointVendor": vendor[:20],
        "chargePointModel": model[:20],
        "chargePointSerialNumber": f"SIM{number:06d}",
        "firmwareVersion": firmware,
    }
