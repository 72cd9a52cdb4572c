"""why: whether a run would make an event's step now, who says no, and what leads there."""

from __future__ import annotations

import click

from fsm.errors import CorruptJournal, LifecycleError, UnknownRun
from fsm.journal import Journal
from fsm.journal.contract import kind_of
from fsm.run import Run
from fsm.task import TaskRun
from states import StateError

from .journal import existing, journal_option, unknown
from .screen import put_json, shown
from .target import load

__all__ = ["why"]

_LONGEST = 2_000  # characters of what a guard says, or a doubt


@click.command(
    epilog="\b\nExamples:\n  fsm why load-7 resume --journal runs.db\n"
    "  fsm why order-3 pay --journal runs.db --as shop.orders:Order --json"
)
@click.argument("run")
@click.argument("event")
@journal_option()
@click.option(
    "--as",
    "target",
    metavar="TARGET",
    help="What it is a run of, whose guards are asked; fsm:TaskRun if left out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def why(run: str, event: str, url: str, target: str | None, as_json: bool) -> None:
    """Say whether RUN can make the step EVENT now; if not, who says no and what leads there.

    Nothing is moved: the triggers that lead there are tried out on a copy.
    """
    cls = None if target is None else load(target)
    with existing(url) as journal:
        try:
            answer = _restored(journal, run, cls).why(event)
        except (UnknownRun, UnicodeEncodeError):  # no journal keeps an id that is no text
            raise unknown(run, journal) from None
    if as_json:
        put_json(answer.as_data())
    else:
        click.echo("\n".join(shown(line[:_LONGEST]) for line in answer.lines))


def _restored(journal: Journal, run: str, cls: type[Run] | None) -> Run:
    from fsm.acting import bare

    try:
        return bare(run, journal) if cls is None else cls.restore(run, journal)
    except (CorruptJournal, StateError) as error:
        kind = journal.summary(run).kind
        if cls is None and kind not in ("", kind_of(TaskRun)):
            refusal = LifecycleError(f"run {run!r} is not a TaskRun as far as it can be read")
            refusal.add_note(f"it is a {kind}; say --as {kind}")
            raise refusal from error
        raise
