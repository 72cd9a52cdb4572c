"""Call: one run and the callable it is a run of, with the runs it comes after."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from fsm.errors import InvalidArgument
from fsm.states import Mapped, State
from fsm.tasks.quorum import Quorum
from fsm.tasks.task_run import TaskRun
from fsm.tasks.trigger_rules import TriggerRule, Upstream, all_successful

__all__ = ["Call", "Over", "ResultOf", "as_inputs", "check_at_once", "check_calls", "has_ended"]


def _as_runs(value: object) -> tuple[TaskRun, ...]:
    runs: tuple[Any, ...] = tuple(value) if isinstance(value, Iterable) else (value,)
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


def as_inputs(value: Any) -> Any:
    """Take what a task can be mapped over; something with a length, or what results in it."""
    if isinstance(value, ResultOf | list | tuple | range):
        return value
    if not isinstance(value, Iterable):
        raise InvalidArgument(f"a task is mapped over an iterable, not over {value!r}")
    return list(value)


def check_at_once(_over: object, _field: object, at_once: int | None) -> None:
    """Accept how many children may be executed side by side; of none, none would ever be."""
    if at_once is None:
        return
    if isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1:
        raise InvalidArgument(f"at_once is a whole number from 1, not {at_once!r}")


def has_ended(state: State) -> bool:
    """Whether a run in *state* has come to its end; a mapped one has when its children have."""
    return state.is_finished() and (
        not isinstance(state, Mapped) or all(each.is_finished() for each in Upstream.of([state]))
    )


@attrs.frozen
class Over:
    """What a call is mapped over: one child run for each of *inputs*."""

    inputs: Sequence[Any] | ResultOf = attrs.field(converter=as_inputs)
    quorum: Quorum | None = None  # how many have to succeed; None: the parent does not ask
    # How many children are executed side by side; None: no limit.
    at_once: int | None = attrs.field(default=None, validator=check_at_once)
    again: bool = False  # whether children that have failed are run once more

    def items(self) -> Sequence[Any]:
        """The inputs; those that a run above results in, too, and none where it did not succeed.

        Whether its own run goes on then is for its trigger to say.
        """
        if isinstance(self.inputs, ResultOf) and not _has_result(self.inputs.run.state):
            return ()
        items: Sequence[Any] = as_inputs(_given(self.inputs))
        return items


@attrs.frozen(eq=False)
class Call:
    """One run and the callable it is a run of.

    Args:
        after: Runs that have to be finished first: others of the same batch, or finished ones.
        trigger_rule: Whether it runs, by the states of those; `all_successful` if left out. See
            `fsm.trigger_rules`.
        skip_on_upstream_skip: Whether it is skipped where one of those is.
        over: It is mapped: the task is called for each of these inputs, in a child run each.
    """

    run: TaskRun
    task: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = attrs.field(factory=dict)
    after: tuple[TaskRun, ...] = attrs.field(default=(), converter=_as_runs, kw_only=True)
    trigger_rule: TriggerRule = attrs.field(default=all_successful, kw_only=True)
    skip_on_upstream_skip: bool = attrs.field(default=True, kw_only=True)
    over: Over | None = attrs.field(default=None, kw_only=True)
    # The runs it comes after, those whose results it takes among them.
    above: tuple[TaskRun, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.run, TaskRun):
            raise InvalidArgument(f"a Call is of a TaskRun, not of {self.run!r}")
        if not callable(self.task):
            raise InvalidArgument(f"the task of {self.run.id!r} cannot be called: {self.task!r}")
        if not callable(self.trigger_rule):
            raise InvalidArgument(f"a trigger rule is called, {self.trigger_rule!r} cannot be")
        if self.over is not None and (self.args or self.kwargs):
            raise InvalidArgument(
                f"{self.run.id!r} is mapped: its task takes one input each, and no arguments"
            )
        object.__setattr__(self, "above", self._above())

    def _above(self) -> tuple[TaskRun, ...]:
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


def _has_result(state: State) -> bool:
    return state.is_successful() and not state.is_skipped()


def check_calls(calls: Iterable[Call]) -> list[Call]:
    """Accept calls that can be performed together, before any is started.

    Raises:
        InvalidArgument: Something is no call, two are of one run, one comes after a run that is
            neither at its end nor among them, or they wait for each other in a circle.
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
            among = known.get(above.id)
            if among is not None and among.run is not above:
                raise InvalidArgument(
                    f"run {call.run.id!r} comes after another {above.id!r} than is among the calls"
                )
            if among is None and not has_ended(above.state):
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
            circle = " after ".join(map(repr, reversed(error.args[1])))
            raise InvalidArgument(f"the calls wait for each other: {circle}") from None
    return list(known.values())
