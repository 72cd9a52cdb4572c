"""The table of a lifecycle as immutable data: events, rows, guards, steps, payload building.

No run, no clock, no IO. `event`, `either` and `internal`, which declare rows, are in `fsm`.
"""

from .event import Event, EventMethod, Prepare, Transition, WhyLike
from .guard import Answer, Guard, Rejection
from .payload import Draft
from .refusal import Refusal
from .step import Step
from .store import StepStore
from .table import Edge, Lifecycle

__all__ = [
    "Answer",
    "Draft",
    "Edge",
    "Event",
    "EventMethod",
    "Guard",
    "Lifecycle",
    "Prepare",
    "Refusal",
    "Rejection",
    "Step",
    "StepStore",
    "Transition",
    "WhyLike",
]
