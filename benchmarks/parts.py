"""The parts of a full step, each alone, with the loop around it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from threading import get_ident
from typing import Any

from fsm import MemoryJournal, Step
from fsm.run.decision import decide
from states import Pending, Running

from .journal import steps
from .measure import Effort, Make, Table, Work, take_turns
from .subjects import Ours, listen, ours, ready

__all__ = ["tables"]


def tables(effort: Effort) -> Iterator[Table]:
    """Each part next to the whole step."""
    run = ours()
    source, dest = Pending("before"), Running("after")
    step = Step("run-1", 1, "begin", source, dest, 0, {})
    drafted = Ours(state=source)
    drafted._steps = [step]  # as in each step but the first
    assert drafted.id  # the id exists, so that only the draft is timed
    contenders = {
        "a full step": _to_and_fro,
        "the loop alone": _timed(lambda: None, call=False),
        "a call of a function": _timed(_nothing),
        "the bound event": _timed(lambda: run.begin),
        "draft, clock, step and guard": _timed(lambda: decide(drafted, "begin", (), {}, "said")),
        "the clock": _timed(lambda: time.time_ns() // 1000),
        "the step's tuple": _timed(
            lambda: tuple.__new__(Step, ("run-1", 2, "begin", source, dest, 0, None, None))
        ),
        "lock and owner": _timed(lambda: _turn(run)),
        "the guard": _timed(lambda: ready(run, step)),
        "the listener": _timed(lambda: listen(run, step)),
        "the memory journal": _appends,
    }
    yield take_turns(
        "what a step is made of",
        contenders,
        against="a full step",
        effort=effort,
        note="each part inside a lambda, so a call of a function is in each of them; "
        "making the step that is appended is in the journal's",
    )


def _turn(run: Ours) -> None:
    with run._lock:
        run._owner = get_ident()
        run._owner = None


def _nothing() -> None:
    """The cost of a part that does nothing."""


def _timed(part: Callable[[], Any], *, call: bool = True) -> Make:
    def work(times: int) -> None:
        if call:
            for _ in range(times):
                part()
        else:
            for _ in range(times):
                pass

    return lambda: work


def _to_and_fro() -> Work:
    run = ours()

    def work(times: int) -> None:
        for _ in range((times + 1) // 2):
            run.begin(message="half way")
            run.back(message="and back")

    return work


def _appends() -> Work:
    journal, todo = MemoryJournal(), steps(10_000_000)

    def work(times: int) -> None:
        for step in itertools.islice(todo, times):
            journal.append(step, Ours)

    return work
