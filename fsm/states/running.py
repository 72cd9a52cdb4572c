"""Running: the state of a run at work."""

from __future__ import annotations

from typing import ClassVar

from .base import State


class Running(State):
    """Being run."""

    __slots__ = ()

    color: ClassVar[str] = "#3d67ff"

    def is_running(self) -> bool:
        return True
