"""The OCPP-J driver, and the only home of `websockets` and the `ocpp` package's schemas.

`frames`, `schemas` and `peer` are the wire part: they play either role, so the simulator and, later, the
proxy stand on them too. `server` listens, `station` is one charger seen from the central system, `v16` holds
one file an action.
"""
