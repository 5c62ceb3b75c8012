"""The command line: `scada new | check | run | demo | simulate | tags | user`."""

from scada.cli.main import main

__all__ = ["main"]
