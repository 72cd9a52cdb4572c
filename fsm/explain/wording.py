"""The wording of stories: how steps, times and policies read in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fsm.durations import format_duration
from fsm.tasks.policy import Policy
from fsm.tasks.retry import Retry
from fsm.text import as_label

__all__ = [
    "STEP_PHRASES",
    "count_in_words",
    "describe_policy",
    "describe_retry_limits",
]

# The phrase for each step of a TaskRun, by event and destination. `attempt` is the number of the
# attempt and of how many; `began` is "started" or "continued".
STEP_PHRASES: Mapping[tuple[str, str], str] = {
    ("schedule", "Scheduled"): "it was scheduled",
    ("submit", "Submitted"): "it was submitted to an executor",
    ("queue", "Queued"): "it was put into a queue",
    ("start", "Running"): "attempt {attempt} {began}",
    ("succeed", "Success"): "it succeeded",
    ("finish", "Finished"): "it finished",
    ("fail", "Failed"): "it failed",
    ("time_out", "TimedOut"): "it timed out",
    ("fail_trigger", "TriggerFailed"): "it failed, because its trigger rule was not met",
    ("fail_validation", "ValidationFailed"): "it failed, because its result is not valid",
    ("fail_client", "ClientFailed"): "its client lost contact",
    ("retry", "Retrying"): "a retry was scheduled",
    ("rerun", "Retrying"): "a rerun was requested",
    ("rescue", "Retrying"): "the same attempt was scheduled again",
    ("rescue", "Failed"): "it failed",
    ("pause", "Paused"): "it was paused",
    ("resume", "Resume"): "it was resumed",
    ("map", "Mapped"): "it was mapped over children",
    ("fail_map", "Failed"): "it failed, because a child failed",
    ("cache", "Cached"): "its result was cached",
    ("expire", "Pending"): "its cached result expired",
    ("loop", "Looped"): "an iteration of its loop ended",
    ("iterate", "Pending"): "the next iteration was due",
    ("skip", "Skipped"): "it was skipped",
    ("cancel", "Cancelled"): "it was cancelled",
}


def count_in_words(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def describe_policy(policy: Policy) -> str:
    """What a policy allows, as one sentence without its full stop."""
    return "; ".join(_clauses(policy))


def _clauses(policy: Policy) -> Iterator[str]:
    retry, timeout, cache = policy.retry, policy.timeout, policy.cache
    if retry.max_retries:
        yield "".join(_retry_phrases(retry))
    else:
        yield "it is not retried"
    if timeout.attempt is not None:
        yield f"an attempt may take {_format_seconds(timeout.attempt)}"
    if timeout.total is not None:
        yield f"all attempts together may take {_format_seconds(timeout.total)}"
    if cache.cache_for is not None:
        yield f"its result is cached for {_format_seconds(cache.cache_for)}"
    if retry.max_rescues:
        yield f"a lost worker is replaced {count_in_words(retry.max_rescues)} at most"
    else:
        yield "a lost worker is not replaced"


def _retry_phrases(retry: Retry) -> Iterator[str]:
    yield f"it is retried {count_in_words(retry.max_retries)} at most, "
    yield f"{_format_seconds(retry.delay)} after a failure" if retry.delay else "at once"
    if retry.delay and retry.backoff != 1:
        yield f", each delay {retry.backoff:g} times the one before"
    if retry.delay and retry.cap is not None:
        yield f", never more than {_format_seconds(retry.cap)}"
    if retry.delay and retry.jitter:
        yield f", give or take {retry.jitter:.0%}"
    yield describe_retry_limits(retry)


def describe_retry_limits(retry: Retry) -> str:
    """What else a retry asks for besides an attempt that is left: `, within 2 h, after OSError`."""
    within = "" if retry.within is None else f", within {_format_seconds(retry.within)}"
    return within + (f", after {as_label(', '.join(retry.on))} only" if retry.on else "")


def _format_seconds(seconds: float) -> str:
    return format_duration(round(seconds * 1e6))
