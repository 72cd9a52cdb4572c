"""One run: its state, its history, its listeners, and the one door through which it moves."""

from .bound import BoundEvent
from .run import Clock, Run

__all__ = ["BoundEvent", "Clock", "Run"]
