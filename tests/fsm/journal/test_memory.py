"""MemoryJournal: what only it does."""

from __future__ import annotations

from collections.abc import Callable

from fsm import MemoryJournal, Step


def test_it_says_how_much_it_keeps(step: Callable[..., Step]) -> None:
    journal = MemoryJournal()
    journal.append(step())

    assert repr(journal) == "<MemoryJournal of 1 runs>"
    assert not journal.blocking


def test_steps_read_do_not_grow(step: Callable[..., Step]) -> None:
    journal = MemoryJournal()
    journal.append(step())
    kept = journal.steps("r")
    journal.append(step(seq=2))

    assert len(list(kept)) == 1
