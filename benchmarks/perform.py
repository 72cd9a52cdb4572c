"""What the runner adds to a trivial task on a thread pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from fsm import Call, Runner, TaskRun

from .measure import Effort, Make, Table, take_turns

__all__ = ["tables"]

_BATCH = 100


def tables(effort: Effort) -> Iterator[Table]:
    """One task after the other, and a hundred side by side."""
    with ThreadPoolExecutor(4) as pool, Runner(pool, workers=4) as runner:
        yield _one(pool, runner, effort)
        yield _many(pool, runner, effort)


def _one(pool: ThreadPoolExecutor, runner: Runner, effort: Effort) -> Table:
    def thrice_and_steps() -> None:
        for _ in range(3):
            pool.submit(int).result()
        _steps()

    contenders = {
        "bare": _made(lambda: pool.submit(int).result()),
        "the steps": _made(_steps),
        "thrice bare and the steps": _made(thrice_and_steps),
        "ours": _made(lambda: runner.perform(TaskRun(), int)),
    }
    return take_turns(
        "perform a trivial task",
        contenders,
        against="bare",
        effort=effort,
        note="bare: `pool.submit(int).result()`; the steps: a run that starts and succeeds",
    )


def _many(pool: ThreadPoolExecutor, runner: Runner, effort: Effort) -> Table:
    def bare() -> None:
        for future in [pool.submit(int) for _ in range(_BATCH)]:
            future.result()

    contenders = {
        "bare": _made(bare),
        "ours": _made(lambda: runner.perform_all([Call(TaskRun(), int) for _ in range(_BATCH)])),
    }
    return take_turns(
        f"perform {_BATCH} side by side",
        contenders,
        against="bare",
        effort=effort,
        note=f"per {_BATCH} tasks, on four threads",
    )


def _steps() -> None:
    run = TaskRun()
    run.start()
    run.succeed(result=0)


def _made(once: Callable[[], object]) -> Make:
    def work(times: int) -> None:
        for _ in range(times):
            once()

    return lambda: work
