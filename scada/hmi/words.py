"""Words of devices in the reader's language, and the texts that the browser's scripts show."""

from __future__ import annotations

from scada.core.command import Outcome
from scada.i18n import Sentences, Translate, marked

_ = marked

STATUS = {
    "Available": _("Free"),
    "Preparing": _("Preparing"),
    "Charging": _("Charging"),
    "SuspendedEVSE": _("Waiting for power"),
    "SuspendedEV": _("Paused by vehicle"),
    "Finishing": _("Finishing"),
    "Reserved": _("Reserved"),
    "Unavailable": _("Closed"),
    "Faulted": _("Faulted"),
    "Offline": _("No connection"),
}
"""ChargePointStatus of OCPP 1.6 (7.7), and our own word for a lost link."""

COUNTED = {
    "Charging": _("charging"),
    "SuspendedEVSE": _("waiting for power"),
    "SuspendedEV": _("paused by vehicle"),
    "Preparing": _("preparing"),
    "Finishing": _("finishing"),
    "Reserved": _("reserved"),
    "Available": _("free"),
    "Unavailable": _("closed"),
    "Faulted": _("faulted"),
    "Offline": _("without connection"),
}
"""The states after a number, in the order in which they are counted up."""

_ERROR_CODES = {
    "NoError": _("no error"),
    "ConnectorLockFailure": _("connector lock failure"),
    "EVCommunicationError": _("communication error with the vehicle"),
    "GroundFailure": _("ground failure"),
    "HighTemperature": _("high temperature"),
    "InternalError": _("internal error"),
    "LocalListConflict": _("conflict in the local list"),
    "OtherError": _("other error"),
    "OverCurrentFailure": _("over-current"),
    "OverVoltage": _("over-voltage"),
    "PowerMeterFailure": _("power meter failure"),
    "PowerSwitchFailure": _("power switch failure"),
    "ReaderFailure": _("token reader failure"),
    "ResetFailure": _("reset failure"),
    "UnderVoltage": _("under-voltage"),
    "WeakSignal": _("weak signal"),
}
"""ChargePointErrorCode (7.6)."""

_REGISTRATION = {"Accepted": _("accepted"), "Pending": _("pending"), "Rejected": _("rejected")}
_BITS = {"true": _("yes"), "false": _("no")}

REASONS = {
    "DeAuthorized": _("token withdrawn"),
    "EmergencyStop": _("emergency stop"),
    "EVDisconnected": _("vehicle unplugged"),
    "HardReset": _("hard reset"),
    "Local": _("at the charger"),
    "Other": _("other reason"),
    "PowerLoss": _("power loss"),
    "Reboot": _("reboot"),
    "Remote": _("by command"),
    "SoftReset": _("soft reset"),
    "UnlockCommand": _("unlock command"),
    "LostStop": _("end not reported"),
}
"""Reason of StopTransaction (7.36), and our own for a lost one."""

FLAGS = {
    "unknown_start": _("start not known"),
    "late": _("reported late"),
    "clock": _("clock of the charger wrong"),
    "meter_backwards": _("meter ran backwards"),
    "lost_stop": _("end not reported"),
}

SESSION_STATES = {"open": _("running"), "closed": _("ended"), "lost_stop": _("end not reported")}

OUTCOMES = {
    Outcome.DONE: _("done"),
    Outcome.SCHEDULED: _("will be done"),
    Outcome.REFUSED: _("refused"),
    Outcome.UNREACHABLE: _("not reachable"),
    Outcome.TIMED_OUT: _("no outcome in time"),
    Outcome.FAILED: _("failed"),
    Outcome.DENIED: _("not allowed"),
}

COMMANDS = {
    "RemoteStart": _("Start session"),
    "RemoteStop": _("Stop session"),
    "Reset": _("Reset"),
    "ChangeAvailability": _("Change availability"),
    "GetConfiguration": _("Read configuration"),
    "TriggerMessage": _("Ask for a message"),
    "UnlockConnector": _("Unlock connector"),
    "ClearCache": _("Clear cache"),
}

PROGRESS = {"journal": _("requested"), "device": _("waiting for the charger")}

