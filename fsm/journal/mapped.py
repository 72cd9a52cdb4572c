"""Mapped runs: how the states of their children are kept as rows, not as a list in a payload.

A step of a mapped run keeps the states of its children in the shortest of three ways that says
them all:

- `map_states` is left out and `children` is their number: each is of the class that its row names,
  and empty, or what its row's payload says where its class has no empty payload
- `map_states` is a list of nulls and `children` is their number: each is what its row's payload
  says
- `children` is null, and all states are written out: a row says something else, or is missing
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import NoReturn

from fsm.errors import CorruptJournal
from fsm.states import Mapped, State, ambient, dumps, loads, registry
from fsm.states.codec.plain_json import canonical_json

__all__ = ["ChildRow", "ChildRows", "EmptyPayloads", "fill_children", "omit_children"]

ChildRow = tuple[str, str | None]  # name of the state, and payload unless it was not wanted
# Reads the rows of a run's children, without the payloads of the states with these names.
ChildRows = Callable[[str, Collection[str]], Iterator[ChildRow]]


class EmptyPayloads:
    """Payloads without content, one of each class. They save memory in runs with many children.

        empty = EmptyPayloads()
        parent.map(map_states=[empty(child.state) for child in children])

    A class that reads the clock, or needs arguments, has no empty payload.
    """

    __slots__ = ("_payloads",)

    def __init__(self) -> None:
        self._payloads: dict[type[State], State | None] = {}

    def __call__(self, state: State) -> State:
        """Return the empty payload of *state*'s class, or *state* itself if there is none."""
        empty = self.of(type(state))
        return state if empty is None else empty

    def of(self, cls: type[State]) -> State | None:
        """Return the empty payload of this class, if it has one."""
        if cls not in self._payloads:
            self._payloads[cls] = _make_empty(cls)
        return self._payloads[cls]


def omit_children(
    run: str, dest: Mapped, rows: ChildRows, write: Callable[[State], str]
) -> tuple[str, int] | None:
    """Write *dest* without its children; None if their rows say something else.

    Args:
        write: Writes a payload.

    Returns:
        The payload, and the number of children.
    """
    states = dest.map_states
    all_empty = _are_empty(states)
    stored = rows(run, _empty_by_name() if all_empty else ())
    for child in states:
        if child is None or not _is_stored(child, next(stored, None), write):
            return None
    if not all_empty:
        return write(dest.evolve(map_states=[None] * len(states))), len(states)
    wire = json.loads(write(dest.evolve(map_states=[])))
    del wire["map_states"]
    return canonical_json(wire | {"n_map_states": len(states)}), len(states)


def fill_children(run: str, dest: State, payload: str, rows: ChildRows, count: int) -> State:
    """Return *dest*, kept as *payload*, with the states of its children as their rows are now.

    Raises:
        CorruptJournal: There are fewer children than there were.
        StateError: The state of a child cannot be read.
    """
    empty = {} if "map_states" in json.loads(payload) else _empty_by_name()
    children = [
        empty[name] if stored is None else loads(stored)
        for name, stored in islice(rows(run, empty), count)
    ]
    if len(children) != count or not isinstance(dest, Mapped):
        raise CorruptJournal(f"run {run!r} had {count} children; {len(children)} are there")
    return dest.evolve(map_states=children)


def _are_empty(states: Sequence[State | None]) -> bool:
    """Whether all are empty, except those whose class has no empty payload: their row is read."""
    payloads = EmptyPayloads()
    different = {id(state): state for state in states}.values()  # thousands may be one object
    for state in different:
        empty = None if state is None else payloads.of(type(state))
        if state is None or (empty is not None and dumps(state) != dumps(empty)):
            return False
    return True


def _is_stored(child: State, row: ChildRow | None, write: Callable[[State], str]) -> bool:
    if row is None:
        return False
    name, payload = row
    return type(child).__name__ == name if payload is None else write(child) == payload


def _empty_by_name() -> dict[str, State]:
    """The empty payloads, by the names of their classes."""
    payloads = ((cls.__name__, _make_empty(cls)) for cls in State.children())
    return {name: empty for name, empty in payloads if empty is not None}


def _make_empty(cls: type[State]) -> State | None:
    if registry.find(cls.__name__) is not cls:  # its name leads to another class
        return None
    try:
        with ambient.hide_context(), ambient.clock(_no_time):
            first, second = cls(), cls()
        return first if dumps(first) == dumps(second) else None
    except Exception:  # it needs arguments, reads the clock, or its defaults cannot be written
        return None


def _no_time() -> NoReturn:
    raise LookupError("an empty payload has no time")
