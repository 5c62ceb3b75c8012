"""The file server for chargers: firmware out, diagnostics and logs in; only home of pyftpdlib.

`slots` says who may transfer what, `store` keeps the files, `http` and `ftp` are the two doors, `server` is all of
it as the ports of `scada.core.file_ports`. Nothing listens unless the project opens a port.
"""

from scada.files.server import FileServer

__all__ = ["FileServer"]
