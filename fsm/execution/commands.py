"""Wish: what a run needs next of whoever drives it, and the answers there are to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import pendulum

__all__ = [
    "Answer",
    "CatchUp",
    "Children",
    "Displaced",
    "Execute",
    "Expired",
    "Fire",
    "Interrupted",
    "Lost",
    "Raised",
    "Returned",
    "Settled",
    "Wait",
    "Wish",
]


@attrs.frozen
class Fire:
    """Wish: make this step. What it raises is thrown in where it was wished for."""

    event: str
    payload: Mapping[str, Any]


@attrs.frozen
class CatchUp:
    """Wish: learn what others have made of the run; answered with how many steps that were."""


@attrs.frozen
class Wait:
    """Wish: come back at this time, and not before so many seconds have really passed.

    A retry waits for its delay even if somebody sets the clock forward meanwhile.
    """

    until: pendulum.DateTime
    at_least: float = 0.0


@attrs.frozen
class Execute:
    """Wish: call the task, and answer with what came of it."""

    deadline: pendulum.DateTime | None


@attrs.frozen
class Children:
    """Wish: perform the children of a mapped run, and answer with the states they end in.

    With *again*, those that have failed are run once more, whatever their policy has left.
    """

    again: bool = False


@attrs.frozen
class Returned:
    """Answer: the task returned *value*; a state is taken as its outcome."""

    value: Any


@attrs.frozen
class Raised:
    """Answer: the task raised."""

    error: BaseException


@attrs.frozen
class Expired:
    """Answer: the deadline came first. A task's own `TimeoutError` is `Raised`."""

    stopped: bool = False  # whether the task is; a thread cannot be


@attrs.frozen
class Interrupted:
    """Answer: somebody wants the work to end."""


@attrs.frozen
class Lost:
    """Answer: whoever executed the task is gone, and nobody knows how far it came."""

    why: str = ""


@attrs.frozen
class Displaced:
    """Answer: the work ended because that of another did, such as by breaking their pool."""


@attrs.frozen
class Settled:
    """Answer: what came of the task is in the run's history already."""


Wish = Wait | Execute | Children | Fire | CatchUp
Answer = Returned | Raised | Expired | Interrupted | Lost | Displaced | Settled | int | None
