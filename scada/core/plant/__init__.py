"""The plant: one frozen model that drivers, displays, OPC UA, history and command line all walk.

The project's files expand into it once (`scada.project`). A new kind of outside view is a new walk, not a
new model. Lists are in the order of the files.
"""

from scada.core.plant.alarms import Action, ActionStep, Level, Mask, Synthesis
from scada.core.plant.charging import (
    NO_CONDITIONS,
    AuthorizationMode,
    ChargingSettings,
    Plan,
    SiteCharging,
    StopConditions,
    Token,
    TokenImport,
    Vehicle,
    vehicle_key,
)
from scada.core.plant.people import (
    Contact,
    DutySpan,
    EscalationStep,
    EventNotice,
    Mail,
    MailRelay,
    OnCallProfile,
    OnCallSettings,
    QuietHours,
    Report,
    Rota,
    Shift,
    Team,
)
from scada.core.plant.places import (
    OCPP_IDENTITY,
    Charger,
    Connector,
    Current,
    Feeder,
    Meter,
    Site,
)
from scada.core.plant.plant import Plant
from scada.core.plant.settings import (
    Certificates,
    FileSettings,
    Network,
    OcppSettings,
    Security,
    Simulation,
)
from scada.core.plant.tariffs import Band, Bookkeeping, Prices, Tariff

__all__ = [
    "NO_CONDITIONS",
    "OCPP_IDENTITY",
    "Action",
    "ActionStep",
    "AuthorizationMode",
    "Band",
    "Bookkeeping",
    "Certificates",
    "Charger",
    "ChargingSettings",
    "Connector",
    "Contact",
    "Current",
    "DutySpan",
    "EscalationStep",
    "EventNotice",
    "Feeder",
    "FileSettings",
    "Level",
    "Mail",
    "MailRelay",
    "Mask",
    "Meter",
    "Network",
    "OcppSettings",
    "OnCallProfile",
    "OnCallSettings",
    "Plan",
    "Plant",
    "Prices",
    "QuietHours",
    "Report",
    "Rota",
    "Security",
    "Shift",
    "Simulation",
    "Site",
    "SiteCharging",
    "StopConditions",
    "Synthesis",
    "Tariff",
    "Team",
    "Token",
    "TokenImport",
    "Vehicle",
    "vehicle_key",
]
