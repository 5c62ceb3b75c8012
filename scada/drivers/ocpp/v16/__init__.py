"""OCPP 1.6J: one file an action of the charger (`actions`), one file a command of ours (`commands`).

`commission` gets to know a charger.
"""

from scada.drivers.ocpp.dialect import Dialect
from scada.drivers.ocpp.v16 import commission
from scada.drivers.ocpp.v16.actions import ACTIONS, HOT
from scada.drivers.ocpp.v16.commands import COMMANDS, NEEDS

CALLS = frozenset(
    (
        "CancelReservation",
        "CertificateSigned",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "ClearChargingProfile",
        "DataTransfer",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetDiagnostics",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "InstallCertificate",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ReserveNow",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "SignedUpdateFirmware",
        "TriggerMessage",
        "UnlockConnector",
        "UpdateFirmware",
    )
)
"""What a central system may send (OCPP 1.6 chapter 5; security whitepaper chapter 4)."""

DIALECT = Dialect("ocpp1.6", ACTIONS, HOT, COMMANDS, CALLS, commission.learn, NEEDS)

__all__ = ["DIALECT"]
