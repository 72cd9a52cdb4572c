"""Lock ownership: which thread or task makes a step of a run, and which ones wait for it.

A thread or task that makes a step holds the run's lock and is its owner:

    me = whoami()
    while run._owner is not None:
        wait(run, me)
    with run._lock:
        run._owner = me
        ...
        run._owner = None

- `with` on a lock is one C call at either end, so whatever is raised in between frees it: a signal,
  a cancellation, a RecursionError. `_owner` may then be left behind; it counts only while the lock
  is held.
- CPython looks for signals and other threads after calls and at backward jumps. There is neither
  between the test of `_owner` and `with`, nor between `with` and the assignment: a signal handler
  never finds the lock held and its owner unknown, and `with` never blocks on a step that `wait`
  would have refused to wait for.
- After a fork no other thread of the parent lives on: a lock that one of them holds is replaced.
"""

from __future__ import annotations

import os
from _thread import RLock, allocate_lock, get_ident
from typing import TYPE_CHECKING, Any

from fsm.errors import StepInProgress

if TYPE_CHECKING:
    from .run import Run

__all__ = ["Owner", "is_left_behind", "is_mine", "register", "unregister", "wait", "whoami"]

Owner = int | tuple[int, Any]  # a thread, or a thread and a task; threads as `whoami` numbers them
Wait = tuple["Run", Any]  # of a run; valid while the lock is held

_A_FORK = 1 << 64  # greater than any thread's ident
forks: int = 0
# For what a run makes on demand, of several threads once; a signal handler may enter it again.
first: RLock = RLock()
_waits: dict[Owner, Wait] = {}


def whoami() -> int:
    """The calling thread: its ident, and in the higher bits how often the process has forked."""
    return get_ident() + forks


def is_mine(run: Run, me: Owner) -> bool:
    """Whether *me* makes the step in progress of *run*.

    A thread that runs a loop counts as owner of what a task of that loop owns, and the task of
    what its thread owns: neither can wait for the other.
    """
    owner = run._owner
    if owner is None or not run._lock.locked():
        return False
    if isinstance(me, tuple) and isinstance(owner, tuple):
        return owner == me
    return _ident(owner) == _ident(me)


def wait(run: Run, me: Owner) -> None:
    """Wait until the step in progress has ended; another may have begun by then.

    Raises:
        StepInProgress: The step is the caller's own, or waits for one of the caller's.
    """
    if is_left_behind(run):
        return
    waiting = allocate_lock()
    with waiting:
        before = register(run, me, waiting)
        try:
            with run._lock:
                pass
        finally:
            unregister(me, before)


def register(run: Run, me: Owner, waiting: Any) -> Wait | None:
    """Register *me* as waiting for *run* for as long as the lock *waiting* is held.

    Returns:
        What *me* waits for already, for `unregister`: this may be a signal handler.

    Raises:
        StepInProgress: The step in progress is *me*'s own, or waits for a step of *me*: the wait
            would never end.
    """
    before, _waits[me] = _waits.get(me), (run, waiting)
    blocking: Run | None = run
    seen: list[Run] = []
    while blocking is not None and blocking not in seen:
        seen.append(blocking)
        if is_mine(blocking, me):
            unregister(me, before)
            raise StepInProgress(
                f"run {run.id!r} is in the middle of a step that waits for this one; "
                "use run.post() to fire when it is done"
            )
        owner = blocking._owner
        entry = None if owner is None else _waits.get(owner)
        blocking = entry[0] if entry is not None and entry[1].locked() else None
    return before


def unregister(me: Owner, before: Wait | None) -> None:
    """Take back what `register` did."""
    if before is None:
        _waits.pop(me, None)
    else:
        _waits[me] = before


def is_left_behind(run: Run) -> bool:
    """Whether the step has ended without clearing the owner; then clear it."""
    owner = run._owner
    if owner is None:
        return True
    if not run._lock.locked():  # an interrupt came before the owner was cleared
        with run._lock:
            run._owner = None
        return True
    if _thread(owner) < forks and _ident(owner) != get_ident():  # a thread of the parent process
        run._lock = allocate_lock()
        run._owner = None
        return True
    return False


def _thread(owner: Owner) -> int:
    return owner[0] if isinstance(owner, tuple) else owner


def _ident(owner: Owner) -> int:
    return _thread(owner) % _A_FORK


def _count_fork() -> None:
    global forks, first
    forks += _A_FORK
    first = RLock()  # another thread of the parent may have held it
    _waits.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)
