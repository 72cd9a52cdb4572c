"""What a careful engineer would write by hand for one lifecycle: the reference.

It does the work of a step of ours, and leaves out what its author would not need: other states,
arguments but its own, firing inside a step, posted events, listeners by place.
"""

from __future__ import annotations

from .arun import AsyncRun
from .bare import Bare
from .journal import Journal, Record, Refused
from .mapped import MappedRun
from .payload import Idle, Many, Working
from .run import Run, ready
from .slotted import Slotted

__all__ = [
    "AsyncRun",
    "Bare",
    "Idle",
    "Journal",
    "Many",
    "MappedRun",
    "Record",
    "Refused",
    "Run",
    "Slotted",
    "Working",
    "ready",
]
