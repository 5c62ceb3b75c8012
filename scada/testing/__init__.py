"""For tests only: a clock that leaps, plants made by hand, a central system without doors.

Nothing of the product imports it.
"""

from scada.testing.central import Central, central_system
from scada.testing.clock import FakeClock
from scada.testing.plants import small_plant
from scada.testing.waiting import until

__all__ = ["Central", "FakeClock", "central_system", "small_plant", "until"]
