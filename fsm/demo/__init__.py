"""demo: the main job on real input. `fsm demo` turns a year of flights into a report of delays.

Some forty runs in one journal, on threads, processes or a Dask cluster; killed at any moment, it
goes on where it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
from rich.console import Console, RenderableType
from rich.text import Text

from fsm.diagrams import mermaid, svg
from fsm.diagrams.timeline.console import timeline
from fsm.errors import LifecycleError, MissingExtra
from fsm.execution.runner import Runner
from fsm.journal import Journal, open_journal
from fsm.tasks.task_run import TaskRun
from fsm.text import as_label

from .executors import EXECUTORS, WORKERS, check_crew, hired
from .faults import VICTIM, Faults, announced
from .flow import RUNS, Flow, StepFailed, is_done, latest, lookup, runs_of, watched
from .folder import Folder
from .interrupt import Interrupted, InterruptibleClock
from .report import figures, runs_table
from .source import Source
from .tasks import Tasks
from .verdict import Verdict
from .watch import Watch, short

__all__ = ["EXECUTORS", "run_demo"]

_FAILED, _INTERRUPTED = 1, 130
_DEFAULT = Path("fsm-demo")


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
        executor: Who does the work: one of `EXECUTORS`.
        fresh: Whether to remove first what earlier demos have left there.
        report: Called with the verdict as plain JSON values, at the end.

    Returns:
        The exit code: 0, 1 if a run failed or was lost, 130 after a Ctrl-C.

    Raises:
        MissingExtra: The flight records are not installed, or what the executor needs is not;
            nothing happened.
        DemoUnderWay: Another demo is at work there; nothing happened.
        LifecycleError: The directory or its journal is of no use.
    """
    source = Source.installed()
    check_crew(executor)
    folder = Folder.made(directory)
    with folder.locked():
        journal = open_journal(folder.journal.absolute())  # a colon in it makes no URL
        try:
            if fresh:
                _check_ours(journal)
                journal.close()
                folder.clear()
            return _perform(source, folder, journal, console, executor, report)
        finally:
            journal.close()


def _perform(
    source: Source,
    folder: Folder,
    journal: Journal,
    console: Console,
    executor: str,
    report: Callable[[dict[str, Any]], None] | None,
) -> int:
    id, goes_on = latest(journal)
    files = folder.sub(id)
    tasks = Tasks(source, files, Faults(files, deadly=executor != "thread"))
    done = [run.id for run in runs_of(id, journal) if is_done(run.state)]
    failed = None
    with (
        InterruptibleClock() as clock,
        Watch(console, id, RUNS, done) as watch,
        watched(watch),
    ):
        for line in _greeting(id, len(done) if goes_on else None, executor):
            watch.say(line)
        with (
            hired(executor) as crew,
            Runner(crew, workers=WORKERS, lookup=lookup, clock=clock) as runner,
        ):
            flow = Flow(id, journal, runner, tasks, clock.check, watch.say)
            try:
                flow.go_on()
            except StepFailed as error:
                failed = error
            except Interrupted:
                flow.pause()
                again = as_label(_again(folder, executor))
                watch.say(f"Interrupted. What was running is paused; {again} goes on")
                return _INTERRUPTED
    verdict = Verdict.of(id, journal, None if failed else RUNS)
    for part in _ending(id, folder, runs_of(id, journal), failed, verdict, executor):
        console.print(part, soft_wrap=isinstance(part, Text) and not console.is_terminal)
    if report is not None:
        report({"demo": id, **attrs.asdict(verdict)})
    return _FAILED if failed or verdict.lost else 0


def _check_ours(journal: Journal) -> None:
    """Refuse to remove a journal that somebody else uses too."""
    for summary in journal.runs():
        if not summary.run.startswith("demo-"):
            raise LifecycleError(f"{journal} has runs of others, such as {summary.run!r}; it stays")


def _greeting(id: str, done: int | None, executor: str) -> Iterator[str]:
    if done is None:
        yield f"{id}: {RUNS} runs turn the flights of 2013 out of New York into a report of delays"
    else:
        yield f"{id} goes on: {done} of its {RUNS} runs have finished and are not repeated"
    yield "Injected on purpose, to be seen:"
    yield from (f"  {name}: {fault}" for name, fault in announced(executor).items())


def _ending(
    id: str,
    folder: Folder,
    runs: Sequence[TaskRun],
    failed: StepFailed | None,
    verdict: Verdict,
    executor: str,
) -> Iterator[RenderableType]:
    """What is printed when all is done, or when it cannot be."""
    if failed is None:
        yield from figures({short(run.id, id): run for run in runs})
    yield Text()
    yield runs_table(runs, id)
    yield Text()
    yield timeline(runs)
    if failed is None:
        yield from _written(id, folder)
        yield from _next(id, folder, executor)
    else:
        again = _again(folder, executor)
        yield Text(as_label(f"{id} failed: {failed}; `{again}` begins a new one"))
    yield Text()
    yield from (Text(as_label(line)) for line in verdict.lines())


def _written(id: str, folder: Folder) -> Iterator[Text]:
    yield Text("\nWritten:")
    for path in (folder.path / id / "report.csv", *_drawn(folder), folder.journal):
        yield Text(f"  {as_label(str(path))}")


def _next(id: str, folder: Folder, executor: str) -> Iterator[Text]:
    history = f"fsm history {{}} --journal {shlex.quote(str(folder.journal))}"
    yield Text("\nNext, see how the flaky read was retried, and what a second demo finds cached:")
    yield Text(f"  {as_label(history.format(f'{id}/load'))}")
    yield Text(f"  {as_label(_again(folder, executor))}")
    if executor != "thread":
        yield Text("\nAnd how the run was rescued whose worker was killed:")
        yield Text(f"  {as_label(history.format(shlex.quote(f'{id}/{VICTIM}')))}")


def _drawn(folder: Folder) -> Iterator[Path]:
    """Draw the lifecycle; as SVG too, if that extra is there."""
    folder.write("lifecycle.mmd", mermaid(TaskRun))
    yield folder.path / "lifecycle.mmd"
    try:
        picture = svg(TaskRun)
    except MissingExtra:
        return
    folder.write("lifecycle.svg", picture)
    yield folder.path / "lifecycle.svg"


def _again(folder: Folder, executor: str) -> str:
    words = ["fsm", "demo"]
    if executor != EXECUTORS[0]:
        words += ["--executor", executor]
    if folder.path != _DEFAULT:
        words += ["--directory", str(folder.path)]
    return shlex.join(words)
