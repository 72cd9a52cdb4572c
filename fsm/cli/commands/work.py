"""work: perform the runs that are due in a journal, until told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fsm.cli.options import Choice, DurationType, journal_option, opened
from fsm.cli.printing import as_line, json_option
from fsm.cli.suggestions import tasks as suggested_tasks
from fsm.cli.targets import load_tasks
from fsm.errors import JournalError
from fsm.states import moment
from fsm.text import escape

if TYPE_CHECKING:
    from fsm.tasks.task_run import TaskRun
    from fsm.worker.worker import Worker

__all__ = ["work"]

_PATIENCE = 1.0  # seconds that threads without work have to end


@click.command(
    epilog="\b\nExamples:\n  fsm work shop.jobs --journal runs.db\n"
    "  fsm work shop.jobs:load shop.mail --journal postgresql://db/runs --workers 8\n"
    "  fsm work shop.jobs --journal runs.db --once"
)
@click.argument(
    "targets", nargs=-1, required=True, metavar="MODULE...", shell_complete=suggested_tasks
)
@journal_option()
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Runs at a time; the executor's own number if left out.",
)
@click.option(
    "--lease",
    type=DurationType(),
    default=60.0,
    metavar="TIME",
    help="How long a worker may be silent before it counts as lost: 90s, 10m, 2h; 60s if left out.",
)
@click.option(
    "--poll",
    type=DurationType(),
    default=1.0,
    metavar="TIME",
    help="How often to look for work; 1s if left out.",
)
@click.option(
    "--grace",
    type=DurationType(),
    default=30.0,
    metavar="TIME",
    help="How long to wait for what is executed when told to stop; 30s if left out.",
)
@click.option("--once", is_flag=True, help="Stop when nothing more is due.")
@click.option(
    "--executor",
    type=Choice(("thread", "process")),
    default="thread",
    show_default=True,
    help="Who executes the functions.",
)
@json_option(
    "run", "class", "state", "message", "moved", lead="for each finished run a line, an object with"
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what goes wrong.")
def work(
    targets: tuple[str, ...],
    url: str,
    workers: int | None,
    lease: float,
    poll: float,
    grace: float,
    once: bool,
    executor: str,
    as_json: bool,
    quiet: bool,
) -> None:
    """Perform the runs of MODULEs that are due in a journal.

    MODULE is a module whose functions @task decorates, or package.module:function for one of
    them; those in the current directory are found. A journal that is not there is made.

    On SIGTERM or SIGINT it claims no more, waits for what is executed, and puts back what does
    not end in time; the second one does not wait. Runs of a worker that was killed are rescued
    by the others.
    """
    from fsm.worker.worker import Worker

    if url == "memory:":
        raise JournalError(
            "memory: ends with its process, so nobody leaves work there; name a file"
        )
    talks = not quiet and not as_json
    others = set(threading.enumerate())
    tasks = [task for target in targets for task in load_tasks(target)]
    with opened(url) as journal:
        worker = Worker(
            journal,
            tasks,
            workers=workers,
            lease=lease,
            poll=poll,
            grace=grace,
            executor=executor,
            on_done=None if quiet else _put_line if as_json else _put,
        )
        if talks:
            names = ", ".join(task.kind.lifecycle.kind for task in worker.tasks)
            _say(f"worker {worker.owner} works for {names} from {journal}")
        with _stopped_by_signals(worker):
            count = worker.until_idle() if once else worker.run()
    if talks:
        _say(f"{count} run{'s' * (count != 1)} finished")
    _leave(behind=[thread for thread in threading.enumerate() if thread not in others])


@contextmanager
def _stopped_by_signals(worker: Worker) -> Iterator[None]:
    def stop(*_: Any) -> None:
        worker.drain(None if worker.draining_until is None else 0.0)

    before = [(number, signal.signal(number, stop)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _put(run: TaskRun) -> None:
    state = run.state
    message = "" if state.message is None else f" {state.message}"
    _say(f"{run.id} {type(state).__name__}{message}")


def _put_line(run: TaskRun) -> None:
    data = {
        "run": run.id,
        "class": run.lifecycle.kind,
        "state": type(run.state).__name__,
        "message": run.state.message,
        "moved": moment.format(run.history[-1].at),
    }
    click.echo(as_line(data))


def _say(line: str) -> None:
    click.echo(escape(line))
    sys.stdout.flush()  # who reads a pipe reads it now


def _leave(behind: Iterable[threading.Thread]) -> None:
    """Exit now if a task goes on in its thread, where none can be stopped: Python would wait."""
    until = time.monotonic() + _PATIENCE
    for thread in behind:
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive() and not thread.daemon:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
