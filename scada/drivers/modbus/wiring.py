"""How a device is wired: which of its quantities is which of the site's, and by what factor. Pure."""

from __future__ import annotations

from collections.abc import Container

from scada.core.plant import ModbusEndpoint
from scada.drivers.modbus.profile import Profile

_TURNED = {"Import": "Export", "Export": "Import"}


def source_of(
    quantity: str, profile: Profile, endpoint: ModbusEndpoint, has: Container[str]
) -> tuple[str, float]:
    """The device's quantity that a quantity of the site is read from, and what its readings are multiplied by.

    Args:
        has: what the device has.
    """
    name, factor = quantity, 1.0
    base, phase = quantity[:-2], quantity[-2:]
    if phase in endpoint.phases and base:
        # The site's phase is found at the terminal that it is wired to.
        name = f"{base}L{endpoint.phases.index(phase) + 1}"
    kind = base if phase in endpoint.phases else quantity
    if kind in ("Current", "Power", "Import", "Export"):
        factor *= endpoint.ct_ratio
    if kind in ("Voltage", "Power", "Import", "Export"):
        factor *= endpoint.vt_ratio
    if kind == "Power" and endpoint.inverted is not (profile.positive == "export"):
        factor = -factor
    if endpoint.inverted and name in _TURNED and _TURNED[name] in has:
        name = _TURNED[name]
    return name, factor
