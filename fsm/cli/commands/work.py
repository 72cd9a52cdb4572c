"""`fsm work`: a worker that performs the due runs of a journal until it is stopped."""

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

from fsm.cli.options import Choice, DurationType, journal_option, open_with_hints
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

_PATIENCE = 1.0  # seconds that idle threads have to end


@click.command(
    help="""Perform the due runs of MODULEs in a journal.

    MODULE is a module with functions decorated with @task, or package.module:function for one of
    them; modules in the current directory are found. The journal is created if it does not exist.

    On SIGTERM or SIGINT the worker claims no more runs, waits for those that are executing, and
    releases those that do not end in time; a second signal ends the waiting. Runs of a worker that
    was killed are rescued by the others.
    """,
    epilog="\b\nExamples:\n  fsm work shop.jobs --journal runs.db\n"
    "  fsm work shop.jobs:load shop.mail --journal postgresql://db/runs --workers 8\n"
    "  fsm work shop.jobs --journal runs.db --once",
)
@click.argument(
    "targets", nargs=-1, required=True, metavar="MODULE...", shell_complete=suggested_tasks
)
@journal_option()
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many runs are executed at once. Default: as many as the executor chooses.",
)
@click.option(
    "--lease",
    type=DurationType(),
    default=60.0,
    metavar="TIME",
    help="After what time of silence a worker counts as lost: 90s, 10m, 2h. Default: 60s.",
)
@click.option(
    "--poll",
    type=DurationType(),
    default=1.0,
    metavar="TIME",
    help="How often to look for due runs. Default: 1s.",
)
@click.option(
    "--grace",
    type=DurationType(),
    default=30.0,
    metavar="TIME",
    help="How long to wait for executing runs when stopped. Default: 30s.",
)
@click.option("--once", is_flag=True, help="Stop when no run is due.")
@click.option(
    "--executor",
    type=Choice(("thread", "process")),
    default="thread",
    show_default=True,
    help="Where functions are executed.",
)
@json_option(
    "run",
    "class",
    "state",
    "message",
    "moved",
    lead="one line for each finished run, with",
)
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
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
    from fsm.worker.worker import Worker

    if url == "memory:":
        raise JournalError("memory: ends with its process, so it has no due runs; name a file")
    talks = not quiet and not as_json
    others = set(threading.enumerate())
    tasks = [task for target in targets for task in load_tasks(target)]
    with open_with_hints(url) as journal:
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
        with _stop_on_signals(worker):
            count = worker.until_idle() if once else worker.run()
    if talks:
        _say(f"{count} run{'s' * (count != 1)} finished")
    _leave([thread for thread in threading.enumerate() if thread not in others])


@contextmanager
def _stop_on_signals(worker: Worker) -> Iterator[None]:
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
    sys.stdout.flush()  # also into a pipe


def _leave(remaining: Iterable[threading.Thread]) -> None:
    """Exit at once if a task still runs in a thread: Python would wait for it."""
    until = time.monotonic() + _PATIENCE
    for thread in remaining:
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive() and not thread.daemon:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
