"""Acting: what a person has to say about a run that another process performs.

It is said in the journal, outside of any claim. Who executes the run looks there once a second;
who does not finds it there when they look for work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from fsm.errors import CorruptJournal, InvalidArgument, StaleRun, TransitionError
from fsm.journal import Journal
from fsm.journal.phase import FAILED
from fsm.lifecycle.history import check_history
from fsm.lifecycle.store import RunJournal
from fsm.run import firing
from fsm.run.access import load_history
from fsm.run.refusals import asking, refuse
from fsm.run.run import Run
from fsm.states import Cancelled, Paused, State
from fsm.tasks.policy import Policy, as_policy
from fsm.tasks.task_run import TaskRun

if TYPE_CHECKING:
    from fsm.journal import Summary

__all__ = ["Acted", "approve", "bare", "cancel", "rerun_children", "resume", "retry"]


@attrs.frozen
class Acted:
    """What became of one run; `refused` says why it did not move."""

    run: str
    state: State | None = None  # where it is now
    refused: Exception | None = None


def resume(
    journal: Journal, run: str, *, message: str | None = None, cls: type[Run] | None = None
) -> State:
    """Let a paused run go on, and return the `Resume` it is in: it may be started at once.

    Args:
        cls: What it is a run of. Its listeners are told; if left out nobody is, and it is taken
            for a `TaskRun`, whose steps the journal holds against its real class.

    Raises:
        TransitionError: It is not paused.
    """
    return _acted(journal, run, cls, lambda run: run.trigger("resume", **_said(message)))


def approve(
    journal: Journal,
    run: str,
    *,
    by: str,
    message: str | None = None,
    cls: type[Run] | None = None,
) -> State:
    """Resume a run that is paused for a person: *by* is in its context from then on.

    Raises:
        TransitionError: It is not paused.
    """
    if not isinstance(by, str) or not by:
        raise InvalidArgument(f"who approves has a name, not {by!r}")

    def act(run: Run) -> State:
        if not isinstance(run.state, Paused):
            state = type(run.state).__name__
            error = TransitionError(f"run {run.id!r} waits for nobody's word: it is {state}")
            refuse(run, "resume", error)
        return run.trigger(
            "resume",
            message=f"Approved by {by}" if message is None else message,
            context={**(run.state.context or {}), "approved_by": by},
        )

    with asking(by):
        return _acted(journal, run, cls, act)


def cancel(
    journal: Journal, run: str, *, message: str | None = None, cls: type[Run] | None = None
) -> Iterator[Acted]:
    """Cancel a run, then its children that have not ended; say so of each.

    One that is cancelled already stays as it is: its children may not be yet.
    """

    def act(run: Run) -> State:
        if isinstance(run.state, Cancelled):
            return run.state
        return run.trigger("cancel", **_said(message))

    acted = _tried(run, lambda: _acted(journal, run, cls, act))
    yield acted
    if acted.refused is None:
        for child in _among(journal, run, lambda child: not child.over):
            yield from cancel(journal, child, message=message, cls=cls)


def retry(
    journal: Journal,
    run: str,
    *,
    force: bool = False,
    message: str | None = None,
    cls: type[Run] | None = None,
) -> State:
    """Let a failed run try again, as its policy allows, and return its `Retrying`.

    Args:
        force: Whether it is run once more, at once, where its policy does not allow it.

    Raises:
        GuardRejected: Its policy does not; it did not move.
        TransitionError: It has not failed.
    """

    def act(run: Run) -> State:
        if run.state.is_running():  # its table has such a step; it is for its own task to make
            error = TransitionError(
                f"run {run.id!r} is Running: it can be retried when it has failed"
            )
            refuse(run, "retry", error)
        forced = force and "rerun" in run.allowed and firing.refusal("retry", run) is not None
        return run.trigger("rerun" if forced else "retry", **_said(message))

    return _acted(journal, run, cls, act)


def rerun_children(
    journal: Journal, run: str, *, message: str | None = None, cls: type[Run] | None = None
) -> Iterator[Acted]:
    """Let the failed children of a mapped run try again, whatever their policy has left."""
    journal.summary(run)  # or say that there is none
    for child in _among(journal, run, lambda child: child.phase == FAILED):
        yield _tried(child, partial(retry, journal, child, force=True, message=message, cls=cls))


def bare(id: str, journal: RunJournal, policy: Policy | None = None) -> TaskRun:
    """The run as far as it is any task's: of its settings it has the policy, or the one given.

    A name in a journal is no reason to import the class that it names.

    Raises:
        UnknownRun: There is no such run.
        CorruptJournal: Its history is not that of a `TaskRun`.
    """
    steps = list(journal.steps(id))
    check_history(TaskRun.lifecycle, id, steps)
    settings = steps[0].settings or {}
    try:
        policy = as_policy(settings.get("policy", Policy())) if policy is None else policy
    except (TypeError, ValueError) as error:
        raise CorruptJournal(f"run {id!r}: its policy cannot be read: {error}") from error
    run = TaskRun(id, state=steps[0].source, journal=journal, policy=policy)
    load_history(run, steps)
    return run


def _acted(journal: Journal, id: str, cls: type[Run] | None, act: Callable[[Run], State]) -> State:
    """Do it; once more if somebody was faster: they may have made it needless, or impossible."""
    try:
        return act(_restored(journal, id, cls))
    except StaleRun:
        return act(_restored(journal, id, cls))


def _restored(journal: Journal, id: str, cls: type[Run] | None) -> Run:
    return bare(id, journal) if cls is None else cls.restore(id, journal)


def _tried(run: str, act: Callable[[], State]) -> Acted:
    try:
        return Acted(run, act())
    except Exception as error:  # ours, or the veto of a listener
        return Acted(run, refused=error)


def _among(journal: Journal, run: str, wanted: Callable[[Summary], bool]) -> list[str]:
    """The children to act on; all are known before the first one is moved."""
    return [child.run for child in journal.children(run) if wanted(child)]


def _said(message: str | None) -> Mapping[str, Any]:
    return {} if message is None else {"message": message}
