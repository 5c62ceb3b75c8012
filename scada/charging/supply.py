"""What the hardware of a connector, or of a charger as a whole, can give: the ground that charging profiles stand on."""

from __future__ import annotations

from scada.charging.profiles import Supply
from scada.core.errors import NotFound
from scada.core.plant import Current, Plant

DC_VOLTAGE_V = 400.0
"""What A and W of a DC connector are converted with; the vehicle's own voltage is known only when it charges."""
AC_VOLTAGE_V = 230.0


def supply_of(plant: Plant, target: str) -> tuple[int, Supply]:
    """(connector, what its hardware gives) of a connector or, 0, a charger. Raises NotFound."""
    found = plant.connectors_by_path.get(target)
    if found is not None:
        _, one = found
        if one.current is Current.DC:
            return one.number, Supply(current_max_a=one.current_max_a, phases=1, voltage_v=DC_VOLTAGE_V)
        return one.number, Supply(current_max_a=one.current_max_a, phases=one.phases)
    charger = plant.chargers_by_path.get(target)
    if charger is None:
        raise NotFound(f"there is no charger or connector {target}")
    direct = all(one.current is Current.DC for one in charger.connectors)
    return 0, Supply(
        current_max_a=sum(one.current_max_a for one in charger.connectors),
        phases=1 if direct else max(one.phases for one in charger.connectors),
        voltage_v=DC_VOLTAGE_V if direct else AC_VOLTAGE_V,
    )
