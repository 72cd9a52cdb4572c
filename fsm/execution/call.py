"""Call: one run and the callable it is a run of, with the runs it comes after."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

import inspect
from collections.abc import Callable, Iterable
from collections.abc import Mapping as AnyMapping
from typing import Any

import attrs

from fsm.errors import InvalidArgument
from fsm.states import Mapped, State
from fsm.tasks.task_run import TaskRun
from fsm.tasks.trigger_rules import TriggerRule, Upstream, all_successful

from .mapping import Mapping, Placeholder, ResultOf, result_of

__all__ = ["Call", "check_calls", "has_ended"]


def _as_runs(runs: Iterable[TaskRun] | TaskRun) -> tuple[TaskRun, ...]:
    given: tuple[Any, ...] = tuple(runs) if isinstance(runs, Iterable) else (runs,)
    for run in given:
        if not isinstance(run, TaskRun):
            raise InvalidArgument(f"a call comes after runs, not after {run!r}")
    return given


def has_ended(state: State) -> bool:
    """Whether a run in *state* has ended; a mapped run has when all its children have."""
    return state.is_finished() and (
        not isinstance(state, Mapped) or all(each.is_finished() for each in Upstream.of([state]))
    )


@attrs.frozen(eq=False)
class Call:
    """One run and the callable it is a run of.

    Args:
        run: The run, a `TaskRun`.
        task: The callable.
        args, kwargs: Its arguments. A `ResultOf` among them is replaced by the result it stands
            for.
        after: Runs that have to end first: of other calls of the same batch, or ended ones.
        trigger_rule: Decides by the last states of those whether the call runs;
            `all_successful` if left out. See `fsm.trigger_rules`.
        skip_on_upstream_skip: Whether the run is skipped if one of those is.
        over: Set for a mapped call: its task is called for each of these inputs, in a child run
            each. It takes no other arguments.

    Raises:
        InvalidArgument: An argument is wrong.
    """

    __module__ = "fsm"

    run: TaskRun
    task: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: AnyMapping[str, Any] = attrs.field(factory=dict)
    after: tuple[TaskRun, ...] = attrs.field(default=(), converter=_as_runs, kw_only=True)
    trigger_rule: TriggerRule = attrs.field(default=all_successful, kw_only=True)
    skip_on_upstream_skip: bool = attrs.field(default=True, kw_only=True)
    over: Mapping | None = attrs.field(default=None, kw_only=True)
    # The runs it comes after, those whose results it takes among them.
    above: tuple[TaskRun, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.run, TaskRun):
            raise InvalidArgument(f"a Call is of a TaskRun, not of {self.run!r}")
        if not callable(self.task):
            raise InvalidArgument(f"the task of {self.run.id!r} is not callable: {self.task!r}")
        if not callable(self.trigger_rule):
            raise InvalidArgument(f"a trigger rule is callable, {self.trigger_rule!r} is not")
        if self.over is not None:
            self._check_mapping(self.over)
        object.__setattr__(self, "above", self._above())

    def _check_mapping(self, over: object) -> None:
        if not isinstance(over, Mapping):
            raise InvalidArgument(
                f"a call is mapped over a Mapping, as each(...) makes, not {over!r}"
            )
        if isinstance(over.inputs, Placeholder) and not isinstance(over.inputs, ResultOf):
            raise InvalidArgument(
                f"a call is mapped over values or a ResultOf, not {over.inputs!r}"
            )
        if self.args or self.kwargs:
            raise InvalidArgument(
                f"{self.run.id!r} is mapped: its task takes one input each, and no arguments; "
                "constant ones belong to the Mapping"
            )

    def _above(self) -> tuple[TaskRun, ...]:
        given = (*self.args, *self.kwargs.values(), self.over.inputs if self.over else None)
        taken = [each.run for each in given if isinstance(each, ResultOf)]
        return tuple({run.id: run for run in (*self.after, *taken)}.values())

    def work(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return its arguments, with results in the places of `ResultOf`."""
        return (
            tuple(result_of(value) for value in self.args),
            {name: result_of(value) for name, value in self.kwargs.items()},
        )

    def inputs(self) -> dict[str, Any]:
        """Return its arguments by name; by position those that the task has no names for."""
        args, kwargs = self.work()
        try:
            bound = inspect.signature(self.task).bind(*args, **kwargs)
        except (TypeError, ValueError):
            return {**{str(place): value for place, value in enumerate(args)}, **kwargs}
        return dict(bound.arguments)


def check_calls(calls: Iterable[Call]) -> list[Call]:
    """Check, before any is started, that *calls* can be performed together.

    Raises:
        InvalidArgument: One is no call, two are of one run, one comes after a run that has
            neither ended nor is among them, or they wait for each other in a circle.
    """
    import graphlib  # imported on demand: most calls stand alone

    known: dict[str, Call] = {}
    for call in calls:
        if not isinstance(call, Call):
            raise InvalidArgument(f"a Call is performed, not {call!r}")
        if call.run.id in known:
            raise InvalidArgument(f"run {call.run.id!r} is called twice; create another run")
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
