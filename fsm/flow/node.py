"""Node: one call in a graph of tasks, and what it comes after."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Self

import attrs

from fsm.errors import InvalidArgument
from fsm.execution.mapping import Mapping, Placeholder, as_mapping
from fsm.tasks.quorum import Quorum
from fsm.tasks.trigger_rules import TriggerRule, all_successful

__all__ = ["Node", "as_after", "each"]


def _as_args(args: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(map(_checked, args))


def _as_kwargs(kwargs: abc.Mapping[str, Any]) -> abc.Mapping[str, Any]:
    return MappingProxyType({name: _checked(value) for name, value in kwargs.items()})


def _checked(value: Any) -> Any:
    """Refuse what would reach the task as a node, not as its result."""
    inside = value.values() if isinstance(value, dict) else value
    if isinstance(inside, list | tuple | set | frozenset | type({}.values())):
        for each in inside:
            if isinstance(each, Node):
                raise InvalidArgument(
                    f"{each!r} is inside of an argument; give it as an argument of its own"
                )
    return value


def as_after(after: Any) -> tuple[Node | str, ...]:
    """Take one or several nodes or names."""
    nodes = tuple(after) if isinstance(after, Iterable) and not isinstance(after, str) else (after,)
    for node in nodes:
        if not isinstance(node, Node | str):
            raise InvalidArgument(
                f"a node comes after nodes, or names of nodes, not after {node!r}"
            )
    return nodes


def each(items: Any, /, **constant_arguments: Any) -> Mapping:
    """Return a mapping over *items* with constant arguments: `each(files, unit="kg")`.

    For `Call(over=...)`, `Node(over=...)`, `Node.each`, `Runner.map` and `Task.map`. Create a
    `Mapping` to set a quorum or a limit, too.

    Args:
        items: An iterable, or what will result in one: a node, or a `ResultOf`.
        constant_arguments: Keyword arguments of the task, the same for each item.

    Raises:
        InvalidArgument: *items* is not iterable, or a constant is a node or a `ResultOf`.
    """
    return Mapping(items, arguments=constant_arguments)


each.__module__ = "fsm.flow"


@attrs.frozen(eq=False, repr=False)
class Node(Placeholder):
    """One call in a graph of tasks. An argument may be another node: its result, in the end.

    `Task.bind` makes one. It is a description: each `gather` of it makes a run of its own.

    Args:
        after: More nodes it comes after, or their names.
        trigger_rule: Whether it runs, by the states of all it comes after; `all_successful` if
            left out. See `fsm.trigger_rules`.
        skip_on_upstream_skip: Whether it is skipped where one of those is.
        over: What it is mapped over; see `each`.
        name: What it is called in its graph; as its function is, if left out.

    Raises:
        InvalidArgument: It could never be called so.
    """

    task: Callable[..., Any]
    args: tuple[Any, ...] = attrs.field(default=(), converter=_as_args)
    kwargs: abc.Mapping[str, Any] = attrs.field(factory=dict, converter=_as_kwargs)
    _after: tuple[Node | str, ...] = attrs.field(default=(), converter=as_after, kw_only=True)
    trigger_rule: TriggerRule = attrs.field(default=all_successful, kw_only=True)
    skip_on_upstream_skip: bool = attrs.field(default=True, kw_only=True)
    over: Mapping | None = attrs.field(default=None, kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not callable(self.task) or isinstance(self.task, Node):
            raise InvalidArgument(f"the task of a node is called, {self.task!r} cannot be")
        if not callable(self.trigger_rule):
            raise InvalidArgument(f"a trigger rule is called, {self.trigger_rule!r} cannot be")
        if self.name is not None and not isinstance(self.name, str):
            raise InvalidArgument(f"the name of a node is a string, not {self.name!r}")
        if self.over is not None and not isinstance(self.over, Mapping):
            raise InvalidArgument(
                f"a node is mapped over a Mapping, as each(...) makes, not {self.over!r}"
            )
        if self.over is not None and (self.args or self.kwargs):
            raise InvalidArgument(f"{self!r} is mapped: it takes one input each, and no arguments")

    def after(
        self,
        *nodes: Node | str,
        trigger_rule: TriggerRule | None = None,
        skip_on_upstream_skip: bool | None = None,
    ) -> Self:
        """The same, after these nodes as well; what is left out stays as it is."""
        skips = (
            self.skip_on_upstream_skip if skip_on_upstream_skip is None else skip_on_upstream_skip
        )
        return attrs.evolve(
            self,
            after=(*self._after, *nodes),
            trigger_rule=self.trigger_rule if trigger_rule is None else trigger_rule,
            skip_on_upstream_skip=skips,
        )

    def each(
        self,
        inputs: Node | Iterable[Any] | Mapping,
        *,
        quorum: Quorum | None = None,
        max_concurrency: int | None = None,
    ) -> Self:
        """Return the same node, mapped: its task is called for each input, in a child run each.

        Args:
            inputs: An iterable, a node that results in one, or a `Mapping`, such as
                `each(items, unit="kg")` with constant arguments. The arguments below override
                its settings.
            quorum: How many children have to succeed; if left out, the node is `Mapped` whatever
                becomes of them.
            max_concurrency: How many children are executed at a time; no limit if left out.

        Raises:
            InvalidArgument: An argument is wrong, or the node has arguments.
        """
        return attrs.evolve(self, over=as_mapping(inputs, quorum, max_concurrency))

    def named(self, name: str) -> Self:
        """The same, under this name."""
        return attrs.evolve(self, name=name)

    @property
    def called(self) -> str:
        """Its name, or that of its function."""
        if self.name is not None:
            return self.name
        return str(getattr(self.task, "__name__", type(self.task).__name__))

    @property
    def takes(self) -> tuple[Node, ...]:
        """The nodes whose results it takes."""
        given = (*self.args, *self.kwargs.values(), self.over.inputs if self.over else None)
        return tuple(each for each in given if isinstance(each, Node))

    def __repr__(self) -> str:  # without what is above: that may be thousands
        return f"<node {self.called!r}>"
