"""What a 1.6 charger says, one file an action.

`ACTIONS` take a parsed payload and return the answer. `HOT` ones take the payload's JSON and answer at once;
they return None for anything unusual, which the ordinary way then reads more patiently.
"""

from scada.drivers.ocpp.dialect import Action, HotAction
from scada.drivers.ocpp.v16.actions import (
    authorize,
    boot_notification,
    data_transfer,
    file_status,
    heartbeat,
    meter_values,
    security_event,
    sign_certificate,
    start_transaction,
    status_notification,
    stop_transaction,
)

ACTIONS: dict[str, Action] = {
    "Authorize": authorize.handle,
    "BootNotification": boot_notification.handle,
    "DataTransfer": data_transfer.handle,
    "DiagnosticsStatusNotification": file_status.diagnostics,
    "FirmwareStatusNotification": file_status.firmware,
    "Heartbeat": heartbeat.handle,
    "LogStatusNotification": file_status.log_status,
    "MeterValues": meter_values.handle,
    "SecurityEventNotification": security_event.handle,
    "SignCertificate": sign_certificate.handle,
    "SignedFirmwareStatusNotification": file_status.signed_firmware,
    "StartTransaction": start_transaction.handle,
    "StatusNotification": status_notification.handle,
    "StopTransaction": stop_transaction.handle,
}

HOT: dict[bytes, HotAction] = {
    b'"Heartbeat"': heartbeat.hot,
    b'"MeterValues"': meter_values.hot,
    b'"StatusNotification"': status_notification.hot,
}
