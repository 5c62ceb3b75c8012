"""Modbus TCP: meters by profile. The only home of pymodbus; the simulator uses the server of `wire`.

`driver` and `wire` load pymodbus; what is published here does not, so that checking a project stays quick.
"""

from scada.drivers.modbus.profile import Profile, Register, find_profiles, load_profile

__all__ = ["Profile", "Register", "find_profiles", "load_profile"]
