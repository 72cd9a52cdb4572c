"""Deadlines: when the time limit of a running attempt ends.

This is the rule of all journals and of `TaskRun`. The trigger `steps_move` of the SQL schemas says
the same: tests/fsm/journal/test_deadlines.py holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fsm.lifecycle.step import Step

from .arguments import LAST
from .phase import RUNNING, phase_of

__all__ = ["deadline_of", "end_after", "policy_of", "retries_of", "timeout_of"]


def deadline_of(steps: Sequence[Step], timeout: float | None) -> int | None:
    """Return when the attempt of a running run times out, in microseconds since 1970.

    The attempt begins when the run enters a running state from another one. A step from running
    to running does not extend it.

    Args:
        steps: The history of the run, oldest step first.
        timeout: Seconds that an attempt may run; None for no limit.

    Returns:
        None where the run is not running, or has no limit.
    """
    if timeout is None or not steps or phase_of(steps[-1].dest) != RUNNING:
        return None
    for step in reversed(steps):
        if phase_of(step.source) != RUNNING:
            return end_after(step.micros, timeout)
    return None


def end_after(began: int, limit: float) -> int:
    """Return the end of *limit* seconds from *began*; in the year 9999 at the latest."""
    return min(began + round(limit * 1e6), LAST)


def policy_of(first: Step) -> Mapping[str, Any]:
    """Return the policy in the settings of a run's first step; empty if it has none."""
    policy = (first.settings or {}).get("policy")
    return policy if isinstance(policy, Mapping) else {}


def timeout_of(first: Step) -> float | None:
    """Return the seconds that an attempt may run, by the first step of its run."""
    timeout = policy_of(first).get("timeout")
    return timeout if isinstance(timeout, int | float) else None


def retries_of(first: Step) -> int:
    """Return how many retries the policy allows, by the first step of the run."""
    retries = policy_of(first).get("max_retries")
    return retries if type(retries) is int else 0
