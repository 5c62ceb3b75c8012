"""What we ask of a 1.6 charger, one file a command. Each waits for the real outcome, not for a mere "Accepted"."""

from scada.drivers.ocpp.dialect import Execute
from scada.drivers.ocpp.v16.commands import (
    certificates,
    change_availability,
    clear_cache,
    get_configuration,
    get_diagnostics,
    remote_start,
    remote_stop,
    reset,
    rotate_password,
    trigger_message,
    unlock_connector,
    update_firmware,
)

COMMANDS: dict[str, Execute] = {
    "ChangeAvailability": change_availability.execute,
    "ClearCache": clear_cache.execute,
    "DeleteCertificate": certificates.delete,
    "GetConfiguration": get_configuration.execute,
    "GetDiagnostics": get_diagnostics.execute,
    "GetInstalledCertificateIds": certificates.installed_ids,
    "GetLog": get_diagnostics.execute_log,
    "InstallCertificate": certificates.install,
    "RemoteStart": remote_start.execute,
    "RemoteStop": remote_stop.execute,
    "RenewCertificate": certificates.renew,
    "Reset": reset.execute,
    "RotatePassword": rotate_password.execute,
    "TriggerMessage": trigger_message.execute,
    "UnlockConnector": unlock_connector.execute,
    "UpdateFirmware": update_firmware.execute,
}
