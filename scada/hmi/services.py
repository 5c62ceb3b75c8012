"""What the HMI needs of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scada.core.access import Actor
from scada.core.device_ports import ChargerKnowledge, DeviceConsole, MessageLog
from scada.core.file_ports import FileShelf
from scada.core.pending import PendingChargers
from scada.core.plant import Plant
from scada.core.ports import Archive
from scada.core.report_ports import ReportDesk
from scada.core.session_ports import SessionStore
from scada.identity.users import Users
from scada.runtime.campaigns import Campaigns
from scada.runtime.host import PlantHost
from scada.runtime.judge import Configuration
from scada.runtime.modes import Modes
from scada.runtime.report_jobs import ReportJobs
from scada.runtime.router import CommandRouter
from scada.runtime.shift_log import ShiftLog
from scada.runtime.tickets import Tickets


class Accounts(Protocol):
    """Who may come in (`scada.identity.accounts`)."""

    async def log_in(self, name: str, password: str, origin: str) -> str:
        """A session token. Raises Denied with a sentence."""
        ...

    def actor(self, token: str, origin: str) -> Actor | None:
        """Who holds a token; None when the session is over."""
        ...

    def log_out(self, token: str) -> None:
        """End a session."""
        ...

    def language(self, name: str) -> str:
        """The language of a user, or empty."""
        ...

    def theme(self, name: str) -> str:
        """The theme of a user, or empty."""
        ...

    def must_change(self, name: str) -> bool:
        """Whether a user has to choose a password before anything else."""
        ...

    async def choose(self, name: str, *, language: str = "", theme: str = "") -> None:
        """Keep what a user chose; empty leaves as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Preview:
    """A message as it would be read: of a sample, or of an alarm of the plant."""

    subject: str
    text: str
    html: str = ""


class Messages(Protocol):
    """Templates of messages, to be looked at (`scada.notify`)."""

    def templates(self) -> Sequence[str]:
        """Their names."""
        ...

    def preview(self, template: str, language: str) -> Preview:
        """A template in a language; one that fails is shown as its readers would get it."""
        ...


@dataclass(frozen=True, kw_only=True)
class HmiServices:
    """Everything that pages read and act through.

    Attributes:
        mail_dir: Maildir of the built-in mail catcher; None where mail goes to a real server.
        messages: for previews; None: there are none.
        knowledge: of chargers; None: no driver has any.
        console: messages to chargers and the trace; None: no driver has them.
        message_log: frames of earlier days; None: the project keeps none.
        campaigns: commands to many chargers.
        configuration: what chargers told of their configuration keys.
        files: firmware files and what chargers uploaded; None: there is no file server.
        pending: unknown chargers that wait; None: they are refused.
        report_jobs: files that are being made for users.
        users: accounts, for those who look after them.
        tickets, shift_log: what operators write down.
        modes: of sites.
    """

    plant: Plant
    host: PlantHost
    router: CommandRouter
    accounts: Accounts
    archive: Archive
    sessions: SessionStore
    reports: ReportDesk
    report_jobs: ReportJobs
    mail_dir: Path | None
    version: str
    users: Users | None = None
    tickets: Tickets | None = None
    modes: Modes | None = None
    shift_log: ShiftLog | None = None
    messages: Messages | None = None
    knowledge: ChargerKnowledge | None = None
    console: DeviceConsole | None = None
    message_log: MessageLog | None = None
    campaigns: Campaigns | None = None
    configuration: Configuration | None = None
    files: FileShelf | None = None
    pending: PendingChargers | None = None
