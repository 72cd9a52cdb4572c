"""Turn: whose step it is. Waiting happens only where two fire on one run at once.

Who steps is known by its thread or, from async code, by its thread and its task.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fsm.errors import StepInProgress

if TYPE_CHECKING:
    from .run import Run

__all__ = ["Who", "await_turn", "is_mine", "stop_waiting", "wait_for_turn"]

Who = int | tuple[int, Any]

_gate = threading.Lock()
_waiting: dict[Who, Run] = {}  # who waits for which run


def is_mine(run: Run, me: Who) -> bool:
    """Whether the step in progress on *run* is the caller's own.

    A thread that runs a loop cannot wait for a task of that loop, nor a task for its thread.
    """
    owner = run._owner
    if isinstance(me, tuple):
        return owner in (me, me[0])
    return me == (owner[0] if isinstance(owner, tuple) else owner)


def await_turn(run: Run, me: Who) -> None:
    """Note that *me* is about to wait for *run*; `_waiting` must be cleared of it afterwards.

    Raises:
        StepInProgress: The step in progress is our own, or waits for one of ours: waiting would
            never end.
    """
    with _gate:
        blocking: Run | None = run
        while blocking is not None:
            if is_mine(blocking, me):
                raise StepInProgress(
                    f"run {run.id!r} is in the middle of a step that waits for this one; "
                    "use run.post() to fire when it is done"
                )
            owner = blocking._owner
            blocking = None if owner is None else _waiting.get(owner)
        _waiting[me] = run


def stop_waiting(me: Who) -> None:
    """Take back what `await_turn` noted."""
    with _gate:
        _waiting.pop(me, None)


def wait_for_turn(run: Run) -> None:
    """Take the run's lock when the step in progress is done.

    Raises:
        StepInProgress: That step is our own, or waits for one of ours.
    """
    me = threading.get_ident()
    await_turn(run, me)
    try:
        run._lock.acquire()
    finally:
        stop_waiting(me)
