"""Phrases: how steps, lengths of time and policies read in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm.durations import lasting
from fsm.states import moment
from fsm.tasks.policy import Policy
from fsm.tasks.retry import Retry
from fsm.text import as_label

__all__ = ["DONE", "clock", "only", "policy_in_words", "times"]

# What a step of a TaskRun says, by event and where it led. With which attempt of how many it is.
DONE: Mapping[tuple[str, str], str] = {
    ("schedule", "Scheduled"): "it was scheduled",
    ("submit", "Submitted"): "it was handed to an executor",
    ("queue", "Queued"): "it was put into a queue",
    ("start", "Running"): "attempt {attempt} {began}",
    ("succeed", "Success"): "it succeeded",
    ("finish", "Finished"): "it finished",
    ("fail", "Failed"): "it failed",
    ("time_out", "TimedOut"): "its time was up",
    ("fail_trigger", "TriggerFailed"): "it failed, since those it depends on did not end as asked",
    ("fail_validation", "ValidationFailed"): "it failed, since its result is not valid",
    ("fail_client", "ClientFailed"): "its client lost touch",
    ("retry", "Retrying"): "it was to be tried again",
    ("rerun", "Retrying"): "somebody had it run once more",
    ("rescue", "Retrying"): "the same attempt was to start again",
    ("rescue", "Failed"): "it failed",
    ("pause", "Paused"): "it was paused",
    ("resume", "Resume"): "it was resumed",
    ("map", "Mapped"): "it was mapped over children",
    ("fail_map", "Failed"): "it failed, since a child had",
    ("cache", "Cached"): "its result was kept in the cache",
    ("expire", "Pending"): "its cached result was no good any more",
    ("loop", "Looped"): "an iteration of its loop ended",
    ("iterate", "Pending"): "the next iteration was due",
    ("skip", "Skipped"): "it was skipped",
    ("cancel", "Cancelled"): "it was cancelled",
}


def clock(micros: int) -> str:
    """A point in time, in UTC, to the millisecond."""
    return moment.from_micros(micros).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def times(count: int) -> str:
    """How often."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def policy_in_words(policy: Policy) -> str:
    """What a policy allows, as one sentence."""
    return "; ".join(_clauses(policy))


def _clauses(policy: Policy) -> Iterator[str]:
    retry, timeout, cache = policy.retry, policy.timeout, policy.cache
    if retry.max_retries:
        yield "".join(_retries(retry))
    else:
        yield "it is not tried again"
    if timeout.attempt is not None:
        yield f"an attempt may take {_seconds(timeout.attempt)}"
    if timeout.total is not None:
        yield f"all of it may take {_seconds(timeout.total)}"
    if cache.cache_for is not None:
        yield f"its result keeps for {_seconds(cache.cache_for)}"
    if retry.max_rescues:
        yield f"a lost worker is replaced {times(retry.max_rescues)} at most"
    else:
        yield "a lost worker is not replaced"


def _retries(retry: Retry) -> Iterator[str]:
    yield f"it is tried again {times(retry.max_retries)} at most, "
    yield f"{_seconds(retry.delay)} after a failure" if retry.delay else "at once"
    if retry.delay and retry.backoff != 1:
        yield f", then each time {retry.backoff:g} times as long"
    if retry.delay and retry.cap is not None:
        yield f", never more than {_seconds(retry.cap)}"
    if retry.delay and retry.jitter:
        yield f", give or take {retry.jitter:.0%}"
    yield only(retry)


def only(retry: Retry) -> str:
    """When it is not tried again although attempts are left."""
    within = "" if retry.within is None else f", within {_seconds(retry.within)}"
    return within + (f", after {as_label(', '.join(retry.on))} only" if retry.on else "")


def _seconds(seconds: float) -> str:
    return lasting(round(seconds * 1e6))