PRIORITY_NAMES = {
    "critical": _("critical"),
    "high": _("high"),
    "medium": _("medium"),
    "low": _("low"),
    "journal": _("journal"),
}
ALARM_STATES = {
    "unack": _("active, not acknowledged"),
    "ack": _("active, acknowledged"),
    "returned": _("returned, not acknowledged"),
    "normal": _("normal"),
}
ALARM_EVENTS = {"raised": _("raised"), "returned": _("returned"), "acknowledged": _("acknowledged")}
ROLES = {"administrator": _("administrator"), "operator": _("operator"), "guest": _("guest")}
MAIL_STATES = {"waiting": _("waiting"), "sent": _("sent"), "failed": _("failed")}

SCRIPT = {
    "lost": _("No connection to the server – values are not live."),
    "not_sent": _("Not sent: there is no connection to the server."),
    "last_seen": _("last seen {time}"),
    "sending": _("being sent …"),
    "confirm": _("Confirm"),
    "cancel": _("Cancel"),
    "close": _("Close"),
    "comment": _("Comment"),
    "acknowledge": _("Acknowledge"),
    "acknowledge_many": _("Acknowledge {count} alarms"),
    "acknowledged_by": _("active, acknowledged by {user}"),
    "show": _("Show"),
    "no_alarms": _("No alarm: everything is normal."),
    "no_match": _("No alarm fits the filter."),
    "nothing_unacknowledged": _("No unacknowledged alarm."),
    "more_rows": _("{shown} of {total} are listed."),
    "not_journalled": _("not journalled yet"),
    "cause": _("Cause"),
    "consequence": _("Consequence"),
    "guidance": _("What to do"),
    "no_guidance": _("No further explanation is configured."),
    "priority": _("priority"),
    "tag": _("Tag"),
    "q_good": _("good"),
    "q_uncertain": _("uncertain"),
    "q_bad": _("bad"),
    "q_wait": _("no value yet"),
    "q_forced": _("forced"),
    "all_phases": _("All phases"),
    "phase": _("most loaded phase {phase}"),
    "not_now": _("Not possible in the present state."),
    "details": _("Details"),
    "select": _("Select"),
}

SENTENCES = Sentences(
    (
        _("the charger answered {status}"),
        _("the connector is {status}"),
        _("transaction {id} runs on this connector"),
        _("transaction {id} runs"),
        _("transaction {id} stopped ({reason})"),
        _("{count} keys"),
        _("{count} keys, unknown: {unknown}"),
        _("no outcome within {seconds} s"),
        _("needs the right '{right}'"),
        _("{user} does not have the right '{right}'"),
        _("not on disk after {seconds} s"),
        _("there is no alarm {path}"),
        _("a comment has at most {count} characters"),
        _("internal error: {name}"),
        _("too many failures: try again in {seconds} s"),
        _("{command} needs '{argument}'"),
        _("{command}: '{argument}' has at most {count} characters"),
    )
)
"""Sentences of core and drivers that can be read by an operator."""

PLAIN_SENTENCES = (
    _("user name or password is wrong"),
    _("This request did not come from the log-in page."),
    _("the charger will do it after the running transaction"),
    _("accepted, but the connector does not report it"),
    _("accepted, but no transaction began (is a vehicle plugged in?)"),
    _("no transaction runs on this connector"),
    _("accepted, but the transaction goes on"),
    _("accepted, but the charger has not booted"),
    _("the charger has booted"),
    _("the charger accepted"),
    _("the connector is unlocked"),
    _("this charger has no lock that we may open"),
    _("the lock did not open"),
    _("no driver serves this charger"),
    _("too much waits to be written to disk"),
)
"""The same without places."""


def error_text(code: str, tr: Translate) -> str:
    """An error code in words; a vendor's own code as it is."""
    return tr(_ERROR_CODES[code]) if code in _ERROR_CODES else code


def dictionary(tr: Translate) -> dict[str, str]:
    """Values of worded tags → words, for the browser."""
    words = STATUS | _ERROR_CODES | _REGISTRATION | _BITS
    return {value: tr(text) for value, text in words.items()}


def script_texts(tr: Translate) -> dict[str, str]:
    """The texts of the browser's scripts."""
    texts = SCRIPT | {f"state_{k}": v for k, v in ALARM_STATES.items()}
    return {key: tr(text) for key, text in texts.items()}


def sentence(text: str, tr: Translate) -> str:
    """An English sentence of core or driver in the reader's language."""
    return SENTENCES.translate(text, tr)
