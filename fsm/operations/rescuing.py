"""Rescue runs whose workers are lost: runs whose claims have lapsed."""

import datetime
import logging
from collections.abc import Iterator
from contextlib import suppress

import attrs

from fsm.errors import CallbackError, InvalidArgument, LifecycleError, TransitionError
from fsm.journal import Journal, Summary
from fsm.journal.arguments import kind_of
from fsm.journal.claims import Claim
from fsm.journal.phase import FAILED, FINISHED, WAITING
from fsm.run import firing
from fsm.run.run import Run
from fsm.tasks.task_run import TaskRun

__all__ = ["Rescued", "rescue"]

logger: logging.Logger = logging.getLogger(__name__)

_LEASE = 60.0  # seconds that the rescue of one run may take


@attrs.frozen
class Rescued:
    """A run whose claim had lapsed, and whether it was rescued."""

    __module__ = "fsm.operations"

    run: str  # its id
    owner: str | None  # of the lapsed claim
    state: str  # of the run now, by name
    skipped: str | None  # why the run was left as it is; None where it was rescued


def rescue(
    journal: Journal,
    *classes: type[Run],
    now: datetime.datetime | None = None,
    owner: str = "rescue",
) -> Iterator[Rescued]:
    """Take the runs whose claims have lapsed from their workers, and make them startable again.

    - A run that was still waiting is released.
    - A run that was running makes its `rescue` step: to `Retrying`, or to `Failed` where
      `max_rescues` of its policy is used up.
    - A run whose worker was lost between two steps makes the second one: a failed run its `retry`,
      where its guards allow one, and a run between two iterations its `iterate`.
    - A finished run, and one whose lease is renewed meanwhile, is left as it is.

    A run that cannot be rescued now keeps its lapsed claim, so the next rescue finds it. A failed
    run that may not be retried is released: it has ended.

    Args:
        classes: The classes of the runs; `TaskRun` if left out. Running and failed runs of other
            classes are skipped.
        now: The time that leases are compared with, aware; the system's clock if left out.
        owner: The owner of the claims under which the steps are made.

    Yields:
        One `Rescued` for each run with a lapsed claim, as it is dealt with.

    Raises:
        InvalidArgument: *journal* is no journal, a class no class of runs, or *now* is naive.
    """
    if not isinstance(journal, Journal):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
    known = {kind_of(cls): cls for cls in classes or (TaskRun,)}
    if len(known) == 1:
        known[""] = next(iter(known.values()))  # written before journals kept the class
    for summary in journal.find_lapsed(now):
        yield _rescue_one(journal, summary, known.get(summary.kind), now, owner)


def _rescue_one(
    journal: Journal,
    summary: Summary,
    cls: type[Run] | None,
    now: datetime.datetime | None,
    owner: str,
) -> Rescued:
    def skip(reason: str) -> Rescued:
        return Rescued(summary.run, summary.owner, summary.state, reason)

    if cls is None and summary.phase != WAITING:
        return skip(f"its class is not loaded: {summary.kind or 'unknown'}")
    claims = journal.claim(run=summary.run, owner=owner, lease=_LEASE, now=now)
    if not claims:
        return skip("its worker renewed its claim")
    (claim,) = claims
    current = journal.summary(summary.run)  # the run may have moved before we had the claim
    if current.phase in (WAITING, FINISHED):
        claim.release()
        reason = f"it is {current.state} already" if current.phase == FINISHED else None
        return Rescued(summary.run, summary.owner, current.state, reason)
    try:
        _move_on(cls, claim, now)
    except Exception as error:  # one of ours, or the veto of a listener
        if current.phase == FAILED and isinstance(error, TransitionError):
            claim.release()  # it may not be retried: it has ended
        else:
            with suppress(LifecycleError):
                claim.lapse(now=now)  # so that the next rescue finds the run again
        reason = str(error) if isinstance(error, LifecycleError) else repr(error)
        return Rescued(summary.run, summary.owner, current.state, reason)
    claim.release()
    return Rescued(summary.run, summary.owner, journal.summary(summary.run).state, None)


def _move_on(cls: type[Run] | None, claim: Claim, now: datetime.datetime | None) -> None:
    """Make the step, under *claim*, that leads on from where the worker was lost."""
    if cls is None:
        raise LifecycleError("it has been started meanwhile, and its class is not loaded")
    run = cls.restore(claim.run, claim, clock=None if now is None else lambda: now)
    event = _next_event(run)
    if event is None:
        state = type(run.state).__name__
        raise TransitionError(f"no event of {cls.__name__} rescues it from {state}")
    _fire(run, event)
    if event == "rescue" and "retry" in run.allowed and not firing.refusal("retry", run):
        _fire(run, "retry")  # its rescues are used up, a retry is left, and no worker has it


def _fire(run: Run, event: str) -> None:
    try:
        run.trigger(event)
    except CallbackError as error:  # the step is made all the same
        logger.error("run %s: %s", run.id, error, exc_info=error)


def _next_event(run: Run) -> str | None:
    """The event that rescues *run*; between two steps, the one that would have come next."""
    following = "retry" if run.state.is_failed() else "iterate" if run.state.is_looped() else None
    return next((event for event in ("rescue", following) if event in run.allowed), None)


rescue.__module__ = "fsm.operations"
