"""Drivers: each speaks one protocol to its devices. They know nothing of each other."""
