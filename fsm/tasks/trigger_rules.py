"""Triggers: whether a run may start, judged by how the runs upstream of it have ended.

A trigger is called with their states and answers `True` to run, `False` not to, or a state to
enter instead. It is a pure function: no IO, no clock. A mapped run upstream stands for its
children, and one that nobody has heard of counts as `Pending`.

A state is true, as Python has it: to build on the triggers here, ask for `is True`.
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
    "Trigger",
    "Upstream",
    "all_failed",
    "all_finished",
    "all_successful",
    "always_run",
    "any_failed",
    "any_successful",
    "judged",
    "manual_only",
    "not_all_skipped",
    "some_failed",
    "some_successful",
]

Trigger = Callable[[Sequence[State]], bool | State]

_UNHEARD = Pending()  # stands for a child that is None
_SKIPPED = (  # the reference's words, here and below; its parameter is named as ours
    "Upstream task was skipped; if this was not the intended behavior, "
    "consider changing `skip_on_upstream_skip=False` for this task."
)


class Upstream(tuple[State, ...]):
    """The states of the runs upstream, the children of a mapped one in its place."""

    runs: int  # how many there are, also where all of them were mapped over nothing

    @classmethod
    def of(cls, states: Iterable[State]) -> Upstream:
        """Put children where a mapped run stands.

        Raises:
            InvalidArgument: Something among *states* is no state.
        """
        if isinstance(states, cls):
            return states
        if not isinstance(states, Iterable):
            raise InvalidArgument(f"upstream of a run are states, not {states!r}")
        given = tuple(states)
        for state in given:
            if not isinstance(state, State):
                raise InvalidArgument(f"upstream of a run are states, not {reprlib.repr(state)}")
        upstream = cls(_expanded(given))
        upstream.runs = len(given)
        return upstream


def _expanded(states: Iterable[State | None]) -> Iterator[State]:
    for state in states:
        if isinstance(state, Mapped):
            yield from _expanded(state.map_states)
        else:
            yield _UNHEARD if state is None else state


def judged(
    trigger: Trigger, upstream: Iterable[State], *, skip_on_upstream_skip: bool = True
) -> State | None:
    """What *trigger* makes of a run whose *upstream* has finished: a state to enter, None to run.

    Whatever goes wrong in the trigger is a `TriggerFailed`, so that no run is lost by it.

    Args:
        skip_on_upstream_skip: Whether the run is skipped, unasked, where one upstream was. That
            comes before the trigger: a skipped run beside a failed one skips, too.

    Raises:
        InvalidArgument: The trigger cannot be called, or some run upstream is not finished.
    """
    if not callable(trigger):
        raise InvalidArgument(f"a trigger is called with states, {trigger!r} cannot be")
    upstream = Upstream.of(upstream)
    unfinished = Counter(type(state).__name__ for state in upstream if not state.is_finished())
    if unfinished:
        counts = ", ".join(f"{count} {name}" for name, count in unfinished.items())
        raise InvalidArgument(
            f"a trigger judges when all runs upstream are finished; of {len(upstream)}, "
            f"{counts} are not"
        )
    if skip_on_upstream_skip and any(state.is_skipped() for state in upstream):
        return Skipped(_SKIPPED)
    try:
        return _taken(trigger(upstream))
    except Exception as error:  # a trigger is anyone's code
        said = _long.repr(error)
        return TriggerFailed(f"Unexpected error while checking task trigger: {said}", result=error)


def _taken(answer: object) -> State | None:
    """What an answer means; only `True` runs, because a reason or a count is true, too."""
    if answer is True:
        return None
    if isinstance(answer, State):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()  # nobody will await it
    elif not answer:
        return TriggerFailed("Trigger failed")
    return TriggerFailed(
        f"Trigger answered {reprlib.repr(answer)}, which is not True, False or a state"
    )


_long = reprlib.Repr()  # survives a repr that raises
_long.maxother = 10_000  # characters


def all_finished(upstream: Sequence[State]) -> bool | State:
    """Run when all have finished, however they ended."""
    finished = all(state.is_finished() for state in Upstream.of(upstream))
    return finished or _failed("all_finished", "some of the upstream tasks were not finished")


always_run = all_finished


def all_successful(upstream: Sequence[State]) -> bool | State:
    """Run when all have succeeded; a skipped one has, a cancelled or looped one has not."""
    successful = all(state.is_successful() for state in Upstream.of(upstream))
    return successful or _failed("all_successful", "some of the upstream tasks failed")


def all_failed(upstream: Sequence[State]) -> bool | State:
    """Run when all have failed."""
    failed = all(state.is_failed() for state in Upstream.of(upstream))
    return failed or _failed("all_failed", "some of the upstream tasks succeeded")


def any_successful(upstream: Sequence[State]) -> bool | State:
    """Run when one has succeeded, or there is none upstream."""
    upstream = Upstream.of(upstream)
    successful = not upstream.runs or any(state.is_successful() for state in upstream)
    return successful or _failed("any_successful", "none of the upstream tasks succeeded")


def any_failed(upstream: Sequence[State]) -> bool | State:
    """Run when one has failed, or there is none upstream."""
    upstream = Upstream.of(upstream)
    failed = not upstream.runs or any(state.is_failed() for state in upstream)
    return failed or _failed("any_failed", "none of the upstream tasks failed")


def not_all_skipped(upstream: Sequence[State]) -> bool | State:
    """Run when all have succeeded and not all were skipped; skip where they were.

    Of use with `skip_on_upstream_skip=False`. With none upstream, all of them were.
    """
    upstream = Upstream.of(upstream)
    if all(state.is_skipped() for state in upstream):
        return Skipped("All upstreams were skipped")
    successful = all(state.is_successful() for state in upstream)
    return successful or _failed("not_all_skipped", "some of the upstream tasks failed")


def manual_only(upstream: Sequence[State]) -> bool | State:  # noqa: ARG001  # as all triggers
    """Run when somebody resumes the run, `resume` in the ambient context; else pause it."""
    if ambient.context().get("resume"):
        return True
    return Paused('Trigger function is "manual_only"')


def some_failed(at_least: float | None = None, at_most: float | None = None) -> Trigger:
    """Make a trigger that runs when so many have failed, or there is none upstream.

    A bound below 1 is a share of them, and one from 1 a count: `1.0` is one run, not all.

    Raises:
        InvalidArgument: A bound is negative, or no number.
    """
    return _Some("failed", at_least, at_most)


def some_successful(at_least: float | None = None, at_most: float | None = None) -> Trigger:
    """Make a trigger that runs when so many have succeeded, or there is none upstream.

    Bounds are those of `some_failed`.
    """
    return _Some("successful", at_least, at_most)


def _check_bound(_some: _Some, field: attrs.Attribute[float | None], bound: object) -> None:
    if bound is None:
        return
    number = isinstance(bound, int | float) and not isinstance(bound, bool)
    if not number or not math.isfinite(bound) or bound < 0:  # type: ignore[arg-type,operator]  # a number, as just asked
        raise InvalidArgument(
            f"{field.name} is a count of runs, or a share of them below 1, not {bound!r}"
        )


@attrs.frozen(repr=False)
class _Some:
    """The trigger that runs when the number of runs that ended so is within two bounds."""

    ended: Literal["failed", "successful"]
    at_least: float | None = attrs.field(default=None, validator=_check_bound)
    at_most: float | None = attrs.field(default=None, validator=_check_bound)

    def __call__(self, upstream: Sequence[State]) -> bool | State:
        upstream = Upstream.of(upstream)
        if not upstream.runs:
            return True
        failed = self.ended == "failed"
        ended = [state.is_failed() if failed else state.is_successful() for state in upstream]
        enough = self.at_least is None or _measured(ended, self.at_least) >= self.at_least
        few = self.at_most is None or _measured(ended, self.at_most) <= self.at_most
        return (enough and few) or _failed(f"some_{self.ended}", "thresholds were not met")

    def __repr__(self) -> str:
        return f"some_{self.ended}(at_least={self.at_least}, at_most={self.at_most})"


def _measured(ended: Sequence[bool], bound: float) -> float:
    """What *bound* is held against: a count, or a share, and any share of nothing is met.

    Shares are divided, not multiplied out: 55 of 100 are 0.55, but 100 * 0.55 is more than 55.
    """
    if bound >= 1:
        return sum(ended)
    return sum(ended) / len(ended) if ended else bound


def _failed(trigger: str, why: str) -> State:
    return TriggerFailed(f'Trigger was "{trigger}" but {why}.')
