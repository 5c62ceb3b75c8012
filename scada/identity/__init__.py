"""Who somebody is: accounts, passwords, log-in sessions. What they may do is `scada.core.access`."""
