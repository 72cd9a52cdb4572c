"""Aside: what lies beside a run and its steps; few runs have any."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .refusal import Noted

__all__ = ["Aside", "Posted"]

Posted = tuple[str, tuple[Any, ...], dict[str, Any]]  # an event and its arguments

_MOST = 32  # refusals that a run remembers


class Aside(deque[Posted]):
    """The events that were posted for later, which it is true of while there are any; and refusals.

    Both in one, for the sake of a million runs that have neither.
    """

    __slots__ = ("refused",)

    def __init__(self) -> None:
        super().__init__()
        self.refused: deque[Noted] = deque(maxlen=_MOST)
