"""act: approve, resume, cancel and retry runs of other processes, through their journal."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import attrs
import click

from fsm.cli.errors import FAILED, hint
from fsm.cli.options import existing, journal_option, unknown
from fsm.cli.printing import json_option, put_json
from fsm.cli.suggestions import run_ids, targets
from fsm.cli.targets import load
from fsm.errors import GuardRejected, UnknownRun
from fsm.journal import Journal
from fsm.operations.control import Acted
from fsm.run.run import Run
from fsm.states import State
from fsm.text import escape

__all__ = ["approve", "cancel", "resume", "retry"]

Command = TypeVar("Command", bound=Callable[..., Any])
Act = Callable[[Journal, str], "State | Iterable[Acted]"]


def _acts(command: Command) -> Command:
    """What all of them take."""
    for option in (
        json_option("run", "state", "refused", "kind", "hint", lead="a list of objects with"),
        click.option(
            "--as",
            "target",
            metavar="TARGET",
            shell_complete=targets,
            help="What the runs are runs of: its own listeners are told.",
        ),
        click.option("--message", metavar="TEXT", help="What the step says."),
        journal_option(),
        click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=run_ids),
    ):
        command = option(command)
    return command


@click.command(epilog="\b\nExamples:\n  fsm approve deploy-7 --journal runs.db --by ada")
@_acts
@click.option("--by", metavar="NAME", help="Who approves; your login name if left out.")
def approve(by: str | None, message: str | None, **given: Any) -> None:
    """Let RUNs go on that are paused until somebody approves.

    Who did is in the message, and as approved_by in the context of what follows.
    """
    from fsm.operations import control as acting

    name = _login() if by is None else by
    _act(lambda cls: partial(acting.approve, by=name, message=message, cls=cls), **given)


@click.command(epilog="\b\nExamples:\n  fsm resume load-7 load-8 --journal runs.db")
@_acts
def resume(message: str | None, **given: Any) -> None:
    """Let paused RUNs go on: they may be started at once."""
    from fsm.operations import control as acting

    _act(lambda cls: partial(acting.resume, message=message, cls=cls), **given)


@click.command(epilog="\b\nExamples:\n  fsm cancel load-7 --journal runs.db --message 'wrong day'")
@_acts
def cancel(message: str | None, **given: Any) -> None:
    """Cancel RUNs that have not ended, and their children.

    Who executes one notices within about a second.
    """
    from fsm.operations import control as acting

    _act(lambda cls: partial(acting.cancel, message=message, cls=cls), **given)


@click.command(
    epilog="\b\nExamples:\n  fsm retry fetch-7 --journal runs.db\n"
    "  fsm retry nightly --journal runs.db --failed-children"
)
@_acts
@click.option("--force", is_flag=True, help="Run once more whatever the policy allows.")
@click.option(
    "--failed-children",
    is_flag=True,
    help="Not the RUNs, but their failed children, whatever the policy allows.",
)
def retry(force: bool, failed_children: bool, message: str | None, **given: Any) -> None:
    """Let failed RUNs try again, as their policy allows."""
    from fsm.operations import control as acting

    if failed_children:
        _act(lambda cls: partial(acting.rerun_children, message=message, cls=cls), **given)
    else:
        _act(lambda cls: partial(acting.retry, force=force, message=message, cls=cls), **given)


def _act(
    made: Callable[[type[Run] | None], Act],
    *,
    runs: tuple[str, ...],
    url: str,
    target: str | None,
    as_json: bool,
) -> None:
    """Act on each run, and say what became of it; exit with 1 if any was refused."""
    act = made(None if target is None else load(target))
    refused, said = False, []
    with existing(url) as journal:
        for acted in _each(act, journal, runs):
            if isinstance(acted.refused, UnknownRun):
                acted = attrs.evolve(acted, refused=unknown(acted.run, journal))
            refused = refused or acted.refused is not None
            if as_json:
                said.append(_as_data(acted))
            else:
                _put(acted)
    if as_json:
        put_json(said)
    if refused:
        click.get_current_context().exit(FAILED)


def _each(act: Act, journal: Journal, runs: Iterable[str]) -> Iterator[Acted]:
    for run in dict.fromkeys(runs):
        try:
            became = act(journal, run)
            if isinstance(became, State):
                yield Acted(run, became)
            else:
                yield from became
        except Exception as error:  # ours, or the veto of a listener: the other runs go on
            yield Acted(run, refused=error)


def _put(acted: Acted) -> None:
    if acted.refused is None:
        click.echo(escape(f"{acted.run}: now {type(acted.state).__name__}"))
        return
    click.echo(escape(f"error: {acted.run}: {acted.refused}{_way_out(acted.refused)}"), err=True)
    for note in getattr(acted.refused, "__notes__", ()):
        click.echo(escape(f"note: {note}"), err=True)


def _way_out(refused: Exception) -> str:
    if isinstance(refused, GuardRejected) and refused.event == "retry":
        return "; --force runs it again all the same"
    return ""


def _as_data(acted: Acted) -> dict[str, Any]:
    state, refused = acted.state, acted.refused
    return {
        "run": acted.run,
        "state": None if state is None else type(state).__name__,
        "refused": None if refused is None else str(refused),
        "kind": None if refused is None else type(refused).__name__,
        "hint": None if refused is None else _way_out(refused).lstrip("; ") or hint(refused),
    }


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:  # a container may not know its user
        raise click.UsageError("nobody is logged in by name; say --by NAME") from error
