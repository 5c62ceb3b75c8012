"""Modbus devices by profile: meters, inverters, chargers; and a server for building systems. The only home of pymodbus.

    profile, profile_file   what registers a type of device has; `config/drivers/modbus`
    decode, judge           registers to readings, and which of them are believed (pure)
    planner, schedule       which reads bring what is wanted, and when (pure)
    sunspec, wiring         models of a SunSpec device; phases, transformers and directions (pure)
    link → gateway          a line, and fair turns on it → device → driver
    charger                 what makes a charger of a device
    pdu → server            the serving side; `imitation` serves a profile, `northbound` the plant's tags
    probe                   what fits a device that nobody knows

`driver`, `link` and `server` load pymodbus; what is published here does not, so that checking a project stays quick.
"""

from scada.drivers.modbus.profile import Profile, Register, find_profiles, load_profile

__all__ = ["Profile", "Register", "find_profiles", "load_profile"]
