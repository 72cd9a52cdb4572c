"""Running: the state of a run at work."""

from typing import ClassVar

from .base import State


class Running(State):
    """The run is being executed.

    Its fields are those of every `State`.
    """

    __module__ = "fsm.states"
    __slots__ = ()

    color: ClassVar[str] = "#3d67ff"

    def is_running(self) -> bool:
        return True
