"""What may follow on a command line, asked for by a shell at each press of TAB.

Completions come from the names of files and from the journal that the line names. They are quick,
never raise, change nothing, and no module of the user's is imported or read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import wraps
from itertools import islice, pairwise
from pathlib import Path

import click
from click.shell_completion import CompletionItem, split_arg_string

from fsm.journal import Summary
from fsm.journal.opening import check_journal_exists, file_of
from fsm.states import State
from fsm.tasks.task_run import TaskRun

__all__ = ["events", "files", "journals", "run_ids", "states", "targets", "tasks"]

_MOST_RUNS = 10_000  # runs read of a journal
_MOST_IDS = 200  # run ids suggested
_MOST_FILES = 200  # files suggested
_PATIENCE = 0.2  # seconds to wait for another program's lock on the journal
_OURS = "fsm:TaskRun"
_SQLITE = "sqlite:///"

Items = Iterator[CompletionItem[str]]
Suggest = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _quietly(suggest: Callable[[click.Context, click.Parameter, str], Items]) -> Suggest:
    """Let *suggest* return what it found before an error: none may be printed into the line."""

    @wraps(suggest)
    def collect(
        ctx: click.Context, param: click.Parameter, begun: str
    ) -> list[CompletionItem[str]]:
        found: list[CompletionItem[str]] = []
        try:
            found.extend(item for item in suggest(ctx, param, begun) if _fits(item, begun))
        except Exception:
            return found
        return found

    return collect


def _fits(item: CompletionItem[str], begun: str) -> bool:
    """Whether it continues the word that was begun, is not an option, and is printable."""
    value = item.value
    return item.type != "plain" or (
        value.startswith(begun) and not value.startswith("-") and value.isprintable()
    )


@_quietly
def files(_ctx: click.Context, _param: click.Parameter, begun: str) -> Items:
    """Suggest files, which the shell itself lists."""
    yield CompletionItem(begun, type="file")


@_quietly
def journals(_ctx: click.Context, _param: click.Parameter, begun: str) -> Items:
    """Suggest files. After `sqlite:///`, where a shell would list /, those of this directory."""
    if not begun.startswith(_SQLITE):
        yield CompletionItem(begun, type="file")
        return
    for path in islice(sorted(Path().glob("*.db")), _MOST_FILES):
        yield CompletionItem(f"{_SQLITE}{path}")


@_quietly
def run_ids(ctx: click.Context, param: click.Parameter, begun: str) -> Items:
    """Suggest the runs of the journal that the line names, without those already on the line."""
    given = ctx.params.get(param.name or "")
    taken = set(given) if isinstance(given, tuple) else set()
    found = (
        CompletionItem(summary.run, help=summary.state)
        for summary in _summaries(ctx)
        if summary.run.startswith(begun) and summary.run not in taken
    )
    yield from islice(found, _MOST_IDS)


@_quietly
def states(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """Suggest our states, and those that runs of the journal are in."""
    ours = sorted(cls.__name__ for cls in State.children())
    yield from map(CompletionItem, ours)
    others = {summary.state for summary in _summaries(ctx)}
    yield from map(CompletionItem, sorted(others.difference(ours)))


@_quietly
def events(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """Suggest the events of `TaskRun`; those of another class would have to be imported."""
    if ctx.params.get("target") in (None, _OURS):
        yield from map(CompletionItem, TaskRun.lifecycle.events)


@_quietly
def targets(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """Suggest `fsm:TaskRun`, and the classes that the journal has runs of."""
    if ctx.command.name == "diagram":
        yield CompletionItem("states")
    yield CompletionItem(_OURS)
    yield from map(CompletionItem, sorted(_kinds(ctx) - {_OURS}))


@_quietly
def tasks(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """Suggest the modules of this directory and its packages, and the tasks of the journal."""
    here = Path()
    found = (path for pattern in ("*.py", "*/*.py") for path in sorted(here.glob(pattern)))
    names = (".".join(path.with_suffix("").parts) for path in islice(found, _MOST_FILES))
    yield from map(CompletionItem, (name.removesuffix(".__init__") for name in names))
    yield from map(CompletionItem, sorted(_kinds(ctx) - {_OURS}))


def _kinds(ctx: click.Context) -> set[str]:
    """Return the classes and functions that the journal has runs of, as module:name."""
    return {summary.kind for summary in _summaries(ctx)} - {""}


def _summaries(ctx: click.Context) -> Iterator[Summary]:
    """Read the first runs of the journal if it is a file; a server may be slow or far away."""
    url = ctx.params.get("url") or _journal_on_line() or os.environ.get("FSM_JOURNAL")
    path = file_of(url) if isinstance(url, str) else None
    if url is None or path is None:
        return
    check_journal_exists(url)
    from fsm.journal.sqlite.journal import SQLiteJournal

    with closing(SQLiteJournal(path, patience=_PATIENCE)) as journal:
        yield from islice(journal.runs(), _MOST_RUNS)


def _journal_on_line() -> str | None:
    """Return the journal that the line names after the current word, where click does not look."""
    line = os.environ.get("COMP_LINE") or os.environ.get("COMP_WORDS", "")
    words = split_arg_string(line)
    for word, following in pairwise([*words, None]):
        if word == "--journal":
            return following
        if word is not None and word.startswith("--journal="):
            return word.partition("=")[2]
    return None
