"""demo: the main job on real input. `fsm demo` turns a year of flights into a report of delays.

Some forty runs in one journal, on a thread pool; killed at any moment, it goes on where it was.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from fsm.diagrams import mermaid, svg
from fsm.diagrams.plain import plain
from fsm.diagrams.timeline import timeline
from fsm.errors import LifecycleError, MissingExtra
from fsm.journal import Journal, open_journal
from fsm.runner import Runner
from fsm.task import TaskRun

from .flow import RUNS, Flow, StepFailed, is_done, latest, lookup, runs_of
from .folder import Folder
from .interrupt import Interrupted, InterruptibleClock
from .report import figures, runs_table
from .source import Source
from .tasks import INJECTED, Tasks
from .watch import Watch, short

__all__ = ["run_demo"]

_FAILED, _INTERRUPTED = 1, 130
_WORKERS = 4
_DEFAULT = Path("fsm-demo")


def run_demo(directory: Path, console: Console, *, fresh: bool = False) -> int:
    """Perform a generation of the demo in *directory*, or what is left of the last one.

    Args:
        fresh: Whether to remove first what earlier demos have left there.

    Returns:
        The exit code: 0, 1 if a run failed, 130 after a Ctrl-C.

    Raises:
        MissingExtra: The flight records are not installed; nothing happened.
        DemoUnderWay: Another demo is at work there; nothing happened.
        LifecycleError: The directory or its journal is of no use.
    """
    source = Source.installed()
    folder = Folder.made(directory)
    with folder.locked():
        journal = open_journal(folder.journal.absolute())  # a colon in it makes no URL
        try:
            if fresh:
                _check_ours(journal)
                journal.close()
                folder.clear()
            return _perform(source, folder, journal, console)
        finally:
            journal.close()


def _perform(source: Source, folder: Folder, journal: Journal, console: Console) -> int:
    id, goes_on = latest(journal)
    tasks = Tasks(source, folder.sub(id))
    done = [run.id for run in runs_of(id, journal) if is_done(run.state)]

    class DemoRun(TaskRun):
        """A run of the demo; the children of a mapping are too, and so the watch hears them."""

    failed = None
    with (
        InterruptibleClock() as clock,
        Runner(workers=_WORKERS, lookup=lookup, clock=clock) as runner,
        Watch(console, id, RUNS, done) as watch,
    ):
        DemoRun.after(watch)
        for line in _greeting(id, len(done) if goes_on else None):
            watch.say(line)
        flow = Flow(id, journal, runner, tasks, DemoRun, clock.check, watch.say)
        try:
            flow.go_on()
        except StepFailed as error:
            failed = error
        except Interrupted:
            flow.pause()
            watch.say(f"Interrupted. What was running is paused; {plain(_again(folder))} goes on")
            return _INTERRUPTED
    parts = _ending(id, folder, runs_of(id, journal), failed)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Text) and not console.is_terminal)
    return _FAILED if failed else 0


def _check_ours(journal: Journal) -> None:
    """Refuse to remove a journal that somebody else uses too."""
    for summary in journal.runs():
        if not summary.run.startswith("demo-"):
            raise LifecycleError(f"{journal} has runs of others, such as {summary.run!r}; it stays")


def _greeting(id: str, done: int | None) -> Iterator[str]:
    if done is None:
        yield f"{id}: {RUNS} runs turn the flights of 2013 out of New York into a report of delays"
    else:
        yield f"{id} goes on: {done} of its {RUNS} runs have finished and are not repeated"
    yield "Injected on purpose, to be seen:"
    yield from (f"  {name}: {fault}" for name, fault in INJECTED.items())


def _ending(
    id: str, folder: Folder, runs: Sequence[TaskRun], failed: StepFailed | None
) -> Iterator[RenderableType]:
    """What is printed when all is done, or when it cannot be."""
    if failed is None:
        yield from figures({short(run.id, id): run for run in runs})
    yield Text()
    yield runs_table(runs, id)
    yield Text()
    yield timeline(runs)
    if failed is not None:
        yield Text(plain(f"{id} failed: {failed}; `{_again(folder)}` begins a new one"))
        return
    written = [folder.path / id / "report.csv", *_drawn(folder), folder.journal]
    yield Text("\nWritten:")
    for path in written:
        yield Text(f"  {plain(str(path))}")
    journal = shlex.quote(str(folder.journal))
    yield Text("\nNext, see how the flaky read was retried, and what a second demo finds cached:")
    yield Text(f"  fsm history {id}/load --journal {plain(journal)}")
    yield Text(f"  {plain(_again(folder))}")


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


def _again(folder: Folder) -> str:
    path = shlex.quote(str(folder.path))
    return "fsm demo" if folder.path == _DEFAULT else f"fsm demo --directory {path}"
