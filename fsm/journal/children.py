"""Children: the states of a mapped run's children, which are rows and not a list in its payload."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from fsm.errors import CorruptJournal
from fsm.step import Step
from states import Mapped, State, codec

__all__ = ["filled", "spared"]


def spared(
    step: Step, payloads: Iterable[str], written: Callable[[State], str]
) -> tuple[Step, int | None]:
    """*step* without its children's states, and how many they are, if each has a row that says it.

    Where one has none, or its row says something else, the step stays as it is.
    """
    dest = step.dest
    if not isinstance(dest, Mapped) or not dest.map_states:
        return step, None
    rows = iter(payloads)
    for child in dest.map_states:
        if child is None or next(rows, None) != written(child):
            return step, None
    count = len(dest.map_states)
    return step._replace(dest=dest.evolve(map_states=[None] * count)), count


def filled(run: str, dest: State, payloads: Iterable[str], count: int) -> State:
    """*dest* with its children's states as their rows say them now.

    Raises:
        CorruptJournal: There are fewer than there were.
        StateError: One cannot be read.
    """
    children = [codec.loads(payload) for payload in islice(payloads, count)]
    if len(children) != count or not isinstance(dest, Mapped):
        raise CorruptJournal(f"run {run!r} had {count} children; {len(children)} are there")
    return dest.evolve(map_states=children)
