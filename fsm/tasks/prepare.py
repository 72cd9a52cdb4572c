"""`prepare` functions of `TaskRun`: payload arguments for what the caller leaves out.

Each takes the `Draft` of a step and returns arguments of the destination's constructor. Messages
are those of the reference system where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from fsm.durations import after
from fsm.lifecycle.payload import Draft
from fsm.states import Cached, Mapped, Scheduled
from fsm.states.timing import start_of

from .guards import children_of, is_unsuccessful

__all__ = [
    "describe_error",
    "describe_failed_children",
    "describe_iteration",
    "describe_loss",
    "describe_mapping",
    "keep_result",
    "next_attempt",
    "next_loop",
    "repeat_attempt",
    "rerun_now",
    "wrap_source",
]

_LONGEST_MESSAGE = 10_000  # characters


def wrap_source(draft: Draft) -> Mapping[str, Any]:
    """Let a meta state wrap the source, or the state that the source itself wraps.

    A start time that is still to come is kept, also if it is the queue's.
    """
    source = draft.source
    if not source.is_meta_state():
        return {"state": source}
    inner = getattr(source, "state", None)
    start = start_of(source)
    if start is None or start <= draft.at:
        return {"state": inner}
    if isinstance(inner, Scheduled):
        return {"state": inner.evolve(start_time=start)}
    names = source if inner is None else inner  # the state whose context and inputs go on
    return {
        "state": Scheduled(
            start_time=start, context=names.context, cached_inputs=names.cached_inputs
        )
    }


def describe_error(draft: Draft) -> Mapping[str, Any]:
    """Name the exception in the message, if the result is one."""
    error = draft.given.get("result")
    if not isinstance(error, BaseException):
        return {}
    try:
        return {"message": f"Unexpected error: {error!r}"[:_LONGEST_MESSAGE]}
    except Exception:  # its repr may be the user's code
        return {"message": f"Unexpected error: {type(error).__name__}"}


def next_attempt(draft: Draft) -> Mapping[str, Any]:
    """Start after the delay that the policy has for this retry; count the attempts used."""
    run, retry = draft.run, draft.run.policy.retry
    count = draft.given.get("run_count")
    count = run.attempts if count is None else count
    nth = max(count, 1) if type(count) is int else 1  # Retrying refuses a wrong count
    return {
        "run_count": count,
        "start_time": after(draft.at, retry.delay_before(nth, run.id)),
        "message": f"Retrying Task (after attempt {count} of {retry.max_retries + 1})",
    }


def rerun_now(draft: Draft) -> Mapping[str, Any]:
    """Start at once; count the attempts used. For a rerun on demand, whatever the policy says."""
    count = draft.run.attempts
    return {
        "run_count": count,
        "start_time": draft.at,
        "message": f"Rerun on demand (after attempt {count})",
    }


def repeat_attempt(draft: Draft) -> Mapping[str, Any]:
    """Start at once, and do not count the attempt: the worker was lost, the task did not fail."""
    run = draft.run
    allowed = run.policy.retry.max_rescues
    return {
        "run_count": max(run.attempts - 1, 0),
        "start_time": draft.at,
        "message": f"Its worker was lost (rescue {run.rescues + 1} of {allowed})",
    }


def describe_loss(draft: Draft) -> Mapping[str, Any]:
    """Say in the message how often the worker was lost."""
    return {"message": f"Its worker was lost once more, after {draft.run.rescues} rescues"}


def describe_mapping(draft: Draft) -> Mapping[str, Any]:
    """Say in the message how many children will be submitted; keep those of a mapped run."""
    if isinstance(draft.source, Mapped):
        return {
            "map_states": draft.source.map_states,
            "message": "Mapped tasks submitted for execution.",
        }
    children = draft.given.get("map_states") or ()
    if not isinstance(children, Sized):  # Mapped refuses it
        return {}
    return {"message": f"Preparing to submit {len(children)} mapped tasks."}


def describe_failed_children(draft: Draft) -> Mapping[str, Any]:
    """Say in the message how many children have ended without success."""
    children = children_of(draft.source)
    failed = sum(map(is_unsuccessful, children))
    return {"message": f"{failed} of {len(children)} mapped tasks have ended without success."}


def keep_result(draft: Draft) -> Mapping[str, Any]:
    """Keep the result and message of a success for `Cache.cache_for`.

    From another state the caller gives the entry. A `Cached` that is cached again keeps its
    expiration.
    """
    source = draft.source
    if not source.is_successful():
        return {}
    kept = {"result": source._result, "message": source.message}
    if isinstance(source, Cached):
        kept["cached_parameters"] = source.cached_parameters
        kept["cached_result_expiration"] = source.cached_result_expiration
    elif (lasts := draft.run.policy.cache.cache_for) is not None:
        kept["cached_result_expiration"] = after(draft.at, lasts)
    return kept


def next_loop(draft: Draft) -> Mapping[str, Any]:
    """Count one iteration more than the run has done."""
    count = draft.given.get("loop_count")
    count = draft.run.loop_count + 1 if count is None else count
    return {"loop_count": count, "message": f"Task is looping ({count})"}


def describe_iteration(draft: Draft) -> Mapping[str, Any]:
    """Say in the message which iteration is done."""
    return {"message": f"Looping task (on loop index {getattr(draft.source, 'loop_count', 0)})"}
