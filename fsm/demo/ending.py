"""What the demo prints and writes at its end: tables, pictures, and the next commands."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from fsm.diagrams import chart, mermaid, svg
from fsm.diagrams.timeline.console import timeline
from fsm.errors import MissingExtra
from fsm.journal import Journal
from fsm.tasks.task_run import TaskRun
from fsm.text import as_label, escape

from .executors import EXECUTORS
from .faults import VICTIM
from .folder import Folder
from .pipeline import StepFailed, runs_of
from .progress import short_name
from .tables import figures, runs_table
from .verdict import Verdict

__all__ = ["ending", "repeat_command"]

_DEFAULT = Path("fsm-demo")


def ending(
    id: str,
    folder: Folder,
    journal: Journal,
    failed: StepFailed | None,
    verdict: Verdict,
    executor: str,
) -> Iterator[RenderableType]:
    """Write the pictures, and yield what is printed when all runs are done or one has failed."""
    runs = runs_of(id, journal)
    if failed is None:
        yield from figures({short_name(run.id, id): run for run in runs})
    yield Text()
    yield runs_table(runs, id)
    yield Text()
    yield timeline(runs)
    if failed is None:
        yield Text("\nWritten:")
        for path in (folder.path / id / "report.csv", *_draw(folder, id, journal), folder.journal):
            yield Text(f"  {escape(path)}")
        yield from _next_commands(id, folder, executor)
    else:
        again = escape(repeat_command(folder, executor))
        yield Text(f"{as_label(f'{id} failed: {failed}')}; `{again}` begins a new one")
    yield Text()
    yield from (Text(as_label(line)) for line in verdict.lines())


def repeat_command(folder: Folder, executor: str) -> str:
    """Return the command line of the next demo in the same directory."""
    words = ["demo"]
    if executor != EXECUTORS[0]:
        words += ["--executor", executor]
    if folder.path != _DEFAULT:
        words += ["--directory", str(folder.path)]
    return f"{_program()} {shlex.join(words)}"


def _next_commands(id: str, folder: Folder, executor: str) -> Iterator[Text]:
    journal = shlex.quote(str(folder.journal))
    yield Text("\nNext: how the failed read was retried, and what a second demo finds cached:")
    yield Text(f"  {escape(f'{_program()} history {id}/load --journal {journal}')}")
    yield Text(f"  {escape(repeat_command(folder, executor))}")
    if executor != "thread":
        victim = shlex.quote(f"{id}/{VICTIM}")
        yield Text("\nHow the run was rescued whose worker was killed:")
        yield Text(f"  {escape(f'{_program()} history {victim} --journal {journal}')}")


def _program() -> str:
    """Return the words that start `fsm` from a shell in this directory.

    That is `fsm` only if the shell would find the same program; else the path it was started by,
    such as `.venv/bin/fsm`, or `python -m fsm`.
    """
    started, found = Path(sys.argv[0]), shutil.which("fsm")
    if started.stem.lower() != "fsm" or not started.is_file():
        return shlex.join([_short_path(sys.executable), "-m", "fsm"])
    if found is not None and started.samefile(found):
        return "fsm"
    return shlex.quote(_short_path(sys.argv[0]))


def _short_path(path: str) -> str:
    """Return a path relative to the current directory if it lies within, as a shell takes it."""
    try:
        short = str(Path(path).absolute().relative_to(Path.cwd()))
    except ValueError:
        return path
    return short if os.sep in short else os.path.join(os.curdir, short)  # noqa: PTH118


def _draw(folder: Folder, id: str, journal: Journal) -> Iterator[Path]:
    """Write the lifecycle, the timeline of the generation, and a report of the journal."""
    from fsm.web import report  # imported on demand: it loads an HTTP server

    pictures = {
        "lifecycle.mmd": mermaid(TaskRun),
        "timeline.svg": chart(runs_of(id, journal)),
        "report.html": report(journal, TaskRun),
    }
    try:
        pictures["lifecycle.svg"] = svg(TaskRun)
    except MissingExtra:  # it needs Graphviz
        pass
    for name, text in sorted(pictures.items()):
        folder.write(name, text)
        yield folder.path / name
