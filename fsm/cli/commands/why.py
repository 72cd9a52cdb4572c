"""`fsm why`: whether a run would accept an event now, or which guard rejects it."""

from __future__ import annotations

import click

from fsm.cli.options import journal_option, open_for_run
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

_LONGEST = 2_000  # characters of a line


@click.command(
    help="""Say whether RUN would accept EVENT now, or why not.

    If not, it names the guards that reject it and the shortest sequence of events after which
    EVENT is possible. The run does not move: the search works on a copy.
    """,
    epilog="\b\nExamples:\n  fsm why load-7 resume --journal runs.db\n"
    "  fsm why order-3 pay --journal runs.db --as shop.orders:Order --json",
)
@click.argument("run", shell_complete=run_ids)
@click.argument("event", shell_complete=events)
@journal_option()
@click.option(
    "--as",
    "target",
    metavar="TARGET",
    shell_complete=targets,
    help="The class of the run, whose guards are asked. Default: fsm:TaskRun.",
)
@json_option("run", "state", "event", "allowed", "refused", "guards", "certain", "path")
def why(run: str, event: str, url: str, target: str | None, as_json: bool) -> None:
    cls = None if target is None else load(target)
    with open_for_run(url, run) as journal:
        answer = explain(_restore(journal, run, cls), event)
    if as_json:
        put_json(answer.as_data())
    else:
        click.echo("\n".join(escape(line, _LONGEST) for line in answer.lines))


def _restore(journal: Journal, run: str, cls: type[Run] | None) -> Run:
    from fsm.operations.control import restore_task_run

    try:
        return restore_task_run(run, journal) if cls is None else cls.restore(run, journal)
    except (CorruptJournal, StateError) as error:
        kind = journal.summary(run).kind
        asked = cls or TaskRun
        if kind not in ("", asked.lifecycle.kind):
            problem = LifecycleError(f"run {run!r} cannot be read as a run of {asked.__name__}")
            problem.add_note(f"it is a run of {kind}; use --as {kind}")
            raise problem from error
        raise
