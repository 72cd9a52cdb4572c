"""Rescue: what becomes of runs whose workers are lost."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from .errors import CallbackError, InvalidArgument, LifecycleError
from .journal.claim import Claim
from .journal.contract import Journal, kind_of
from .journal.phase import WAITING
from .journal.summary import Summary
from .run import Run
from .task import TaskRun

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
    `Retrying`, or to `Failed` where its policy's `max_rescues` is used up. A finished run is never
    touched, nor one whose lease is renewed meanwhile.

    Args:
        classes: What the runs are runs of; `TaskRun` if left out. Others are left alone.
        now: The present, if it is not.

    What cannot be rescued stays claimed by a lease that has lapsed: the next rescue finds it.
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
    if stands.phase == WAITING or stands.over:
        claim.release()
        why = f"it is {stands.state} by now" if stands.over else None
        return Rescued(summary.run, summary.owner, stands.state, why)
    why = _moved(cls, claim, now)
    if why is None:
        claim.release()
        return Rescued(summary.run, summary.owner, journal.summary(summary.run).state, None)
    with suppress(LifecycleError):
        claim.lapse(now=now)  # the next rescue finds the run again
    return left(why)


def _moved(cls: type[Run] | None, claim: Claim, now: datetime.datetime | None) -> str | None:
    """Make the `rescue` step under *claim*; what stood in the way, if anything did."""
    if cls is None:
        return "it is running by now, and its class is not loaded"
    try:
        run = cls.restore(claim.run, claim, clock=None if now is None else lambda: now)
        if "rescue" not in run.allowed:
            return f"no event of {cls.__name__} rescues it from {type(run.state).__name__}"
        run.trigger("rescue")
    except CallbackError as error:  # the step stands
        logger.error("run %s: %s", claim.run, error, exc_info=error)
    except Exception as error:  # ours, or of a listener that vetoes
        return str(error) if isinstance(error, LifecycleError) else repr(error)
    return None
