"""Words of devices and records in the reader's language, and the texts that the browser's scripts show."""

from __future__ import annotations

from scada.core.command import Outcome
from scada.core.records import Channel, HoldKind
from scada.core.tag import Condition, Source
from scada.core.value import Kind
from scada.i18n import Translate, marked

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
    "unknown_connector": _("connector not known"),
    "matched_stop": _("end found by its content"),
    "meter_implausible": _("meter cannot be right"),
    "session_register": _("meter counts each session"),
    "unknown_reservation": _("reservation not known"),
}

AUTHORIZED = {
    "local": _("the project's tokens"),
    "imported": _("imported tokens"),
    "admitted": _("admitted by hand"),
    "manual": _("a person here"),
    "free": _("free charging"),
    "unknown": _("nobody"),
}
"""How a session was authorized (`scada.core.records.TransactionRecord`)."""

STOP_CONDITIONS = {
    "energy": _("energy reached"),
    "duration": _("time used up"),
    "time": _("end of the allowed time"),
    "soc": _("state of charge reached"),
    "cost": _("cost reached"),
}

FIGURE_FLAGS = {
    "meter_difference": _("meter and charger differ"),
    "register_reset": _("register of the charger was reset"),
    "register_roll_over": _("register of the charger rolled over"),
    "register_jump": _("register of the charger jumped"),
}

SESSION_EVENTS = {
    "plugged_in": _("vehicle plugged in"),
    "unplugged": _("vehicle unplugged"),
    "started": _("session started"),
    "stopped": _("session ended"),
    "told_late": _("reported late"),
    "figures": _("figures worked out"),
}
TIMELINE = {
    "session": _("session"),
    "status": _("state"),
    "alarm": _("alarm"),
    "command": _("command"),
    "audit": _("audit"),
    "limit": _("limit"),
    "frame": _("message"),
}

DEEDS = {
    "log_in": _("log-in"),
    "own_password": _("own password changed"),
    "user_added": _("user added"),
    "user_removed": _("user removed"),
    "user_role": _("role changed"),
    "user_language": _("language changed"),
    "user_password": _("password given"),
    "user_locked": _("user locked"),
    "user_unlocked": _("user unlocked"),
    "user_sessions_ended": _("sessions ended"),
    "write_tag": _("tag written"),
    "force_tag": _("tag forced"),
    "release_tag": _("tag released"),
    "admit_token": _("token admitted"),
    "withdraw_token": _("token withdrawn"),
    "forget_refused_token": _("refused token forgotten"),
    "answer_charger": _("waiting charger answered"),
    "stop_conditions": _("stop conditions set"),
    "reserve": _("reservation made"),
    "cancel_reservation": _("reservation cancelled"),
    "send_local_list": _("local list sent"),
    "start_campaign": _("campaign begun"),
    "pause_campaign": _("campaign paused"),
    "resume_campaign": _("campaign resumed"),
    "cancel_campaign": _("campaign cancelled"),
    "certificate_issued": _("certificate issued"),
    "download_diagnostics": _("file fetched"),
    "security_event": _("security event"),
    "shift_note": _("shift log"),
    "shift_handover": _("hand-over"),
    "ticket_opened": _("ticket opened"),
    "ticket_changed": _("ticket changed"),
    "ticket_closed": _("ticket closed"),
    "ticket_reopened": _("ticket opened again"),
}
"""What the audit calls a deed; one that is not here is shown as it is."""
HELD = {
    "shelved": _("shelved"),
    "out_of_service": _("out of service"),
    "mask": _("suppressed by design"),
    "forced": _("forced"),
    "inoperative": _("closed"),
    "limited": _("limited"),
    "reserved": _("reserved"),
    "mode": _("Mode of a site"),
}
"""Kinds of what is not normal."""
MODE_STATES = {"switching": _("being switched"), "on": _("every step done"), "partly": _("only partly on")}
DEED_OUTCOMES = {"ok": _("done"), "refused": _("refused")}

REPORTS = {
    "sessions": _("Sessions"),
    "energy": _("Energy"),
    "availability": _("Availability"),
    "utilisation": _("Utilisation"),
    "peak": _("Peak demand"),
    "alarms": _("Alarms"),
    "audit": _("Audit trail"),
}
PERIODS = {
    "today": _("today"),
    "yesterday": _("yesterday"),
    "last_week": _("last week"),
    "last_month": _("last month"),
    "this_month": _("this month"),
}

SESSION_STATES = {"open": _("running"), "closed": _("ended"), "lost_stop": _("end not reported")}

