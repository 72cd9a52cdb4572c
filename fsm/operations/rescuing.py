"""Rescue: what becomes of runs whose workers are lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from fsm.errors import CallbackError, InvalidArgument, LifecycleError, TransitionError
from fsm.journal.base import Journal, kind_of
from fsm.journal.claims import Claim
from fsm.journal.phase import FAILED, FINISHED, WAITING
from fsm.journal.summary import Summary
from fsm.run import firing
from fsm.run.run import Run
from fsm.tasks.task_run import TaskRun

if TYPE_CHECKING:
    import datetime

__all__ = ["Rescued", "rescue"]

logger = logging.getLogger(__name__)

_LEASE = 60.0  # seconds that a rescue may take


@attrs.frozen
class Rescued:
    """What became of one run whose claim had lapsed."""

    run: str
    owner: str | None  # who had it
    state: str  # where it is now
    left: str | None  # why it was left alone; None if it was not


def rescue(
    journal: Journal,
    *classes: type[Run],
    now: datetime.datetime | None = None,
    owner: str = "rescue",
) -> Iterator[Rescued]:
    """Take the runs whose claims have lapsed from their workers, and make them startable again.

    A run that was still waiting is released. One that was running makes its `rescue` step: to
    `Retrying`, or to `Failed` where its policy's `max_rescues` is used up. One whose worker died
    between two steps makes the second: a failed run that may try again its `retry`, one between
    two iterations its `iterate`. A finished run is never touched, nor one whose lease is renewed
    meanwhile.

    Args:
        classes: What the runs are runs of; `TaskRun` if left out. Others are left alone.
        now: The present, if it is not.

    What cannot be rescued stays claimed by a lease that has lapsed: the next rescue finds it. A
    failed run that may not try again, by its guards, is released: it is done.
    """
    if not isinstance(journal, Journal):
        raise InvalidArgument(f"a journal is what open_journal() gives, not {journal!r}")
    known = {kind_of(cls): cls for cls in classes or (TaskRun,)}
    if len(known) == 1:
        known[""] = next(iter(known.values()))  # from a time when journals did not know
    for summary in journal.lapsed(now):
        yield _rescued(journal, summary, known.get(summary.kind), now, owner)


def _rescued(
    journal: Journal,
    summary: Summary,
    cls: type[Run] | None,
    now: datetime.datetime | None,
    owner: str,
) -> Rescued:
    def left(why: str) -> Rescued:
        return Rescued(summary.run, summary.owner, summary.state, why)

    if cls is None and summary.phase != WAITING:
        return left(f"it is a {summary.kind or 'run of an unknown class'}, which is not loaded")
    claims = journal.claim(run=summary.run, owner=owner, lease=_LEASE, now=now)
    if not claims:
        return left("its worker came back")
    (claim,) = claims
    stands = journal.summary(summary.run)  # it may have moved until we had the claim
    if stands.phase in (WAITING, FINISHED):
        claim.release()
        why = f"it is {stands.state} by now" if stands.phase == FINISHED else None
        return Rescued(summary.run, summary.owner, stands.state, why)
    try:
        _move(cls, claim, now)
    except Exception as error:  # ours, or of a listener that vetoes
        if stands.phase == FAILED and isinstance(error, TransitionError):
            claim.release()  # it may not try again: it is done
        else:
            with suppress(LifecycleError):
                claim.lapse(now=now)  # the next rescue finds the run again
        why = str(error) if isinstance(error, LifecycleError) else repr(error)
        return Rescued(summary.run, summary.owner, stands.state, why)
    claim.release()
    return Rescued(summary.run, summary.owner, journal.summary(summary.run).state, None)


def _move(cls: type[Run] | None, claim: Claim, now: datetime.datetime | None) -> None:
    """Make the step, under *claim*, that leads on from where the worker was lost."""
    if cls is None:
        raise LifecycleError("it is running by now, and its class is not loaded")
    run = cls.restore(claim.run, claim, clock=None if now is None else lambda: now)
    event = _way_on(run)
    if event is None:
        state = type(run.state).__name__
        raise TransitionError(f"no event of {cls.__name__} rescues it from {state}")
    _made(run, event)
    if event == "rescue" and "retry" in run.allowed and not firing.refusal("retry", run):
        _made(run, "retry")  # no rescue is left to it, but a retry: nobody else would make it


def _made(run: Run, event: str) -> None:
    try:
        run.trigger(event)
    except CallbackError as error:  # the step stands
        logger.error("run %s: %s", run.id, error, exc_info=error)


def _way_on(run: Run) -> str | None:
    """The event that rescues *run*; between two steps, the one that would have come next."""
    next_one = "retry" if run.state.is_failed() else "iterate" if run.state.is_looped() else None
    return next((event for event in ("rescue", next_one) if event in run.allowed), None)
