"""Family: states that belong together in a picture, found in the class tree.

A family is a class and what is below it. It stays whole where its members mostly share their
ways out, as the waiting states do; where they do not, it parts into the families below it and
the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Sized

import attrs

from fsm.lifecycle.event import StateClass
from fsm.states import State

__all__ = ["Family", "families", "folds"]

Members = tuple[StateClass, ...]
Sources = Mapping[object, Collection[StateClass]]


@attrs.frozen
class Family:
    """States of one root."""

    name: str
    members: tuple[StateClass, ...]


def families(nodes: Sequence[StateClass], sources: Sources) -> list[Family]:
    """Part *nodes* into families of at least two; some nodes belong to none.

    Args:
        nodes: The states of the lifecycle.
        sources: For each way out, whatever it is, the states it leads from.
    """
    found = _below(_base(nodes), tuple(nodes), sources)
    return [family for family in found if len(family.members) > 1]


def folds(sources: Sized, members: Sized) -> bool:
    """Whether a way out of *sources* may be drawn as one of all *members*, but for a few."""
    missing = len(members) - len(sources)
    return len(sources) > 1 and missing <= max(1 if len(members) > 2 else 0, len(members) // 4)


def _base(nodes: Sequence[StateClass]) -> StateClass:
    """The nearest class that all *nodes* are below: as a family it would say nothing."""
    shared = (classes[0] for classes in zip(*map(_line, nodes), strict=False) if _alike(classes))
    return next(reversed(list(shared)), State)


def _below(root: StateClass, members: Members, sources: Sources) -> Iterator[Family]:
    for child, branch in _branches(root, members).items():
        if child is not root:
            yield from _parted(child, branch, sources)


def _parted(root: StateClass, members: Members, sources: Sources) -> Iterator[Family]:
    branches = _branches(root, members).values()
    if sum(len(branch) > 1 for branch in branches) < 2 or _is_of_one_mind(members, sources):
        yield Family(f"{_title(root)} family", members)
        return
    yield from _below(root, members, sources)
    yield Family(
        f"other {_title(root)}",
        tuple(node for branch in branches if len(branch) == 1 for node in branch),
    )


def _branches(root: StateClass, members: Members) -> dict[StateClass, Members]:
    """The members by the child of *root* they are below; *root* itself is a branch of its own."""
    found: dict[StateClass, Members] = {}
    for node in members:
        child = _line(node)[len(_line(root)) :][:1]
        top = child[0] if child else root
        found[top] = (*found.get(top, ()), node)
    return found


def _line(node: StateClass) -> list[StateClass]:
    """From the child of State down to *node*, by the first base each time."""
    line: list[StateClass] = []
    while node is not State:
        line.insert(0, node)
        node = next(base for base in node.__bases__ if issubclass(base, State))
    return line


def _alike(classes: tuple[StateClass, ...]) -> bool:
    return len(set(classes)) == 1


def _is_of_one_mind(members: Members, sources: Sources) -> bool:
    """Whether more ways lead out of the family as a whole than out of parts of it."""
    balance = 0
    for found in sources.values():
        inside = [node for node in members if node in found]
        balance += (1 if folds(inside, members) else -1) if inside else 0
    return balance > 0


def _title(root: StateClass) -> str:
    name = root.__name__.lstrip("_")
    return name.removesuffix("State") or name
