"""Several threads at once, each with its own run or all with one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from fsm import Run, event
from states import Pending, Running

from . import handwritten
from .measure import Effort, Table, repeat
from .subjects import FullModel, LockedMachine, full_machine, listen, ready

__all__ = ["tables"]

_THREADS = 8
_STEPS = 5_000  # of each thread


class Again(Run):
    """Ours, with an event that is always allowed."""

    __slots__ = ()

    begin = event(Running, source=(Pending, Running), conditions=[ready])


class AgainByHand(handwritten.Run):
    """By hand, with an event that is always allowed."""

    __slots__ = ()

    def begin(self, message: str | None = None, result: Any = None) -> handwritten.Working:
        """Enter Working."""
        with self.lock:
            source = self.state
            context = dict(source.context) if source.context else None
            inputs = dict(source.cached_inputs) if source.cached_inputs else None
            dest = handwritten.Working(message, result, context, inputs)
            micros = time.time_ns() // 1000
            record = handwritten.Record(
                self.id, len(self.history) + 1, "begin", source, dest, micros
            )
            if not handwritten.ready(self, record):
                raise handwritten.Refused("not ready")
            self.state = dest
            self.history.append(record)
            for listener in self.listeners:
                listener(self, record)
        return dest


def tables(effort: Effort) -> Iterator[Table]:
    """One thread for comparison, then eight, on runs of their own and on one."""
    steps = effort.count(_STEPS)
    makers = {"hand-written": _by_hand, "ours": _ours, "transitions, locked": _locked}
    for title, threads, shared in (
        ("1 thread on 1 run", 1, True),
        (f"{_THREADS} threads on {_THREADS} runs", _THREADS, False),
        (f"{_THREADS} threads on 1 run", _THREADS, True),
    ):
        yield repeat(
            title,
            {name: _timed(make, threads, shared, steps) for name, make in makers.items()},
            against="hand-written",
            unit="us",
            turns=effort.turns,
            note="per step; all threads begin at once",
        )


def _ours() -> Any:
    run = Again()
    run.after(listen)
    return run


def _by_hand() -> Any:
    run = AgainByHand("run-1")
    run.listeners.append(listen)
    return run


def _locked() -> Any:
    model = FullModel()
    machine = full_machine(LockedMachine, model)
    machine.add_transition("begin", "Running", "Running", conditions="ready", before="keep")
    return model


def _timed(make: Callable[[], Any], threads: int, shared: bool, steps: int) -> Callable[[], float]:
    """Microseconds per step, all threads together."""

    def ask() -> float:
        runs = [make()] * threads if shared else [make() for _ in range(threads)]
        start = threading.Barrier(threads + 1)
        workers = [threading.Thread(target=_work, args=(run, start, steps)) for run in runs]
        for worker in workers:
            worker.start()
        start.wait()
        begin = time.perf_counter()
        for worker in workers:
            worker.join()
        passed = time.perf_counter() - begin
        for run in runs:
            expected = steps * (threads if shared else 1)
            found = len(run.history)
            assert found == expected, f"{found} of {expected} steps in the history"
        return passed * 1e6 / (threads * steps)

    return ask


def _work(run: Any, start: threading.Barrier, steps: int) -> None:
    start.wait()
    for _ in range(steps):
        run.begin(message="half way")
