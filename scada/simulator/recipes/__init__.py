"""Chargers of the field that do not keep to the standard, as recipes that a simulated charger can live by."""
