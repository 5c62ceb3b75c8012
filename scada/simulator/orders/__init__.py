"""What a simulated charger does when the central system calls (OCPP 1.6 chapter 5, security whitepaper).

Each file has the handlers of one feature profile, as action → handler. An action that is not there is answered
NotSupported or NotImplemented by the peer.
"""

from scada.simulator.orders.core import CoreOrders
from scada.simulator.orders.firmware import FirmwareOrders
from scada.simulator.orders.limits import LimitOrders
from scada.simulator.orders.lists import ListOrders
from scada.simulator.orders.security import SecurityOrders

__all__ = ["CoreOrders", "FirmwareOrders", "LimitOrders", "ListOrders", "SecurityOrders"]
