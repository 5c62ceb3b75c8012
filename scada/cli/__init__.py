"""The command line: `scada new | check | run | demo | simulate | tags | chargers | firmware | campaigns | user`."""

from scada.cli.main import main

__all__ = ["main"]
