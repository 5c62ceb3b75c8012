"""Who may draw how much: shares what a circuit tree has among the vehicles that charge, and never orders too much.

Pure: no loop, no clock, no database, no protocol. `Allocator.step` is given the time of a clock that never leaps, what
was measured and what is wanted, and returns orders with their reasons; `sent`, `answered` tell it what became of them.

    tree        circuit tree → resources (node and phase, or node and power) and each connector's rows of coefficients
    division    exact lexicographic weighted max-min, with the limit that binds each
    admission   the minimum or nothing, in turn
    policy      equal, weights, tiers, least laxity, need: as a and b of the one division
    ledger      what each connector may at most draw now, whatever it was told and has answered
    headroom    what the loads that are not chargers leave, and what counts while a meter is silent
    ordering    what may be ordered now, of what each is to have
    allocator   one recalculation
"""

from scada.allocation.allocator import Allocator
from scada.allocation.model import (
    Answer,
    Decision,
    Mode,
    Order,
    OrderKind,
    Policy,
    Reading,
    Request,
    Settings,
    Share,
)
from scada.allocation.tree import Kind, Limits, Member, Node, Tree

__all__ = [
    "Allocator",
    "Answer",
    "Decision",
    "Kind",
    "Limits",
    "Member",
    "Mode",
    "Node",
    "Order",
    "OrderKind",
    "Policy",
    "Reading",
    "Request",
    "Settings",
    "Share",
    "Tree",
]
