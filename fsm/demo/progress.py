"""What is shown while the demo runs: steps, and a progress bar on a terminal."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from fsm.diagrams.color import as_hex
from fsm.states import State
from fsm.text import as_label

from .faults import FAULTS, VICTIM
from .pipeline import is_done

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fsm.lifecycle.step import Step
    from fsm.tasks.task_run import TaskRun

__all__ = ["ProgressListener", "light", "short_name", "words"]

# Events that a terminal shows above the bar: all but the usual path from start to success.
_NOTABLE = frozenset(
    ("cache", "cancel", "expire", "fail", "fail_validation", "loop", "pause", "rescue", "resume")
) | {"retry", "skip", "time_out"}


class ProgressListener:
    """A listener that shows steps: above a bar on a terminal, else as plain lines.

    Args:
        console: Where they are shown.
        id: The generation; its name is left out of the names of its runs.
        total: How many runs it has.
        done: The ids of those that finished earlier.
    """

    def __init__(self, console: Console, id: str, total: int, done: Iterable[str] = ()) -> None:
        self._console = console
        self._id = id
        self._done = set(done)
        self._total = total
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=total, completed=len(self._done))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def __call__(self, run: TaskRun, step: Step) -> None:
        """Show a step."""
        if is_done(step.dest):
            self._done.add(run.id)
        name = short_name(run.id, self._id)
        self._progress.update(self._bar, description=f"{name:12.12}", completed=len(self._done))
        if step.event in _NOTABLE or (run.id in self._done and not self._console.is_terminal):
            self._put(name, step.dest, _remark(run, step, name))

    def print(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text(text), soft_wrap=not self._console.is_terminal)

    def _put(self, name: str, state: State, remark: str) -> None:
        if self._console.is_terminal:
            line = Table.grid(padding=(0, 1))
            line.add_column(width=12, no_wrap=True)
            line.add_column(width=10, no_wrap=True)
            line.add_column()
            line.add_row(Text(as_label(name)), light(state), Text(as_label(remark)))
            self._console.print(line)
        else:
            count = f"{len(self._done):2}/{self._total}"
            name, entered = as_label(name), type(state).__name__
            self.print(f"{count}  {name:12} {entered:10} {as_label(remark)}".rstrip())


def short_name(run: str, id: str) -> str:
    """Return the name of a run within its generation."""
    return run.removeprefix(f"{id}/")


def light(state: State) -> Text:
    """Return the name of a state in its colour."""
    return Text(as_label(type(state).__name__), style=as_hex(state.color))


def words(message: Any) -> str:
    """Return a message as text; "" if there is none."""
    return "" if message is None else str(message)


def _remark(run: TaskRun, step: Step, name: str) -> str:
    remark = words(step.dest.message)
    if step.event == "time_out" and run.attempts == 1 and name in FAULTS:
        return f"{remark} (injected fault: {FAULTS[name]})"
    if step.event == "rescue" and run.rescues == 1 and name == VICTIM:
        return f"{remark} (injected fault: it was killed)"
    if step.event == "cache" and step.source.is_successful():
        return f"{remark}, kept in the journal for an hour"
    return remark
