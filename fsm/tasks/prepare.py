"""Ready-made `prepare` functions: what a row fills in where the caller leaves it out.

Messages are those of the reference system where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from fsm.durations import after
from fsm.lifecycle.payload import Draft
from fsm.states import Cached, Mapped, Scheduled
from fsm.states.timing import start_of

from .guards import children_of, ended_badly

__all__ = [
    "next_attempt",
    "next_iteration",
    "next_loop",
    "once_more",
    "same_attempt",
    "same_outcome",
    "the_children",
    "the_error",
    "the_loss",
    "the_mapping",
    "wrapped_source",
]


_LONGEST = 10_000  # characters of what an exception says of itself


def wrapped_source(draft: Draft) -> Mapping[str, Any]:
    """The state it stands for is the source, or what the source itself stands for.

    A time at which that may start goes along, also where it was the queue's.
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
    names = source if inner is None else inner  # whose context and inputs are its own
    return {
        "state": Scheduled(
            start_time=start, context=names.context, cached_inputs=names.cached_inputs
        )
    }


def the_error(draft: Draft) -> Mapping[str, Any]:
    """The message says which exception it was, if the result is one."""
    error = draft.given.get("result")
    if not isinstance(error, BaseException):
        return {}
    try:
        return {"message": f"Unexpected error: {error!r}"[:_LONGEST]}
    except Exception:  # an exception's repr is anyone's code
        return {"message": f"Unexpected error: {type(error).__name__}"}


def next_attempt(draft: Draft) -> Mapping[str, Any]:
    """After the delay its policy has for this retry, with the count of attempts used."""
    run, retry = draft.run, draft.run.policy.retry
    count = draft.given.get("run_count")
    count = run.attempts if count is None else count
    nth = max(count, 1) if type(count) is int else 1  # Retrying will say what it thinks of others
    return {
        "run_count": count,
        "start_time": after(draft.at, retry.delay_before(nth, run.id)),
        "message": f"Retrying Task (after attempt {count} of {retry.max_retries + 1})",
    }


def once_more(draft: Draft) -> Mapping[str, Any]:
    """At once, with the count of attempts used: somebody said so."""
    count = draft.run.attempts
    return {
        "run_count": count,
        "start_time": draft.at,
        "message": f"Rerun on demand (after attempt {count})",
    }


def same_attempt(draft: Draft) -> Mapping[str, Any]:
    """At once, and the attempt does not count: its worker was lost, the task has not failed."""
    run = draft.run
    allowed = run.policy.retry.max_rescues
    return {
        "run_count": max(run.attempts - 1, 0),
        "start_time": draft.at,
        "message": f"Its worker was lost (rescue {run.rescues + 1} of {allowed})",
    }


def the_loss(draft: Draft) -> Mapping[str, Any]:
    """The message says how often the worker was lost."""
    return {"message": f"Its worker was lost once more, after {draft.run.rescues} rescues"}


def the_mapping(draft: Draft) -> Mapping[str, Any]:
    """First the children to come, then, on a run already mapped, those it has."""
    if isinstance(draft.source, Mapped):
        return {
            "map_states": draft.source.map_states,
            "message": "Mapped tasks submitted for execution.",
        }
    children = draft.given.get("map_states") or ()
    if not isinstance(children, Sized):  # Mapped will say what it thinks of that
        return {}
    return {"message": f"Preparing to submit {len(children)} mapped tasks."}


def the_children(draft: Draft) -> Mapping[str, Any]:
    """The message says how many of the children have ended badly."""
    children = children_of(draft.source)
    failed = sum(map(ended_badly, children))
    return {"message": f"{failed} of {len(children)} mapped tasks have ended badly."}


def same_outcome(draft: Draft) -> Mapping[str, Any]:
    """Result and message of a success, to keep for the run's `cache_for`; a hit brings its own.

    An entry that is kept again expires when it would have.
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
    """One iteration more than the run has done."""
    count = draft.given.get("loop_count")
    count = draft.run.loop_count + 1 if count is None else count
    return {"loop_count": count, "message": f"Task is looping ({count})"}


def next_iteration(draft: Draft) -> Mapping[str, Any]:
    """The message says which iteration is done."""
    return {"message": f"Looping task (on loop index {getattr(draft.source, 'loop_count', 0)})"}
