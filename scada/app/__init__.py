"""The composition root: a Plant and its directory become a running system.

run(plant, …)     until SIGINT or SIGTERM
start(plant, …)   as a context manager, for tests
"""

from scada.app.compose import ADMIN_PASSWORD_VARIABLE, Running, start
from scada.app.process import run

__all__ = ["ADMIN_PASSWORD_VARIABLE", "Running", "run", "start"]
