"""The simulated site: programs that speak the real protocols over real sockets, as devices do.

Chargers (OCPP 1.6J), vehicles, drivers and mishaps, Modbus meters, a mail catcher. `ChargePoint` is also the
charger of end-to-end tests; `life` is what moves it in a demo.
"""

from scada.simulator.charge_point import ChargePoint
from scada.simulator.fleet import Fleet
from scada.simulator.mail import MailCatcher
from scada.simulator.site import LOOPBACK, AlreadyRunning, SimulationOptions, run_simulation
from scada.simulator.uplink import Credentials
from scada.simulator.vehicle import Vehicle

__all__ = [
    "LOOPBACK",
    "AlreadyRunning",
    "ChargePoint",
    "Credentials",
    "Fleet",
    "MailCatcher",
    "SimulationOptions",
    "Vehicle",
    "run_simulation",
]
