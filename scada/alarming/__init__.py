"""Alarms: thresholds, the state machine of ISA-18.2, and who is told. Pure: called by the plant core's turns."""
