"""Suggestion: what may follow on a command line, as a shell asks at each press of TAB.

The law of this file: quick, never an error, and nothing that is suggested is imported or changed.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem, split_arg_string

from fsm.journal import Summary
from fsm.states import State
from fsm.tasks.task_run import TaskRun

from .place import check_is_there, file_of

__all__ = [
    "events",
    "files",
    "journals",
    "known_targets",
    "recorded_states",
    "run_ids",
    "targets",
    "tasks",
]

_MOST_RUNS = 10_000  # that are read
_MOST_IDS = 200  # that are shown
_MOST_FILES = 200  # that are shown, or in which classes are looked for
_LARGEST = 200_000  # bytes of such a file
_PATIENCE = 0.2  # seconds to wait for whoever writes to the journal
_OURS = "fsm:TaskRun"
_SQLITE = "sqlite:///"

Items = Iterator[CompletionItem[str]]
Suggest = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _quietly(suggest: Callable[[click.Context, click.Parameter, str], Items]) -> Suggest:
    """Nothing is better than an error in the middle of a line that is being typed."""

    @wraps(suggest)
    def suggested(
        ctx: click.Context, param: click.Parameter, begun: str
    ) -> list[CompletionItem[str]]:
        found: list[CompletionItem[str]] = []
        try:
            found.extend(item for item in suggest(ctx, param, begun) if _fits(item, begun))
        except Exception:
            return found
        return found

    return suggested


def _fits(item: CompletionItem[str], begun: str) -> bool:
    """Whether it goes on as the line begins, is no option and commands no terminal."""
    value = item.value
    return item.type != "plain" or (
        value.startswith(begun) and not value.startswith("-") and value.isprintable()
    )


@_quietly
def files(_ctx: click.Context, _param: click.Parameter, begun: str) -> Items:
    """Whatever the shell knows of files."""
    yield CompletionItem(begun, type="file")


@_quietly
def journals(_ctx: click.Context, _param: click.Parameter, begun: str) -> Items:
    """Files; of a URL the shell would take the slashes for the root."""
    if not begun.startswith(_SQLITE):
        yield CompletionItem(begun, type="file")
        return
    for path in islice(sorted(Path().glob("*.db")), _MOST_FILES):
        yield CompletionItem(f"{_SQLITE}{path}")


@_quietly
def run_ids(ctx: click.Context, param: click.Parameter, begun: str) -> Items:
    """The runs of the journal that the line names, each once."""
    given = ctx.params.get(param.name or "")
    taken = set(given) if isinstance(given, tuple) else set()
    found = (
        CompletionItem(summary.run, help=summary.state)
        for summary in _summaries(ctx)
        if summary.run.startswith(begun) and summary.run not in taken
    )
    yield from islice(found, _MOST_IDS)


@_quietly
def recorded_states(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """Our states, and those of the runs of the journal that the line names."""
    ours = sorted(cls.__name__ for cls in State.children())
    yield from map(CompletionItem, ours)
    others = {summary.state for summary in _summaries(ctx)}
    yield from map(CompletionItem, sorted(others.difference(ours)))


@_quietly
def events(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """The events of a task's run; those of another class are only known once it is imported."""
    if ctx.params.get("target") in (None, _OURS):
        yield from map(CompletionItem, TaskRun.lifecycle.events)


@_quietly
def targets(ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """Ours, and the classes of the modules in this directory that look like one of runs."""
    if ctx.command.name == "diagram":
        yield CompletionItem("states")
    yield from map(CompletionItem, known_targets())


@_quietly
def tasks(_ctx: click.Context, _param: click.Parameter, _begun: str) -> Items:
    """The functions that `@task` decorates in this directory, and their modules."""
    found = list(_named(_is_task))
    yield from map(CompletionItem, dict.fromkeys(module for module, _ in found))
    yield from (CompletionItem(f"{module}:{name}") for module, name in found)


def _summaries(ctx: click.Context) -> Iterator[Summary]:
    """The first runs of the journal, if it is a file: a database may be far away."""
    url = ctx.params.get("url") or _named_anywhere() or os.environ.get("FSM_JOURNAL")
    path = file_of(url) if isinstance(url, str) else None
    if url is None or path is None:
        return
    check_is_there(url)
    from fsm.journal.sqlite.journal import SQLiteJournal

    with closing(SQLiteJournal(path, patience=_PATIENCE)) as journal:
        yield from islice(journal.runs(), _MOST_RUNS)


def _named_anywhere() -> str | None:
    """The journal that the line names after the word in question: click stops reading there."""
    line = os.environ.get("COMP_LINE") or os.environ.get("COMP_WORDS", "")
    words = split_arg_string(line)
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word == "--journal":
            return following
        if word.startswith("--journal="):
            return word.partition("=")[2]
    return None


def known_targets() -> Iterator[str]:
    """Ours, and the classes of the modules in this directory that look like one of runs."""
    yield _OURS
    yield from (f"{module}:{name}" for module, name in _named(_is_run_class))


def _named(wanted: Callable[[ast.stmt], bool]) -> Iterator[tuple[str, str]]:
    """Module and name of each thing of that look; read, not run."""
    here = Path()
    paths = (path for pattern in ("*.py", "*/*.py") for path in sorted(here.glob(pattern)))
    for path in islice(paths, _MOST_FILES):
        try:
            text = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
            tree = ast.parse(text) if b"fsm" in text else ast.Module([], [])
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        for statement in filter(wanted, tree.body):
            yield module, getattr(statement, "name", "")


def _is_run_class(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.ClassDef) or statement.name.startswith("_"):
        return False
    return any(_last_name(base).endswith("Run") for base in statement.bases)


def _is_task(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return any(_last_name(each) == "task" for each in statement.decorator_list)


def _last_name(expression: Any) -> str:
    if isinstance(expression, ast.Call):
        expression = expression.func
    return str(getattr(expression, "attr", getattr(expression, "id", "")))
