"""Approve, resume, cancel and retry runs of other processes, through their journal.

Each operation makes a step in the journal without a claim. The worker that performs the run reads
the journal once a second; other workers see the step when they next look for due runs.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from fsm.errors import CorruptJournal, InvalidArgument, StaleRun, TransitionError
from fsm.journal import Journal, Summary
from fsm.journal.phase import FAILED
from fsm.lifecycle.store import StepStore
from fsm.run import firing
from fsm.run.access import load_history
from fsm.run.refusals import acting_as, refuse
from fsm.run.run import Run
from fsm.states import Cancelled, Paused, State
from fsm.tasks.policy import Policy, as_policy
from fsm.tasks.task_run import TaskRun

__all__ = [
    "ControlResult",
    "approve",
    "cancel",
    "precondition",
    "rerun_children",
    "restore_task_run",
    "resume",
    "retry",
]


@attrs.frozen
class ControlResult:
    """What an operation did to one run."""

    __module__ = "fsm.operations"

    run: str  # its id
    state: State | None = None  # the run's state after the operation; None where it was refused
    error: Exception | None = None  # why the run did not move; None where it did


def resume(
    journal: Journal, run: str, *, message: str | None = None, cls: type[Run] | None = None
) -> State:
    """Let a paused run go on, and return the `Resume` it enters: it may be started at once.

    Args:
        run: The id of the run.
        message: Of the new state.
        cls: The class of the run, whose listeners are then called. If left out, no listener is
            called and the run is taken for a `TaskRun`; the journal still refuses a step that the
            run's own class does not have.

    Raises:
        UnknownRun: The journal has no such run.
        TransitionError: It is not paused; it did not move.
    """
    return _operate(journal, run, cls, lambda run: run.trigger("resume", **_as_arguments(message)))


def approve(
    journal: Journal,
    run: str,
    *,
    by: str,
    message: str | None = None,
    cls: type[Run] | None = None,
) -> State:
    """Resume a run that is paused for a person, and return the `Resume` it enters.

    Args:
        run: The id of the run.
        by: The name of the person, kept as `approved_by` in the context of all later states.
        message: Of the new state; `Approved by` and the name if left out.
        cls: As for `resume`: the class whose listeners are called.

    Raises:
        InvalidArgument: *by* is no name.
        UnknownRun: The journal has no such run.
        TransitionError: It is not paused; it did not move.
    """
    if not isinstance(by, str) or not by:
        raise InvalidArgument(f"approve() needs the name of a person in by=, not {by!r}")

    def act(run: Run) -> State:
        _require("approve", "resume", run)
        return run.trigger(
            "resume",
            message=f"Approved by {by}" if message is None else message,
            context={**(run.state.context or {}), "approved_by": by},
        )

    with acting_as(by):
        return _operate(journal, run, cls, act)


def cancel(
    journal: Journal, run: str, *, message: str | None = None, cls: type[Run] | None = None
) -> Iterator[ControlResult]:
    """Cancel a run, then its children that have not ended, and yield the result of each.

    The run is cancelled when the iterator is advanced. A run that is cancelled already stays as it
    is, and its children are cancelled. Where a run cannot be cancelled, its children are left
    alone, and the result has the error: nothing is raised.

    Args:
        run: The id of the run.
        message: Of the new states.
        cls: As for `resume`: the class whose listeners are called.
    """

    def act(run: Run) -> State:
        if isinstance(run.state, Cancelled):
            return run.state
        return run.trigger("cancel", **_as_arguments(message))

    result = _try(run, lambda: _operate(journal, run, cls, act))
    yield result
    if result.error is None:
        for child in _children(journal, run, lambda child: not child.over):
            yield from cancel(journal, child, message=message, cls=cls)


def retry(
    journal: Journal,
    run: str,
    *,
    force: bool = False,
    message: str | None = None,
    cls: type[Run] | None = None,
) -> State:
    """Retry a failed run as its policy allows, and return the `Retrying` it enters.

    Args:
        run: The id of the run.
        force: Whether to rerun it at once where its policy does not allow a retry.
        message: Of the new state.
        cls: As for `resume`: the class whose listeners are called.

    Raises:
        UnknownRun: The journal has no such run.
        GuardRejected: Its policy does not allow it; it did not move.
        TransitionError: It has not failed; it did not move.
    """

    def act(run: Run) -> State:
        _require("retry", "retry", run)
        forced = force and "rerun" in run.allowed and firing.refusal("retry", run) is not None
        return run.trigger("rerun" if forced else "retry", **_as_arguments(message))

    return _operate(journal, run, cls, act)


def rerun_children(
    journal: Journal, run: str, *, message: str | None = None, cls: type[Run] | None = None
) -> Iterator[ControlResult]:
    """Retry the failed children of a mapped run, whatever their policy allows; yield the results.

    Args:
        run: The id of the mapped run.
        message: Of the new states.
        cls: As for `resume`: the class whose listeners are called.

    Raises:
        UnknownRun: The journal has no such run.
    """
    journal.summary(run)  # raises UnknownRun
    for child in _children(journal, run, lambda child: child.phase == FAILED):
        yield _try(child, partial(retry, journal, child, force=True, message=message, cls=cls))


def precondition(operation: str, run: Run) -> TransitionError | None:
    """The refusal of an operation that has a rule besides the table; None where it may go on.

    Args:
        operation: `approve`, `retry` or any other.
    """
    state = type(run.state).__name__
    if operation == "approve" and not isinstance(run.state, Paused):
        return TransitionError(f"cannot approve from {state}; only a Paused run waits for approval")
    # The table has a retry from Running: it is for the run's own task, which its worker performs.
    if operation == "retry" and run.state.is_running():
        return TransitionError(f"cannot retry from {state}; only a failed run can be retried")
    return None


def restore_task_run(id: str, journal: StepStore, policy: Policy | None = None) -> TaskRun:
    """Restore a run of any kind of task as a plain `TaskRun`, without importing its own class.

    Of its settings it has the policy.

    Args:
        id: The id of the run.
        policy: Used instead of the one in the journal.

    Raises:
        UnknownRun: The journal has no such run.
        CorruptJournal: Its history is not that of a `TaskRun`, or its policy cannot be read.
    """
    steps = list(journal.steps(id))
    TaskRun.lifecycle.check_history(id, steps)
    settings = steps[0].settings or {}
    try:
        policy = as_policy(settings.get("policy", Policy())) if policy is None else policy
    except (TypeError, ValueError) as error:
        raise CorruptJournal(f"run {id!r}: its policy cannot be read: {error}") from error
    run = TaskRun(id, state=steps[0].source, journal=journal, policy=policy)
    load_history(run, steps)
    return run


def _require(operation: str, event: str, run: Run) -> None:
    error = precondition(operation, run)
    if error is not None:
        refuse(run, event, error)


def _operate(
    journal: Journal, id: str, cls: type[Run] | None, act: Callable[[Run], State]
) -> State:
    """Restore the run and act on it; once more if another process has moved it meanwhile.

    That step may have made the operation needless, or impossible.
    """
    try:
        return act(_restore(journal, id, cls))
    except StaleRun:
        return act(_restore(journal, id, cls))


def _restore(journal: Journal, id: str, cls: type[Run] | None) -> Run:
    return restore_task_run(id, journal) if cls is None else cls.restore(id, journal)


def _try(run: str, act: Callable[[], State]) -> ControlResult:
    try:
        return ControlResult(run, act())
    except Exception as error:  # one of ours, or the veto of a listener
        return ControlResult(run, error=error)


def _children(journal: Journal, run: str, is_meant: Callable[[Summary], bool]) -> list[str]:
    """The ids of the children to act on, listed before the first one is moved."""
    return [child.run for child in journal.children(run) if is_meant(child)]


def _as_arguments(message: str | None) -> Mapping[str, Any]:
    return {} if message is None else {"message": message}


for _public in (approve, cancel, rerun_children, resume, retry):
    _public.__module__ = "fsm.operations"
