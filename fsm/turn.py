"""Turn: whose step it is. Waiting happens only where two threads fire on one run at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .errors import StepInProgress

if TYPE_CHECKING:
    from .run import Run

__all__ = ["refuse_nested", "wait_for_turn"]

_gate = threading.Lock()
_waiting: dict[int, Run] = {}  # which thread waits for which run


def wait_for_turn(run: Run) -> None:
    """Take the run's lock when the step in progress is done.

    Raises:
        StepInProgress: That step is our own, or waits for one of ours: waiting would never end.
    """
    me = threading.get_ident()
    with _gate:
        if _waits_for(run, me):
            refuse_nested(run)
        _waiting[me] = run
    try:
        run._lock.acquire()
    finally:
        with _gate:
            del _waiting[me]


def refuse_nested(run: Run) -> None:
    """Say what to do instead of firing inside a step.

    Raises:
        StepInProgress: Always.
    """
    raise StepInProgress(
        f"run {run.id!r} is in the middle of a step that waits for this one; "
        "use run.post() to fire when it is done"
    )


def _waits_for(run: Run, me: int) -> bool:
    """Whether the step in progress on *run* cannot end before the caller's own does."""
    blocking: Run | None = run
    while blocking is not None:
        owner = blocking._owner
        thread = owner[0] if isinstance(owner, tuple) else owner
        if thread == me:
            return True
        blocking = None if thread is None else _waiting.get(thread)
    return False
