"""Modbus TCP: meters by profile. The only home of pymodbus; the simulator uses the server of `wire`."""

from scada.drivers.modbus.driver import ModbusDriver
from scada.drivers.modbus.profile import Profile, Register, find_profiles, load_profile

__all__ = ["ModbusDriver", "Profile", "Register", "find_profiles", "load_profile"]
