"""Commands that a decider gives to its driver, and the replies of the driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    import pendulum

__all__ = [
    "CatchUp",
    "Command",
    "Displaced",
    "Execute",
    "Expired",
    "Fire",
    "Lost",
    "PerformChildren",
    "Raised",
    "Recorded",
    "Reply",
    "Returned",
    "Wait",
]


# Commands.


@attrs.frozen
class Fire:
    """Fire an event. What that raises is thrown into the decider at the command."""

    event: str
    payload: Mapping[str, Any]


@attrs.frozen
class CatchUp:
    """Apply the steps that others have made; the reply is how many there were."""


@attrs.frozen
class Wait:
    """Wait until a time by the wall clock, and for a number of seconds by a steady clock.

    Both must pass: a retry waits for its delay even if the wall clock is set forward meanwhile.
    """

    until: pendulum.DateTime
    at_least: float = 0.0


@attrs.frozen
class Execute:
    """Call the task; the reply is its result. None as the deadline: no time limit."""

    deadline: pendulum.DateTime | None


@attrs.frozen
class PerformChildren:
    """Perform the children of a mapped run; the reply is `Returned` with their last states.

    With *again*, children that have failed are run once more, even without retries left.
    """

    again: bool = False


# Replies.


@attrs.frozen
class Returned:
    """The task returned *value*. A state is taken as its outcome."""

    value: Any


@attrs.frozen
class Raised:
    """The task raised *error*."""

    error: BaseException


@attrs.frozen
class Expired:
    """The deadline came before the task ended. A task's own `TimeoutError` is `Raised`."""

    stopped: bool = False  # whether the task has ended; a thread cannot be stopped


@attrs.frozen
class Lost:
    """The worker that executed the task is gone; how far the task came is unknown."""

    why: str = ""


@attrs.frozen
class Displaced:
    """The work ended because other work broke the pool that both ran in."""


@attrs.frozen
class Recorded:
    """The result of the task is in the run's history already."""


Command = Wait | Execute | PerformChildren | Fire | CatchUp
Reply = Returned | Raised | Expired | Lost | Displaced | Recorded | int | None
