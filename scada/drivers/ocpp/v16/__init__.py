"""OCPP 1.6J: one file an action of the charger (`actions`), one file a command of ours (`commands`)."""

from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.v16 import learn
from scada.drivers.ocpp.v16.actions import ACTIONS, HOT
from scada.drivers.ocpp.v16.commands import COMMANDS

DIALECT = Dialect("ocpp1.6", ACTIONS, HOT, COMMANDS, learn.learn)

__all__ = ["DIALECT"]
