"""why: whether a run would make an event's step now, who says no, and what leads there."""

from __future__ import annotations

import click

from fsm.cli.options import holding, journal_option
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import events, run_ids, targets
from fsm.cli.targets import load
from fsm.errors import CorruptJournal, LifecycleError
from fsm.explain import explain
from fsm.journal import Journal
from fsm.run.run import Run
from fsm.states import StateError
from fsm.tasks.task_run import TaskRun
from fsm.text import escape

__all__ = ["why"]

_LONGEST = 2_000  # characters of what a guard says, or a doubt


@click.command(
    epilog="\b\nExamples:\n  fsm why load-7 resume --journal runs.db\n"
    "  fsm why order-3 pay --journal runs.db --as shop.orders:Order --json"
)
@click.argument("run", shell_complete=run_ids)
@click.argument("event", shell_complete=events)
@journal_option()
@click.option(
    "--as",
    "target",
    metavar="TARGET",
    shell_complete=targets,
    help="What it is a run of, whose guards are asked; fsm:TaskRun if left out.",
)
@json_option("run", "state", "event", "allowed", "refused", "guards", "certain", "path")
def why(run: str, event: str, url: str, target: str | None, as_json: bool) -> None:
    """Say whether RUN can make the step EVENT now, or why not.

    If not, it says which guard says no, and the shortest way to where EVENT can be made. Nothing
    is moved: the triggers that lead there are tried out on a copy.
    """
    cls = None if target is None else load(target)
    with holding(url, run) as journal:
        answer = explain(_restored(journal, run, cls), event)
    if as_json:
        put_json(answer.as_data())
    else:
        click.echo("\n".join(escape(_cut(line)) for line in answer.lines))


def _restored(journal: Journal, run: str, cls: type[Run] | None) -> Run:
    from fsm.operations.control import restore_task_run

    try:
        return restore_task_run(run, journal) if cls is None else cls.restore(run, journal)
    except (CorruptJournal, StateError) as error:
        kind = journal.summary(run).kind
        asked = cls or TaskRun
        if kind not in ("", asked.lifecycle.kind):
            refusal = LifecycleError(f"run {run!r} is no {asked.__name__} as far as it can be read")
            refusal.add_note(f"it is a {kind}; say --as {kind}")
            raise refusal from error
        raise


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
