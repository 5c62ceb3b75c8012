"""The browser HMI: pages generated from the plant, live by one message a site. The only home of nicegui.

Pages are pure: plant + language → view model → escaped HTML with places (`live`), shown by one element of
our own. `pump` and `alarm_feed` send changes to rooms; `tab` takes what a user does and asks router or host.
"""

from scada.hmi.hmi import Hmi, mount
from scada.hmi.services import HmiServices

__all__ = ["Hmi", "HmiServices", "mount"]
