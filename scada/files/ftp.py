"""The FTP door (RFC 959, passive only): a session sees one slot and nothing else. In a thread of its own.

Only what a charger needs to fetch or store one file is answered; there is no listing, renaming, deleting, and no
active mode (the server would open connections to where the client says).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
import warnings
from typing import Any, ClassVar

from scada.core.errors import BadRequest
from scada.files.desk import Desk, TooLarge, Upload
from scada.files.slots import Busy, Slot, Way

with warnings.catch_warnings():
    # It stands on asyncore, which Python 3.11 announces the end of; for later ones it brings its own.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.exceptions import AuthenticationFailed, FilesystemError
    from pyftpdlib.filesystems import AbstractedFS
    from pyftpdlib.handlers import DTPHandler, FTPHandler
    from pyftpdlib.handlers.ftp.control import proto_cmds
    from pyftpdlib.ioloop import IOLoop
    from pyftpdlib.servers import FTPServer

CONNECTIONS_MAX = 200
"""Control and data connections at once; a further one is answered 421."""
IDLE_S = 120
STALL_S = 30
"""A data connection on which nothing moves for so long is closed."""
POLL_S = 0.25
STOP_S = 3.0
LOG_IN_DELAY_S = 1

_COMMANDS = frozenset(
    (
        "ABOR",
        "ALLO",
        "CDUP",
        "CWD",
        "EPSV",
        "FEAT",
        "MDTM",
        "MODE",
        "NOOP",
        "OPTS",
        "PASS",
        "PASV",
        "PWD",
        "QUIT",
        "REST",
        "RETR",
        "SIZE",
        "STAT",
        "STOR",
        "STRU",
        "SYST",
        "TYPE",
        "USER",
        "XCUP",
        "XCWD",
        "XPWD",
    )
)

# Without a handler of its own the library makes one that writes to the terminal; its lines name passwords in URLs.
_logger = logging.getLogger("pyftpdlib")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False


class FtpDoor:
    """The FTP server.

    Args:
        address: IP that chargers are told for data connections; empty: the one that they came to.
        passive_ports: first and last of data connections, or None.
    """

    def __init__(
        self,
        desk: Desk,
        address: str,
        passive_ports: tuple[int, int] | None,
        *,
        stall_s: float = STALL_S,
    ) -> None:
        ports = range(passive_ports[0], passive_ports[1] + 1) if passive_ports else None
        data = type("Data", (_Data,), {"timeout": stall_s})
        self._handler = type(
            "Session",
            (_Session,),
            {
                "desk": desk,
                "masquerade_address": address or None,
                "passive_ports": ports,
                "dtp_handler": data,
                "authorizer": _Authorizer(desk),
            },
        )

    async def run(self, sock: socket.socket) -> None:
        """Serve until cancelled.

        Args:
            sock: bound; a duplicate is used, so that the service can be started again.
        """
        stop = threading.Event()
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def serve() -> None:
            failure: Exception | None = None
            try:
                self._serve(sock.dup(), stop)
            except Exception as error:
                failure = error
            loop.call_soon_threadsafe(_settle, ended, failure)

        thread = threading.Thread(target=serve, name="ftp", daemon=True)
        thread.start()
        try:
            await asyncio.shield(ended)
        finally:
            stop.set()
            await asyncio.wait([ended], timeout=STOP_S)

    def _serve(self, sock: socket.socket, stop: threading.Event) -> None:
        ioloop = IOLoop.factory()
        server = FTPServer(sock, self._handler, ioloop=ioloop)
        server.max_cons = CONNECTIONS_MAX
        try:
            while not stop.is_set():
                ioloop.loop(timeout=POLL_S, blocking=False)
        finally:
            server.close_all()


def _settle(future: asyncio.Future[None], failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(None)
    else:
        future.set_exception(failure)


class _Authorizer:
    """A user is a slot's id, its password the slot's token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def validate_authentication(self, user: str, password: str, session: _Session) -> None:
        session.slot = self._desk.log_in(user, password)
        if session.slot is None:
            raise AuthenticationFailed("user name or password is wrong")

    def has_perm(self, user: str, perm: str, path: str | None = None) -> bool:
        slot = self._desk.table.get(user)
        if slot is None:
            return False
        # e: change folder, l: size and time of the file, r: read, w: write.
        return perm in ("elr" if slot.way is Way.TO_CHARGER else "ew")

    def get_perms(self, user: str) -> str:
        slot = self._desk.table.get(user)
        return "" if slot is None else "elr" if slot.way is Way.TO_CHARGER else "ew"

    def get_home_dir(self, user: str) -> str:
        return "/"

    def get_msg_login(self, user: str) -> str:
        return "one file."

    def get_msg_quit(self, user: str) -> str:
        return "Goodbye."

    def impersonate_user(self, user: str, password: str) -> None:
        """Nobody is impersonated."""

    def terminate_impersonation(self, user: str) -> None:
        """Nobody was impersonated."""


