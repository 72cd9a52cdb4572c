"""Children: the states of a mapped run's children, which are rows and not a list in its payload.

What a step says of them is kept in the shortest way that says it all:

- `map_states` is left out and `children` their number: each is of the class that its row says, and
  carries nothing, or nothing but what its row's payload says where a class cannot carry nothing
- `map_states` is a list of nulls and `children` their number: each is what its row's payload says
- `children` is null, and all is written out: a row says something else, or there is none
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from typing import NoReturn

from fsm.errors import CorruptJournal
from fsm.states import Mapped, State, ambient, dumps, loads, registry
from fsm.states.codec.plain_json import canonical_json

__all__ = ["Bare", "ChildRow", "Children", "filled", "spared"]

ChildRow = tuple[str, str | None]  # the name of its state; the payload, unless it was not wanted
Children = Callable[[str, Collection[str]], Iterator[ChildRow]]  # of a run, unwanted for these


class Bare:
    """Payloads that carry nothing, one of each class: for the parent of very many children.

        bare = Bare()
        parent.map(map_states=[bare(child.state) for child in children])

    A class that asks for the time, or for arguments, has none.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[type[State], State | None] = {}

    def __call__(self, state: State) -> State:
        """The payload of *state*'s class that carries nothing, or *state* where there is none."""
        made = self.of(type(state))
        return state if made is None else made

    def of(self, cls: type[State]) -> State | None:
        """The payload of this class that carries nothing, if it has one."""
        if cls not in self._made:
            self._made[cls] = _made(cls)
        return self._made[cls]


def spared(
    run: str, dest: Mapped, rows: Children, written: Callable[[State], str]
) -> tuple[str, int] | None:
    """*dest* written without its children, and how many they are; None if their rows say other.

    Args:
        rows: The children of a run, as they stand.
        written: How a payload is written.
    """
    states = dest.map_states
    are_bare = _are_bare(states)
    said = rows(run, _all_bare() if are_bare else ())
    for child in states:
        if child is None or not _is_said(child, next(said, None), written):
            return None
    if not are_bare:
        return written(dest.evolve(map_states=[None] * len(states))), len(states)
    wire = json.loads(written(dest.evolve(map_states=[])))
    del wire["map_states"]
    return canonical_json(wire | {"n_map_states": len(states)}), len(states)


def filled(run: str, dest: State, payload: str, rows: Children, count: int) -> State:
    """*dest*, which was kept as *payload*, with its children's states as their rows say them now.

    Raises:
        CorruptJournal: There are fewer than there were.
        StateError: One cannot be read.
    """
    made = {} if "map_states" in json.loads(payload) else _all_bare()
    children = [
        made[name] if said is None else loads(said) for name, said in islice(rows(run, made), count)
    ]
    if len(children) != count or not isinstance(dest, Mapped):
        raise CorruptJournal(f"run {run!r} had {count} children; {len(children)} are there")
    return dest.evolve(map_states=children)


def _are_bare(states: Sequence[State | None]) -> bool:
    """Whether all carry nothing, but for those whose class cannot and whose row is read anyway."""
    bare = Bare()
    different = {id(state): state for state in states}.values()  # thousands may be one object
    for state in different:
        plain = None if state is None else bare.of(type(state))
        if state is None or (plain is not None and dumps(state) != dumps(plain)):
            return False
    return True


def _is_said(child: State, row: ChildRow | None, written: Callable[[State], str]) -> bool:
    if row is None:
        return False
    name, payload = row
    return type(child).__name__ == name if payload is None else written(child) == payload


def _all_bare() -> dict[str, State]:
    """The payloads that carry nothing, by the names of their classes."""
    found = ((cls.__name__, _made(cls)) for cls in State.children())
    return {name: made for name, made in found if made is not None}


def _made(cls: type[State]) -> State | None:
    if registry.find(cls.__name__) is not cls:  # its name leads to another
        return None
    try:
        with ambient.hide_context(), ambient.clock(_no_time):
            made, again = cls(), cls()
        return made if dumps(made) == dumps(again) else None
    except Exception:  # it takes arguments, asks for the time, or its defaults cannot be written
        return None


def _no_time() -> NoReturn:
    raise LookupError("what carries nothing has no time")
