"""EV-SCADA: supervision of electric-vehicle charging sites. See ARCHITECTURE.md."""

__version__ = "0.1.0"
