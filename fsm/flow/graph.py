"""Graph: nodes by name, each after those whose results it takes or that it names."""

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
    """Nodes by name, and which come after which; none after itself, by whatever way.

    Of two nodes of one name the second gets "-2".
    """

    nodes: Mapping[str, Node]
    above: Mapping[str, tuple[str, ...]]  # by name: the names of those it comes after
    references: tuple[str, ...]  # those whose ends say how the whole has ended
    _names: Mapping[Node, str]

    @classmethod
    def of(cls, given: object, references: object = None) -> Graph:
        """Find all nodes there are above those given.

        Args:
            given: A node, several, or nodes and functions by name.
            references: Nodes or names. If left out, the nodes given; of those given by name, all
                that nothing comes after.

        Raises:
            InvalidArgument: There is something else among them, a name that none has, or nodes
                that wait for each other.
        """
        if isinstance(given, Mapping):
            roots, names = _by_name(given)
        else:
            roots, names = _several(given), {}
        _name(_walked(roots), names)
        nodes = {name: node for node, name in names.items()}
        above = {name: _above(node, names, nodes) for name, node in nodes.items()}
        _check_circles(above)
        if references is not None:
            asked = tuple(_found(each, names, nodes) for each in as_after(references))
        elif isinstance(given, Mapping):
            ends = nodes.keys() - {name for taken in above.values() for name in taken}
            asked = tuple(name for name in nodes if name in ends)
        else:
            asked = tuple(names[node] for node in roots)
        return cls(nodes, above, tuple(dict.fromkeys(asked)), names)

    def name(self, node: Node) -> str:
        """What *node* is called here."""
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


def _several(given: Any) -> list[Node]:
    if isinstance(given, Node) or callable(given) or not isinstance(given, Iterable):
        return [_as_node(given)]
    return [_as_node(each) for each in given]


def _as_node(given: Any) -> Node:
    if isinstance(given, Node):
        return given
    if not callable(given):
        raise InvalidArgument(f"a graph consists of nodes and functions, not of {given!r}")
    return Node(given)


def _walked(roots: Iterable[Node]) -> list[Node]:
    """Them and all above, each after those; without recursion, because chains are long."""
    walked: dict[Node, None] = {}
    entered: set[Node] = set()
    left = list(roots)[::-1]
    while left:
        node = left[-1]
        if node in entered:
            walked[left.pop()] = None
            continue
        entered.add(node)
        above = (*node.takes, *(each for each in node._after if isinstance(each, Node)))
        left += [each for each in reversed(above) if each not in entered]
    return list(walked)


def _name(nodes: Iterable[Node], names: dict[Node, str]) -> None:
    """Give a name to those that have none yet."""
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
    found = [_found(each, names, nodes) for each in (*node.takes, *node._after)]
    return tuple(dict.fromkeys(found))


def _found(each: Node | str, names: Mapping[Node, str], nodes: Mapping[str, Node]) -> str:
    name = each if isinstance(each, str) else names.get(each)
    if name is None:
        raise InvalidArgument(f"{each!r} is not in the graph")
    if name not in nodes:
        raise InvalidArgument(f"no node is called {name!r}{did_you_mean(name, nodes)}")
    return name


def _check_circles(above: Mapping[str, Sequence[str]]) -> None:
    import graphlib  # at the door: few need it

    try:
        graphlib.TopologicalSorter(above).prepare()
    except graphlib.CycleError as error:
        circle = " after ".join(map(repr, reversed(error.args[1])))
        raise InvalidArgument(f"the nodes wait for each other: {circle}") from None
