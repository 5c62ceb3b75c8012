"""Charging: authorization and transactions. Pure: called by the plant core's turns."""
