"""Graph: nodes by name, in an order in which each comes after the nodes it waits for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from fsm.errors import InvalidArgument, did_you_mean

from .node import Node, as_after

__all__ = ["Graph", "Node"]


@attrs.frozen(eq=False)
class Graph:
    """Nodes by name, and the nodes that each comes after. Has no cycle.

    Of nodes with one name, the second is called "NAME-2", the third "NAME-3".
    """

    nodes: Mapping[str, Node]
    above: Mapping[str, tuple[str, ...]]  # the names of the nodes that each comes after
    references: tuple[str, ...]  # the nodes whose last states decide that of the whole
    _names: Mapping[Node, str]

    @classmethod
    def of(cls, given: object, references: object = None) -> Graph:
        """Collect the nodes given and all nodes that they wait for.

        Args:
            given: A node, several, or nodes and functions by name.
            references: Nodes or names. Default: the nodes given; of those given by name, all that
                no other node waits for.

        Raises:
            InvalidArgument: Something is not a node, a name is unknown, or nodes wait for each
                other in a cycle.
        """
        if isinstance(given, Mapping):
            roots, names = _by_name(given)
        else:
            roots, names = _as_nodes(given), {}
        _name(_collect(roots), names)
        nodes = {name: node for node, name in names.items()}
        above = {name: _above(node, names, nodes) for name, node in nodes.items()}
        _check_cycles(above)
        if references is not None:
            asked = tuple(_resolve(each, names, nodes) for each in as_after(references))
        elif isinstance(given, Mapping):
            ends = nodes.keys() - {name for taken in above.values() for name in taken}
            asked = tuple(name for name in nodes if name in ends)
        else:
            asked = tuple(names[node] for node in roots)
        return cls(nodes, above, tuple(dict.fromkeys(asked)), names)

    def name(self, node: Node) -> str:
        """The name of *node* in the graph."""
        return self._names[node]


def _by_name(given: Mapping[Any, Any]) -> tuple[list[Node], dict[Node, str]]:
    names: dict[Node, str] = {}
    for name, each in given.items():
        if not isinstance(name, str):
            raise InvalidArgument(f"the name of a node is a string, not {name!r}")
        node = _as_node(each)
        if node in names:
            raise InvalidArgument(f"{node!r} is given twice, as {names[node]!r} and as {name!r}")
        names[node] = name
    return list(names), names


def _as_nodes(given: Any) -> list[Node]:
    if isinstance(given, Node) or callable(given) or not isinstance(given, Iterable):
        return [_as_node(given)]
    return [_as_node(each) for each in given]


def _as_node(given: Any) -> Node:
    if isinstance(given, Node):
        return given
    if not callable(given):
        raise InvalidArgument(f"a graph consists of nodes and functions, not of {given!r}")
    return Node(given)


def _collect(roots: Iterable[Node]) -> list[Node]:
    """The roots and all nodes above, each after those it waits for.

    Not recursive: a chain of nodes may be longer than Python's stack.
    """
    collected: dict[Node, None] = {}
    entered: set[Node] = set()
    left = list(roots)[::-1]
    while left:
        node = left[-1]
        if node in entered:
            collected[left.pop()] = None
            continue
        entered.add(node)
        above = (*node.takes, *(each for each in node._after if isinstance(each, Node)))
        left += [each for each in reversed(above) if each not in entered]
    return list(collected)


def _name(nodes: Iterable[Node], names: dict[Node, str]) -> None:
    """Add the names of the nodes that have none yet."""
    taken, count = set(names.values()), Counter[str]()
    for node in nodes:
        if node in names:
            continue
        name = called = node.called
        while name in taken:
            count[called] += 1
            name = f"{called}-{count[called] + 1}"
        names[node] = name
        taken.add(name)


def _above(node: Node, names: Mapping[Node, str], nodes: Mapping[str, Node]) -> tuple[str, ...]:
    found = [_resolve(each, names, nodes) for each in (*node.takes, *node._after)]
    return tuple(dict.fromkeys(found))


def _resolve(each: Node | str, names: Mapping[Node, str], nodes: Mapping[str, Node]) -> str:
    name = each if isinstance(each, str) else names.get(each)
    if name is None:
        raise InvalidArgument(f"{each!r} is not in the graph")
    if name not in nodes:
        raise InvalidArgument(f"no node is called {name!r}{did_you_mean(name, nodes)}")
    return name


def _check_cycles(above: Mapping[str, Sequence[str]]) -> None:
    import graphlib  # imported on demand: only `gather` needs it

    try:
        graphlib.TopologicalSorter(above).prepare()
    except graphlib.CycleError as error:
        circle = " after ".join(map(repr, reversed(error.args[1])))
        raise InvalidArgument(f"the nodes wait for each other: {circle}") from None
