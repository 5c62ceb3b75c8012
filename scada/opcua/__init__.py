"""The plant as an OPC UA server. The home of asyncua.

asyncua brings encoding, channels and subscriptions. Who may do what, and the way of values, are ours: no client
has asyncua's Admin role, writes and calls never reach its address space (`access`), values are read from the
tags themselves (`values`).
"""

from scada.opcua.server import OpcUaServer

__all__ = ["OpcUaServer"]
