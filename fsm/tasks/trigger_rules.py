"""Trigger rules: whether a run may start, given how the runs upstream of it have ended.

A rule takes the states of the runs upstream and returns `True` to run, `False` to fail the run,
or a state to enter instead. Rules are pure functions: no IO, no clock. A mapped run upstream is
replaced by its children; a child whose state is unknown counts as `Pending`.

A state is truthy like any object. A rule built on the rules here must therefore test `is True`:
`all_successful(upstream) is True and ...`.
"""

from __future__ import annotations

import inspect
import math
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal

import attrs

from fsm.errors import InvalidArgument
from fsm.states import Mapped, Paused, Pending, Skipped, State, TriggerFailed, ambient

__all__ = [
    "TriggerRule",
    "Upstream",
    "all_failed",
    "all_finished",
    "all_successful",
    "always_run",
    "any_failed",
    "any_successful",
    "judge",
    "manual_only",
    "not_all_skipped",
    "some_failed",
    "some_successful",
]

TriggerRule = Callable[[Sequence[State]], bool | State]

_UNKNOWN = Pending()  # the state of a child that is None
# This message and those below are the reference system's; the argument it names is ours too.
_SKIPPED = (
    "Upstream task was skipped; if this was not the intended behavior, "
    "consider changing `skip_on_upstream_skip=False` for this task."
)


class Upstream(tuple[State, ...]):
    """The states of the runs upstream, with each mapped run replaced by its children."""

    runs: int  # the number of runs before children replaced them; not 0 for an empty mapped run

    @classmethod
    def of(cls, states: Iterable[State]) -> Upstream:
        """Replace mapped runs by their children. An `Upstream` is returned as it is.

        Raises:
            InvalidArgument: Something among *states* is not a state.
        """
        if isinstance(states, cls):
            return states
        if not isinstance(states, Iterable):
            raise InvalidArgument(f"upstream of a run are states, not {states!r}")
        given = tuple(states)
        for state in given:
            if not isinstance(state, State):
                raise InvalidArgument(f"upstream of a run are states, not {reprlib.repr(state)}")
        upstream = cls(_expand(given))
        upstream.runs = len(given)
        return upstream


def _expand(states: Iterable[State | None]) -> Iterator[State]:
    for state in states:
        if isinstance(state, Mapped):
            yield from _expand(state.map_states)
        else:
            yield _UNKNOWN if state is None else state


def judge(
    rule: TriggerRule, upstream: Iterable[State], *, skip_on_upstream_skip: bool = True
) -> State | None:
    """Apply *rule* to the final states of the runs upstream.

    An exception that the rule raises becomes a `TriggerFailed` with the exception as its result.

    Args:
        skip_on_upstream_skip: Whether one skipped run upstream skips this run, too. This is
            tested before the rule: a skipped run beside a failed one skips.

    Returns:
        The state to enter instead of running, or None if the run may start.

    Raises:
        InvalidArgument: The rule cannot be called, or some run upstream is not finished.
    """
    if not callable(rule):
        raise InvalidArgument(f"a trigger rule is a function of states, {rule!r} cannot be called")
    upstream = Upstream.of(upstream)
    unfinished = Counter(type(state).__name__ for state in upstream if not state.is_finished())
    if unfinished:
        counts = ", ".join(f"{count} {name}" for name, count in unfinished.items())
        raise InvalidArgument(
            f"a trigger rule is applied when all runs upstream are finished; of {len(upstream)}, "
            f"{counts} are not"
        )
    if skip_on_upstream_skip and any(state.is_skipped() for state in upstream):
        return Skipped(_SKIPPED)
    try:
        return _interpret(rule(upstream))
    except Exception as error:  # a rule may be the user's code
        text = _long.repr(error)
        return TriggerFailed(f"Unexpected error while checking task trigger: {text}", result=error)


def _interpret(answer: object) -> State | None:
    """The state that a rule's answer means. Only `True` runs: texts and counts are truthy, too."""
    if answer is True:
        return None
    if isinstance(answer, State):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()  # without this, Python warns that it was never awaited
    elif not answer:
        return TriggerFailed("Trigger failed")
    return TriggerFailed(
        f"Trigger answered {reprlib.repr(answer)}, which is not True, False or a state"
    )


_long = reprlib.Repr()  # survives a repr that raises
_long.maxother = 10_000  # characters


def all_finished(upstream: Sequence[State]) -> bool | State:
    """Run when all runs upstream have finished, in whatever state."""
    finished = all(state.is_finished() for state in Upstream.of(upstream))
    return finished or _fail("all_finished", "some of the upstream tasks were not finished")


always_run = all_finished


def all_successful(upstream: Sequence[State]) -> bool | State:
    """Run when all runs upstream have succeeded. This is the default.

    `Skipped` and `Cached` count as successful; `Cancelled` and `Looped` do not.
    """
    successful = all(state.is_successful() for state in Upstream.of(upstream))
    return successful or _fail("all_successful", "some of the upstream tasks failed")


