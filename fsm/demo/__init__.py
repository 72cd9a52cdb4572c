"""The demo: `fsm demo` turns the flight records of a year into a report of delays.

About forty runs in one journal, on threads, processes or a Dask cluster. Killed at any moment, it
continues where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console
from rich.text import Text

from fsm.errors import LifecycleError
from fsm.execution.runner import Runner
from fsm.journal import Journal, open_journal
from fsm.text import escape

from .dataset import Dataset
from .ending import ending, repeat_command
from .executors import EXECUTORS, WORKERS, check_installed, open_executor
from .faults import Faults, describe_faults
from .flight_tasks import Tasks
from .folder import Folder
from .interrupt import DemoInterrupted, InterruptibleClock
from .pipeline import (
    RUNS,
    Pipeline,
    StepFailed,
    find_generation,
    is_done,
    listen,
    lookup,
    runs_of,
)
from .progress import ProgressListener
from .verdict import Verdict

__all__ = ["EXECUTORS", "run_demo"]

_FAILED, _INTERRUPTED = 1, 130


def run_demo(
    directory: Path,
    console: Console,
    *,
    executor: str = "thread",
    fresh: bool = False,
    report: Callable[[dict[str, Any]], None] | None = None,
) -> int:
    """Perform a generation of the demo in *directory*, or what is left of the last one.

    Args:
        directory: Where the journal, the report and the pictures are written.
        console: Where progress and results are printed.
        executor: Where tasks are executed: one of `EXECUTORS`.
        fresh: Whether to remove first what earlier demos left there.
        report: Called with the verdict as plain JSON values, at the end.

    Returns:
        The exit code: 0, 1 if a run failed or was lost, 130 after a Ctrl-C.

    Raises:
        MissingExtra: The flight records are not installed, or what the executor needs is not;
            nothing happened.
        DemoUnderWay: Another demo runs there; nothing happened.
        LifecycleError: The directory or its journal cannot be used.
    """
    dataset = Dataset.locate()
    check_installed(executor)
    folder = Folder.create(directory)
    with folder.lock():
        journal = open_journal(folder.journal.absolute())  # absolute: never taken for a URL
        try:
            if fresh:
                _check_ours(journal)
                journal.close()
                folder.clear()
            return _perform(dataset, folder, journal, console, executor, report)
        finally:
            journal.close()


def _perform(
    dataset: Dataset,
    folder: Folder,
    journal: Journal,
    console: Console,
    executor: str,
    report: Callable[[dict[str, Any]], None] | None,
) -> int:
    id, unfinished = find_generation(journal)
    files = folder.sub(id)
    tasks = Tasks(dataset, files, Faults(files, deadly=executor != "thread"))
    done = [run.id for run in runs_of(id, journal) if is_done(run.state)]
    failed = None
    with (
        InterruptibleClock() as clock,
        ProgressListener(console, id, RUNS, done) as progress,
        listen(progress),
    ):
        for line in _greeting(id, len(done) if unfinished else None, executor):
            progress.print(line)
        with (
            open_executor(executor) as pool,
            Runner(pool, workers=WORKERS, lookup=lookup, clock=clock) as runner,
        ):
            pipeline = Pipeline(id, journal, runner, tasks, clock.check, progress.print)
            try:
                pipeline.perform()
            except StepFailed as error:
                failed = error
            except DemoInterrupted:
                pipeline.pause()
                again = escape(repeat_command(folder, executor))
                progress.print(f"Interrupted. Running runs are paused; {again} continues")
                return _INTERRUPTED
    verdict = Verdict.of(id, journal, None if failed else RUNS)
    for part in ending(id, folder, journal, failed, verdict, executor):
        console.print(part, soft_wrap=isinstance(part, Text))  # commands are copied: never broken
    if report is not None:
        report({"demo": id, **attrs.asdict(verdict)})
    return _FAILED if failed or verdict.lost else 0


def _check_ours(journal: Journal) -> None:
    """Refuse to remove a journal that also has runs of other programs."""
    for summary in journal.runs():
        if not summary.run.startswith("demo-"):
            raise LifecycleError(f"{journal} has runs of others, such as {summary.run!r}; it stays")


def _greeting(id: str, done: int | None, executor: str) -> Iterator[str]:
    if done is None:
        yield f"{id}: {RUNS} runs turn the flights of 2013 out of New York into a report of delays"
    else:
        yield f"{id} continues: {done} of its {RUNS} runs have finished and are not repeated"
    yield "Injected on purpose:"
    yield from (f"  {name}: {fault}" for name, fault in describe_faults(executor).items())