class _Files(AbstractedFS):  # type: ignore[misc]
    """The one file of a session, under whatever path the client gives."""

    cmd_channel: _Session

    def ftp2fs(self, ftppath: str) -> str:
        return str(self.ftpnorm(ftppath))

    def fs2ftp(self, fspath: str) -> str:
        return fspath

    def validpath(self, path: str) -> bool:
        return True

    def realpath(self, path: str) -> str:
        return path

    def chdir(self, path: str) -> None:
        """Every folder is the same."""
        self.cwd = "/"

    def open(self, filename: str, mode: str) -> Any:
        slot = self.cmd_channel.usable_slot()
        if slot.way is Way.FROM_CHARGER:
            if mode != "wb":  # REST before STOR: a part would be taken for the whole
                raise FilesystemError("a file is uploaded as a whole")
            return _Incoming(self.cmd_channel.desk, slot, filename)
        if filename.rpartition("/")[2] != slot.name:
            raise FilesystemError("No such file")
        return _Outgoing(self.cmd_channel.desk, slot)

    def isfile(self, path: str) -> bool:
        slot = self.cmd_channel.slot
        named = slot is not None and path.rpartition("/")[2] == slot.name
        return named and slot is not None and slot.file.is_file()

    def isdir(self, path: str) -> bool:
        return not self.isfile(path)

    lexists = isfile

    def listdir(self, path: str) -> list[str]:
        return []

    def getsize(self, path: str) -> int:
        if not self.isfile(path):
            raise FilesystemError("No such file")
        return self.cmd_channel.usable_slot().file.stat().st_size

    def getmtime(self, path: str) -> float:
        if not self.isfile(path):
            raise FilesystemError("No such file")
        return self.cmd_channel.usable_slot().file.stat().st_mtime


class _Incoming:
    """The file object of an upload."""

    def __init__(self, desk: Desk, slot: Slot, name: str) -> None:
        self.name = name
        self.wrong = ""
        self.closed = False
        try:
            desk.begin(slot)
        except (Busy, BadRequest) as error:
            raise FilesystemError(str(error)) from None
        self._upload = Upload(desk, slot)

    def write(self, data: bytes) -> None:
        """Raises OSError: the library answers 426 and closes the data connection."""
        try:
            self._upload.write(data)
        except (TooLarge, BadRequest) as error:
            self.wrong = str(error)
            raise OSError(errno.EFBIG, self.wrong) from None

    def finish(self) -> str:
        """The file is whole and on disk; returns what is wrong, or nothing."""
        self.closed = True
        try:
            self._upload.finish(self.name)
        except (BadRequest, OSError) as error:
            return str(error)
        return ""

    def close(self) -> None:
        self.closed = True
        self._upload.abandon()


class _Outgoing:
    """The file object of a download."""

    def __init__(self, desk: Desk, slot: Slot) -> None:
        self.name = slot.name
        self._desk, self._slot = desk, slot
        try:
            self._file = slot.file.open("rb")
        except OSError:
            raise FilesystemError("No such file") from None
        try:
            desk.begin(slot)
        except (Busy, BadRequest) as error:
            self._file.close()
            raise FilesystemError(str(error)) from None
        self._size = os.fstat(self._file.fileno()).st_size
        self.closed = False

    def read(self, count: int = -1) -> bytes:
        data = self._file.read(count)
        table = self._desk.table
        if not table.serve(self._slot, len(data), self._size) or not self._desk.usable(self._slot):
            raise OSError(errno.ETIMEDOUT, "this transfer is over")
        return data

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def at_end(self) -> bool:
        return self._file.tell() == self._size

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._file.close()
            self._desk.table.end(self._slot)


class _Data(DTPHandler):  # type: ignore[misc]
    """A data connection: an upload is on disk before the client hears 226."""

    transfer_finished: bool

    broken = False

    def recv(self, buffer_size: int) -> bytes:
        """Read; the library itself takes a reset for the end of the file."""
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True
            self.handle_close()
            return b""
        return bytes(super().recv(buffer_size))

    def handle_close(self) -> None:
        """The other end has closed, or the connection was reset: only the first says that an upload is whole."""
        if self.receive and not self._closed and (self.broken or not self._said_goodbye()):
            self._resp = ("426 The connection broke.", self.log)
            self.close()
            return
        super().handle_close()

    def _said_goodbye(self) -> bool:
        """Whether the other end has closed in good order (FIN, not RST)."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK) == b"")
        except OSError:
            return False

    def handle_error(self) -> None:
        """Say why an upload is not taken."""
        wrong = self.file_obj.wrong if isinstance(self.file_obj, _Incoming) else ""
        if not wrong:
            super().handle_error()
            return
        self._resp = (f"552 {wrong}.", self.log)
        self.close()

    def close(self) -> None:
        file = self.file_obj
        fetched = None
        if not self._closed and self.transfer_finished and file is not None and not file.closed:
            if isinstance(file, _Incoming):
                wrong = file.finish()
                if wrong:
                    self.transfer_finished = False
                    self._resp = (f"451 {wrong}.", self.log)
            elif isinstance(file, _Outgoing) and file.at_end():
                fetched = self.cmd_channel.slot
        super().close()
        if fetched is not None:
            self.cmd_channel.desk.fetched(fetched)


class _Session(FTPHandler):  # type: ignore[misc]
    """A control connection."""

    desk: ClassVar[Desk]
    slot: Slot | None = None
    banner = "ready"
    timeout = IDLE_S
    auth_failed_timeout = LOG_IN_DELAY_S
    abstracted_fs = _Files
    use_sendfile = False  # every byte is counted
    proto_cmds = {name: rule for name, rule in proto_cmds.items() if name in _COMMANDS}  # noqa: RUF012

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._current_type = "i"

    def ftp_TYPE(self, line: str) -> None:  # noqa: N802 (the library's name)
        """Files are always sent as they are: the line ends of ASCII mode, the default of FTP, would spoil them."""
        super().ftp_TYPE(line)
        self._current_type = "i"

    def usable_slot(self) -> Slot:
        """The session's slot. Raises FilesystemError: its time is over."""
        if self.slot is None or not self.desk.usable(self.slot):
            raise FilesystemError("this transfer is over")
        return self.slot