OUTCOMES = {
    Outcome.DONE: _("done"),
    Outcome.SCHEDULED: _("will be done"),
    Outcome.REFUSED: _("refused"),
    Outcome.UNREACHABLE: _("not reachable"),
    Outcome.SUPERSEDED: _("not known: the charger connected anew"),
    Outcome.TIMED_OUT: _("no outcome in time"),
    Outcome.FAILED: _("failed"),
    Outcome.DENIED: _("not allowed"),
}

COMMISSIONING = {
    "running": _("Under way"),
    "done": _("Done"),
    "refused": _("Done, but not everything is as the project wants it"),
    "failed": _("Failed"),
}
KEY_STATES = {
    "not_kept": _("accepted, but not kept"),
    "refused": _("refused"),
    "reboot_required": _("after a restart"),
    "unknown": _("the charger has no such key"),
    "read_only": _("read-only"),
    "failed": _("no answer"),
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
    "latched_unack": _("latched, not acknowledged"),
    "latched_ack": _("latched, acknowledged"),
    "normal": _("normal"),
    "shelved": _("shelved"),
    "suppressed": _("suppressed by design"),
    "out_of_service": _("out of service"),
}
ALARM_EVENTS = {
    "raised": _("raised"),
    "returned": _("returned"),
    "acknowledged": _("acknowledged"),
    "reset": _("latch reset"),
    "commented": _("commented"),
    "shelved": _("shelved"),
    "unshelved": _("unshelved"),
    "suppressed": _("suppressed by design"),
    "unsuppressed": _("no longer suppressed"),
    "out_of_service": _("out of service"),
    "in_service": _("in service again"),
}
DOMAINS = {
    "charging": _("charging"),
    "communication": _("communication"),
    "energy": _("energy"),
    "safety": _("safety"),
    "system": _("system"),
}
NATURES = {
    "error": _("error"),
    "fault": _("fault"),
    "identity": _("identity"),
    "learned": _("learned from the device"),
    "limit": _("limit"),
    "link": _("link"),
    "service": _("service"),
    "session": _("session"),
    "time": _("time"),
}
"""Domains and natures of the shipped files; a project's own are shown as they are."""

HOLDS = {
    HoldKind.SHELVED: _("Shelved"),
    HoldKind.OUT_OF_SERVICE: _("Out of service"),
    HoldKind.FORCED: _("Forced"),
}
RIGHTS = {
    "see": _("see"),
    "operate": _("operate"),
    "acknowledge": _("acknowledge"),
    "mask": _("mask"),
    "maintain": _("maintain"),
    "configure": _("configure"),
    "manage_users": _("manage users"),
}
ROLES = {"administrator": _("administrator"), "operator": _("operator"), "guest": _("guest")}
MAIL_STATES = {
    "waiting": _("waiting"),
    "held": _("kept back"),
    "sent": _("sent"),
    "failed": _("failed"),
    "withdrawn": _("withdrawn"),
}
CHANNELS = {Channel.EMAIL: _("e-mail"), Channel.SMS: _("short message"), Channel.WEBHOOK: _("webhook")}
EVENTS = {
    "transaction_started": _("session started"),
    "transaction_stopped": _("session ended"),
    "boot": _("charger booted"),
    "status": _("state reported"),
    "link": _("link came or went"),
    "firmware_status": _("firmware update goes on"),
    "diagnostics_status": _("upload of diagnostics goes on"),
    "file_received": _("file received from a charger"),
    "security_event": _("security event"),
    "reservation": _("reservation"),
    "visit_began": _("vehicle plugged in"),
    "visit_ended": _("vehicle unplugged"),
    "data_transfer": _("message of the vendor's own"),
    "signed_meter_value": _("signed meter value"),
}
"""Kinds of device events (`scada.core.effects.Event`)."""
DAYS = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
KINDS = {Kind.BIT: _("bit"), Kind.REGISTER: _("register"), Kind.TEXT: _("text")}
SOURCES = {
    Source.DRIVER: _("device"),
    Source.THRESHOLD: _("threshold"),
    Source.EXPRESSION: _("expression"),
    Source.COUNTER: _("counter"),
    Source.INTERNAL: _("people and this system"),
}
CONDITIONS = {
    Condition.HIGH: _("above"),
    Condition.LOW: _("below"),
    Condition.RATE: _("changes faster than"),
    Condition.DEVIATION: _("further from {reference} than"),
    Condition.STALE: _("no usable value for"),
}
COLUMNS = {
    "No.": _("No."),
    "Date": _("Date"),
    "Time": _("Time"),
    "Event": _("Event"),
    "State": _("State"),
    "Level": _("Level"),
    "Place": _("Place"),
    "Alarm": _("Alarm"),
    "Tag": _("Tag"),
    "Value": _("Value"),
    "User": _("User"),
    "From": _("From"),
    "Comment": _("Comment"),
    "Until": _("Until"),
    "Contact": _("Contact"),
    "Channel": _("Channel"),
    "Address": _("Address"),
    "Template": _("Template"),
    "Profile": _("Profile"),
    "Subject": _("Subject"),
    "Tries": _("Tries"),
    "Last answer": _("Last answer"),
    "Sent": _("Sent"),
    "Sent with": _("Sent with"),
}
"""Heads of columns in files."""


