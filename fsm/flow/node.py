"""Node: one call in a graph of tasks, and the nodes it comes after."""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

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
    return tuple(map(_check_argument, args))


def _as_kwargs(kwargs: abc.Mapping[str, Any]) -> abc.Mapping[str, Any]:
    return MappingProxyType({name: _check_argument(value) for name, value in kwargs.items()})


def _check_argument(value: Any) -> Any:
    """Refuse a node inside a container: the task would get the node, not its result."""
    inside = value.values() if isinstance(value, dict) else value
    if isinstance(inside, list | tuple | set | frozenset | type({}.values())):
        for each in inside:
            if isinstance(each, Node):
                raise InvalidArgument(
                    f"{each!r} is inside an argument; give it as an argument of its own"
                )
    return value


def as_after(after: Any) -> tuple[Any, ...]:
    """Accept one or several nodes or names of nodes.

    Raises:
        InvalidArgument: Something is neither a node nor a name.
    """
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
    """One call in a graph of tasks. An argument may be another node: its result is passed.

    Created by `Task.bind`, or directly. A node only describes a call: each `gather` of the graph
    creates a run for it. Nodes are immutable and equal only to themselves.

    Args:
        task: The callable. The runs of a `Task` are of its class and have its policy.
        args, kwargs: Its arguments. A node among them must succeed first, and is replaced by its
            result.
        after: More nodes it comes after, or their names, one or several.
        trigger_rule: Decides by the last states of all nodes it comes after whether it runs.
            Default: `all_successful`. See `fsm.trigger_rules`.
        skip_on_upstream_skip: Whether it is skipped if one of those is. Default: yes.
        over: What it is mapped over, in place of arguments; see `each`.
        name: Its name in the graph. Default: the name of its function.

    Raises:
        InvalidArgument: It could never be called, such as with a node inside a list.
    """

    __module__ = "fsm"

    task: Callable[..., Any]
    args: tuple[Any, ...] = attrs.field(default=(), converter=_as_args)
    kwargs: abc.Mapping[str, Any] = attrs.field(factory=dict, converter=_as_kwargs)
    # Nodes and names of nodes; get_type_hints could not resolve `Node` inside of its own class.
    _after: tuple[Any, ...] = attrs.field(default=(), converter=as_after, kw_only=True)
    trigger_rule: TriggerRule = attrs.field(default=all_successful, kw_only=True)
    skip_on_upstream_skip: bool = attrs.field(default=True, kw_only=True)
    over: Mapping | None = attrs.field(default=None, kw_only=True)
    name: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not callable(self.task) or isinstance(self.task, Node):
            raise InvalidArgument(f"the task of a node is callable, {self.task!r} is not")
        if not callable(self.trigger_rule):
            raise InvalidArgument(f"a trigger rule is callable, {self.trigger_rule!r} is not")
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
        *nodes: "Node | str",
        trigger_rule: TriggerRule | None = None,
        skip_on_upstream_skip: bool | None = None,
    ) -> Self:
        """Return the same node, after these nodes as well.

        Args:
            nodes: Nodes, or names of nodes of the graph.
            trigger_rule: Decides whether the node runs. Default: as before.
            skip_on_upstream_skip: Whether it is skipped if one of those is. Default: as before.
        """
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
        inputs: "Node | Iterable[Any] | Mapping",
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

    def with_name(self, name: str) -> Self:
        """Return the same node under another name."""
        return attrs.evolve(self, name=name)

    @property
    def called(self) -> str:
        """Its name, or the name of its function."""
        if self.name is not None:
            return self.name
        return str(getattr(self.task, "__name__", type(self.task).__name__))

    @property
    def takes(self) -> tuple["Node", ...]:
        """The nodes whose results are its arguments or inputs."""
        given = (*self.args, *self.kwargs.values(), self.over.inputs if self.over else None)
        return tuple(each for each in given if isinstance(each, Node))

    def __repr__(self) -> str:  # without the nodes above, which may be thousands
        return f"<node {self.called!r}>"
