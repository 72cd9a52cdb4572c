"""Call: one run and the callable it is a run of, with the runs it comes after."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from .errors import InvalidArgument
from .quorum import Quorum
from .task import TaskRun
from .triggers import Trigger, all_successful

__all__ = ["Call", "Over", "ResultOf", "check_calls"]


def _as_runs(value: object) -> tuple[TaskRun, ...]:
    runs = tuple(value) if isinstance(value, Iterable) else (value,)
    for run in runs:
        if not isinstance(run, TaskRun):
            raise InvalidArgument(f"a call comes after runs, not after {run!r}")
    return runs


@attrs.frozen(eq=False)
class ResultOf:
    """In the place of an argument: the result of a run above, once that is finished."""

    run: TaskRun

    def __attrs_post_init__(self) -> None:
        _as_runs((self.run,))


def _as_inputs(value: Any) -> Any:
    if isinstance(value, ResultOf | list | tuple | range):
        return value
    if not isinstance(value, Iterable):
        raise InvalidArgument(f"a task is mapped over an iterable, not over {value!r}")
    return list(value)


@attrs.frozen
class Over:
    """What a call is mapped over: one child run for each of *inputs*."""

    inputs: Sequence[Any] | ResultOf = attrs.field(converter=_as_inputs)
    quorum: Quorum | None = None  # how many have to succeed; None: the parent does not ask
    at_once: int | None = None  # how many children are executed side by side; None: no limit
    again: bool = False  # whether children that have failed are run once more

    def items(self) -> Sequence[Any]:
        """The inputs; those that a run above results in, too."""
        items: Sequence[Any] = _as_inputs(_given(self.inputs))
        return items


@attrs.frozen(eq=False)
class Call:
    """One run and the callable it is a run of.

    Args:
        after: Runs that have to be finished first: others of the same batch, or finished ones.
        trigger: Whether it runs, by the states of those; `all_successful` if left out. See
            `fsm.triggers`.
        skip_on_upstream_skip: Whether it is skipped where one of those is.
        over: It is mapped: the task is called for each of these inputs, in a child run each.
    """

    run: TaskRun
    task: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)
    after: tuple[TaskRun, ...] = attrs.field(default=(), converter=_as_runs, kw_only=True)
    trigger: Trigger = attrs.field(default=all_successful, kw_only=True)
    skip_on_upstream_skip: bool = attrs.field(default=True, kw_only=True)
    over: Over | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.run, TaskRun):
            raise InvalidArgument(f"a Call is of a TaskRun, not of {self.run!r}")
        if not callable(self.task):
            raise InvalidArgument(f"the task of {self.run.id!r} cannot be called: {self.task!r}")
        if not callable(self.trigger):
            raise InvalidArgument(f"a trigger is called, {self.trigger!r} cannot be")

    @property
    def above(self) -> tuple[TaskRun, ...]:
        """The runs it comes after, those whose results it takes among them."""
        given = (*self.args, *self.kwargs.values(), self.over.inputs if self.over else None)
        taken = [each.run for each in given if isinstance(each, ResultOf)]
        return tuple({run.id: run for run in (*self.after, *taken)}.values())

    def work(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Its arguments, with the results of the runs above in their places."""
        return (
            tuple(_given(value) for value in self.args),
            {name: _given(value) for name, value in self.kwargs.items()},
        )

    def inputs(self) -> dict[str, Any]:
        """Its arguments by name, as far as the task says how they are called."""
        args, kwargs = self.work()
        try:
            bound = inspect.signature(self.task).bind(*args, **kwargs)
        except (TypeError, ValueError):
            return {**{str(place): value for place, value in enumerate(args)}, **kwargs}
        return dict(bound.arguments)


def _given(value: Any) -> Any:
    return value.run.state.result if isinstance(value, ResultOf) else value


def check_calls(calls: Iterable[Call]) -> list[Call]:
    """Accept calls that can be performed together, before any is started.

    Raises:
        InvalidArgument: Something is no call, two are of one run, one comes after a run that is
            neither finished nor among them, or they wait for each other in a circle.
    """
    import graphlib

    known: dict[str, Call] = {}
    for call in calls:
        if not isinstance(call, Call):
            raise InvalidArgument(f"a Call is performed, not {call!r}")
        if call.run.id in known:
            raise InvalidArgument(f"run {call.run.id!r} is called twice; make another run")
        known[call.run.id] = call
    for call in known.values():
        for above in call.above:
            if above.id not in known and not above.state.is_finished():
                raise InvalidArgument(
                    f"run {call.run.id!r} comes after {above.id!r}, which is "
                    f"{type(above.state).__name__} and not among the calls"
                )
    if any(call.above for call in known.values()):
        try:
            graphlib.TopologicalSorter(
                {id: [above.id for above in call.above] for id, call in known.items()}
            ).prepare()
        except graphlib.CycleError as error:
            circle = " after ".join(map(repr, error.args[1]))
            raise InvalidArgument(f"the calls wait for each other: {circle}") from None
    return list(known.values())