SCRIPT = {
    "lost": _("No connection to the server – values are not live."),
    "not_sent": _("Not sent: there is no connection to the server."),
    "last_seen": _("last seen {time}"),
    "sending": _("being sent …"),
    "confirm": _("Confirm"),
    "cancel": _("Cancel"),
    "close": _("Close"),
    "acknowledge": _("Acknowledge"),
    "acknowledge_many": _("Acknowledge {count} alarms"),
    "acknowledged_by": _("active, acknowledged by {user}"),
    "show": _("Show"),
    "no_alarms": _("No alarm: everything is normal."),
    "no_match": _("No alarm fits the filter."),
    "nothing_unacknowledged": _("No unacknowledged alarm."),
    "more_rows": _("{shown} of {total} are listed."),
    "not_journalled": _("not journalled yet"),
    "first_out": _("first-out: it came first of a group"),
    "flood": _("{count} alarms fit; grouped, the newest first."),
    "nothing_selected": _("No alarm is selected."),
    "nothing_waits": _("No alarm waits for acknowledgement here."),
    "forced_by": _("forced by {user}: {reason}"),
    "out_of_service_by": _("out of service by {user}: {reason}"),
    "out_of_service": _("Out of service"),
    "until": _("until {time}"),
    "sound_on": _("Sound on"),
    "sound_off": _("Sound off"),
    "sound_blocked": _("Sound waits for a click"),
    "sound_rule": _("Browsers let a page sound only after a click or a key on it."),
    "over": _("over"),
    "priority": _("priority"),
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
    "trend_now": _("now"),
    "trend_failed": _("The curves could not be fetched; what is shown may be old."),
    "upload_done": _("{name} is on the server"),
    "upload_broke": _("The upload broke off. Load the page again to see what is there, then try once more."),
    "upload_cancelled": _("cancelled; the list shows what is on the server"),
}


def error_text(code: str, tr: Translate) -> str:
    """An error code in words; a vendor's own code as it is."""
    return tr(_ERROR_CODES[code]) if code in _ERROR_CODES else code


def dictionary(tr: Translate) -> dict[str, str]:
    """Values of worded tags → words, for the browser."""
    words = STATUS | _ERROR_CODES | _REGISTRATION | _BITS
    return {value: tr(text) for value, text in words.items()}


TOKEN_STATES = {"good": _("good"), "blocked": _("blocked"), "expired": _("expired")}
TOKEN_SOURCES = {"local": _("project"), "admitted": _("admitted here")}
"""Where a token comes from; any other is the name of an import."""

RESERVATION_STATES = {
    "planned": _("planned"),
    "waiting": _("waiting for a free connector"),
    "active": _("connector is held"),
    "used": _("used"),
    "no_show": _("nobody came"),
    "cancelled": _("cancelled"),
}
HELD_BY = {"charger": _("by the charger"), "central": _("by this system")}
FRAME_KINDS = {
    "call": _("request"),
    "result": _("answer"),
    "error": _("error"),
    "unreadable": _("unreadable"),
}
LIST_STATES = {
    "current": _("current"),
    "sending": _("being sent"),
    "waiting": _("waits for the charger"),
    "failed": _("failed"),
    "unsupported": _("not supported"),
    "": _("not known yet"),
}
PHASES = {
    "running": _("running"),
    "paused": _("paused"),
    "stopped": _("stopped: too many failures"),
    "cancelled": _("campaign cancelled"),
    "done": _("ended"),
}
ITEM_STATES = {
    "waiting": _("waiting"),
    "asked": _("asked"),
    "judged": _("being found out"),
    "done": _("done"),
    "failed": _("failed"),
    "unknown": _("not known"),
    "skipped": _("not ready in time"),
    "cancelled": _("not asked any more"),
}
FILE_PURPOSES = {"diagnostics": _("diagnostics"), "log": _("log")}


def script_texts(tr: Translate) -> dict[str, str]:
    """The texts of the browser's scripts."""
    texts = SCRIPT | {f"state_{k}": v for k, v in ALARM_STATES.items()}
    return {key: tr(text) for key, text in texts.items()}
