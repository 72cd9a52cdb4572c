"""Outcome: a state that a task raises, where returning it would be far away."""

from __future__ import annotations

from fsm.errors import InvalidArgument
from fsm.states import State

__all__ = ["Outcome"]


class Outcome(BaseException):
    """What a task comes to, raised from anywhere in it: `raise Outcome(Skipped("nothing new"))`.

    Not an `Exception`, so that no `except Exception` on the way takes it for an error. A state
    that the task returns means the same.
    """

    def __init__(self, state: State) -> None:
        if not isinstance(state, State):
            raise InvalidArgument(f"an outcome is a state, such as Skipped(...), not {state!r}")
        super().__init__(state)
        self.state = state
