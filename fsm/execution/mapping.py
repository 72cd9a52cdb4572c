"""Mapping: what a call is mapped over, and how."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from collections import abc
from types import MappingProxyType
from typing import Any

import attrs

from fsm.errors import InvalidArgument
from fsm.states import State
from fsm.tasks.quorum import Quorum
from fsm.tasks.task_run import TaskRun

__all__ = ["Mapping", "Placeholder", "ResultOf", "as_mapping", "result_of"]


class Placeholder:
    """Stands in the place of an argument for a value that is not known yet."""

    __slots__ = ()


@attrs.frozen(eq=False)
class ResultOf(Placeholder):
    """In the place of an argument: the result of a run that the call comes after."""

    __module__ = "fsm.execution"

    run: TaskRun

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.run, TaskRun):
            raise InvalidArgument(f"ResultOf takes a TaskRun, not {self.run!r}")


def result_of(value: Any) -> Any:
    """Return the result that a `ResultOf` stands for, or any other value as it is."""
    return value.run.state.result if isinstance(value, ResultOf) else value


def as_inputs(inputs: Any) -> Any:
    """Take what a call can be mapped over: an iterable, as a sequence, or a placeholder."""
    if isinstance(inputs, Placeholder | list | tuple | range):
        return inputs
    if not isinstance(inputs, abc.Iterable):
        raise InvalidArgument(f"a task is mapped over an iterable, not over {inputs!r}")
    return list(inputs)


def _as_arguments(arguments: abc.Mapping[str, Any]) -> abc.Mapping[str, Any]:
    for name, value in arguments.items():
        if isinstance(value, Placeholder):
            raise InvalidArgument(f"a constant argument is a value, {name}={value!r} is not")
    return MappingProxyType(dict(arguments))


def _check_concurrency(_mapping: object, _field: object, limit: int | None) -> None:
    if limit is None:
        return
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InvalidArgument(f"max_concurrency is a whole number from 1, not {limit!r}")


@attrs.frozen
class Mapping:
    """What a call is mapped over: its task is called once for each input, in a child run each.

    Args:
        inputs: An iterable, or what will result in one: a node, or a `ResultOf`.
        quorum: How many children have to succeed; if left out, the parent is `Mapped` whatever
            becomes of them.
        max_concurrency: How many children are executed at a time; no limit if left out.
        again: Whether children that have failed are run once more, even without retries left.
        arguments: Constant keyword arguments of the task, the same for each child.

    Raises:
        InvalidArgument: An argument is wrong.
    """

    __module__ = "fsm.flow"

    inputs: abc.Sequence[Any] | Placeholder = attrs.field(converter=as_inputs)
    quorum: Quorum | None = None
    max_concurrency: int | None = attrs.field(default=None, validator=_check_concurrency)
    again: bool = False
    arguments: abc.Mapping[str, Any] = attrs.field(
        factory=dict, converter=_as_arguments, kw_only=True
    )

    def items(self) -> abc.Sequence[Any]:
        """Return the inputs. None, if they are the result of a run that has not succeeded.

        Whether the mapped run starts in that case is decided by its trigger rule.
        """
        if isinstance(self.inputs, ResultOf) and not _has_result(self.inputs.run.state):
            return ()
        items: abc.Sequence[Any] = as_inputs(result_of(self.inputs))
        return items


def as_mapping(
    inputs: object, quorum: Quorum | None, max_concurrency: int | None, again: bool = False
) -> Mapping:
    """Return the mapping over *inputs*, or *inputs* itself if it is one, with these settings."""
    settings: dict[str, Any] = {"quorum": quorum, "max_concurrency": max_concurrency}
    given = {name: value for name, value in settings.items() if value is not None}
    if again:
        given["again"] = True
    if isinstance(inputs, Mapping):
        return attrs.evolve(inputs, **given)
    return Mapping(inputs, **given)


def _has_result(state: State) -> bool:
    return state.is_successful() and not state.is_skipped()
