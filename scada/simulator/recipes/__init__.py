"""Chargers of the field that do not keep to the standard, as recipes that a simulated charger can live by.

A file holds the recipes of one subject; each bends the frames that leave or the answers given, at the wire, and
the charger itself does not know. A project selects them by `[simulation] recipes = { CP03 = "growatt_local_time" }`.
"""

from collections.abc import Mapping

from scada.simulator.recipes import answers, clocks, identity, limits, meters, transactions
from scada.simulator.recipes.wire import Recipe

RECIPES: Mapping[str, type[Recipe]] = {
    recipe.name: recipe
    for module in (identity, clocks, meters, transactions, answers, limits)
    for recipe in module.RECIPES
}
"""By name."""

__all__ = ["RECIPES", "Recipe"]
