"""Lock ownership: which thread or task makes a step of a run, and which ones wait for it.

The owner of a run's lock is a thread or, in async code, a thread and a task. A wait that could
never end, because the owner waits for the caller, is an error.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fsm.errors import StepInProgress

if TYPE_CHECKING:
    from .run import Run

__all__ = ["Who", "acquire_when_free", "is_mine", "register_wait", "stop_waiting"]

Who = int | tuple[int, Any]

_gate = threading.Lock()
_waiting: dict[Who, Run] = {}  # by waiting thread or task: the run


def is_mine(run: Run, me: Who) -> bool:
    """Whether *me* makes the step in progress of *run*.

    A thread that runs a loop counts as owner of what a task of that loop owns, and the task of
    what its thread owns: neither can wait for the other.
    """
    owner = run._owner
    if isinstance(me, tuple):
        return owner in (me, me[0])
    return me == (owner[0] if isinstance(owner, tuple) else owner)


def register_wait(run: Run, me: Who) -> None:
    """Register *me* as waiting for *run*; call `stop_waiting` afterwards.

    Raises:
        StepInProgress: The step in progress is *me*'s own, or waits for a step of *me*: the
            wait would never end.
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
    """Unregister *me*."""
    with _gate:
        _waiting.pop(me, None)


def acquire_when_free(run: Run) -> None:
    """Wait for the step in progress, then take the run's lock.

    Raises:
        StepInProgress: That step is the caller's own, or waits for one of the caller's.
    """
    me = threading.get_ident()
    register_wait(run, me)
    try:
        run._lock.acquire()
    finally:
        stop_waiting(me)
