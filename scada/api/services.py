"""What the interface stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scada.core.device_ports import ChargerKnowledge, DeviceConsole, MessageLog
from scada.core.file_ports import FileShelf
from scada.core.message_ports import AnswerLinks
from scada.core.pending import PendingChargers
from scada.core.plant import DutySpan, Plant
from scada.core.ports import Archive
from scada.core.report_ports import ReportDesk
from scada.core.session_ports import SessionStore
from scada.identity.accounts import Accounts
from scada.runtime.allocation import LoadManagement
from scada.runtime.campaigns import Campaigns
from scada.runtime.host import PlantHost
from scada.runtime.judge import Configuration
from scada.runtime.modes import Modes
from scada.runtime.reconciler import Reconciler
from scada.runtime.report_jobs import ReportJobs
from scada.runtime.router import CommandRouter
from scada.runtime.shift_log import ShiftLog
from scada.runtime.tickets import Tickets


@dataclass(frozen=True)
class ApiServices:
    """Handed over by the composition root.

    Attributes:
        status: what `/api/v1/health` tells: ports and state of the services.
        links: reads the tokens of links in messages; None: there are none, and no answer from outside.
        secret: reference → secret, or None where it is not there.
        configuration: what chargers told of their configuration keys.
        messages: frames of earlier days; None: the project keeps none.
        files: firmware files and what chargers uploaded; None: there is no file server.
        pending: unknown chargers that wait; None: they are refused.
        write_calendar: (rota, spans, label) → iCalendar file; None: there are no feeds.
    """

    plant: Plant
    host: PlantHost
    router: CommandRouter
    accounts: Accounts
    archive: Archive
    sessions: SessionStore
    reports: ReportDesk
    report_jobs: ReportJobs
    reconciler: Reconciler
    console: DeviceConsole
    knowledge: ChargerKnowledge
    campaigns: Campaigns
    sharing: LoadManagement
    tickets: Tickets
    modes: Modes
    shift_log: ShiftLog
    configuration: Configuration
    version: str
    status: Callable[[], Mapping[str, Any]]
    links: AnswerLinks | None = None
    secret: Callable[[str], str | None] = field(default=lambda _: None)
    files: FileShelf | None = None
    messages: MessageLog | None = None
    pending: PendingChargers | None = None
    write_calendar: Callable[[str, Iterable[DutySpan], str], bytes] | None = None
