"""Driving: runs that walk through the lifecycle by chance, and say which steps were kept."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from fsm import Journal, StaleRun, Step, TaskRun

__all__ = ["drive", "walk"]

# Where a run may go next. What ends a run stands once among others: a walk has some ten steps.
_WAYS = {
    "Pending": ("start", "schedule", "submit"),
    "Scheduled": ("start", "queue"),
    "Submitted": ("start", "queue"),
    "Queued": ("start",),
    "Running": ("fail", "fail", "loop", "succeed"),
    "Failed": ("retry",),
    "Retrying": ("start",),
    "Looped": ("iterate",),
    "Success": ("cache",),
}


def walk(run: TaskRun, rng: random.Random, say: Callable[[Step], None]) -> None:
    """Take *run* to its end, or until a step is refused; *say* each step that was kept."""
    while ways := _WAYS.get(type(run.state).__name__):
        event = rng.choice(ways)
        if run.why_not(event) is not None:
            return
        try:
            run.trigger(event)
        except StaleRun:  # another thread goes on with the same run
            return
        say(run.history[-1])


def drive(journal: Journal, name: str, rng: random.Random, say: Callable[[Step], None]) -> None:
    """Go on with some of the runs that are there, then with new ones, for ever."""
    for summary in itertools.islice(journal.recover(), rng.randrange(3)):
        walk(TaskRun.restore(summary.run, journal), rng, say)
    for number in itertools.count():
        walk(TaskRun(f"{name}-{number}", journal=journal, max_retries=3), rng, say)