def all_failed(upstream: Sequence[State]) -> bool | State:
    """Run when all runs upstream have failed."""
    failed = all(state.is_failed() for state in Upstream.of(upstream))
    return failed or _fail("all_failed", "some of the upstream tasks succeeded")


def any_successful(upstream: Sequence[State]) -> bool | State:
    """Run when at least one run upstream has succeeded, or when there is none upstream."""
    upstream = Upstream.of(upstream)
    successful = not upstream.runs or any(state.is_successful() for state in upstream)
    return successful or _fail("any_successful", "none of the upstream tasks succeeded")


def any_failed(upstream: Sequence[State]) -> bool | State:
    """Run when at least one run upstream has failed, or when there is none upstream."""
    upstream = Upstream.of(upstream)
    failed = not upstream.runs or any(state.is_failed() for state in upstream)
    return failed or _fail("any_failed", "none of the upstream tasks failed")


def not_all_skipped(upstream: Sequence[State]) -> bool | State:
    """Run when all runs upstream have succeeded and at least one was not skipped.

    Skips the run if all were skipped, also when there is none upstream. Needs
    `skip_on_upstream_skip=False`; otherwise the first skipped run already skips this one.
    """
    upstream = Upstream.of(upstream)
    if all(state.is_skipped() for state in upstream):
        return Skipped("All upstreams were skipped")
    successful = all(state.is_successful() for state in upstream)
    return successful or _fail("not_all_skipped", "some of the upstream tasks failed")


def manual_only(upstream: Sequence[State]) -> bool | State:  # noqa: ARG001  # as all rules
    """Pause the run until an operator resumes it, then run.

    A resumed run is told from others by `resume` in the ambient context.
    """
    if ambient.context().get("resume"):
        return True
    return Paused('Trigger function is "manual_only"')


def some_failed(at_least: float | None = None, at_most: float | None = None) -> TriggerRule:
    """Return a rule that runs when the number of failed runs upstream is within two bounds.

    It also runs when there is none upstream.

    Args:
        at_least: The smallest number that passes; no lower bound if None. A number below 1 is a
            share of the runs upstream, one from 1 a count: `1.0` means one run, not all.
        at_most: The largest number that passes, in the same way.

    Raises:
        InvalidArgument: A bound is negative, or not a number.
    """
    return _Some("failed", at_least, at_most)


def some_successful(at_least: float | None = None, at_most: float | None = None) -> TriggerRule:
    """Return a rule that runs when the number of successful runs upstream is within two bounds.

    It also runs when there is none upstream.

    Args:
        at_least: The smallest number that passes; no lower bound if None. A number below 1 is a
            share of the runs upstream, one from 1 a count: `1.0` means one run, not all.
        at_most: The largest number that passes, in the same way.

    Raises:
        InvalidArgument: A bound is negative, or not a number.
    """
    return _Some("successful", at_least, at_most)


def _check_bound(_some: _Some, field: attrs.Attribute[float | None], bound: object) -> None:
    if bound is None:
        return
    number = isinstance(bound, int | float) and not isinstance(bound, bool)
    if not number or not math.isfinite(bound) or bound < 0:  # type: ignore[arg-type,operator]  # a number, as just tested
        raise InvalidArgument(
            f"{field.name} is a count of runs, or a share of them below 1, not {bound!r}"
        )


@attrs.frozen(repr=False)
class _Some:
    """The rule that runs when the number of runs that ended in one way is within two bounds."""

    ended: Literal["failed", "successful"]
    at_least: float | None = attrs.field(default=None, validator=_check_bound)
    at_most: float | None = attrs.field(default=None, validator=_check_bound)

    def __call__(self, upstream: Sequence[State]) -> bool | State:
        upstream = Upstream.of(upstream)
        if not upstream.runs:
            return True
        failed = self.ended == "failed"
        ended = [state.is_failed() if failed else state.is_successful() for state in upstream]
        enough = self.at_least is None or _measure(ended, self.at_least) >= self.at_least
        few = self.at_most is None or _measure(ended, self.at_most) <= self.at_most
        return (enough and few) or _fail(f"some_{self.ended}", "thresholds were not met")

    def __repr__(self) -> str:
        return f"some_{self.ended}(at_least={self.at_least}, at_most={self.at_most})"


def _measure(ended: Sequence[bool], bound: float) -> float:
    """The count or the share that is compared with *bound*. A share of no runs meets any bound.

    A share is divided out, not multiplied: 55 of 100 is 0.55, but 100 * 0.55 is more than 55.
    """
    if bound >= 1:
        return sum(ended)
    return sum(ended) / len(ended) if ended else bound


def _fail(rule: str, why: str) -> State:
    return TriggerFailed(f'Trigger was "{rule}" but {why}.')
