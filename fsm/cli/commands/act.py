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
from fsm.operations import ControlResult
from fsm.run.run import Run
from fsm.states import State
from fsm.text import escape

__all__ = ["approve", "cancel", "resume", "retry"]

Command = TypeVar("Command", bound=Callable[..., Any])
Act = Callable[[Journal, str], "State | Iterable[ControlResult]"]


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
    from fsm.operations import control

    name = _login() if by is None else by
    _act(lambda cls: partial(control.approve, by=name, message=message, cls=cls), **given)


@click.command(epilog="\b\nExamples:\n  fsm resume load-7 load-8 --journal runs.db")
@_acts
def resume(message: str | None, **given: Any) -> None:
    """Let paused RUNs go on: they may be started at once."""
    from fsm.operations import control

    _act(lambda cls: partial(control.resume, message=message, cls=cls), **given)


@click.command(epilog="\b\nExamples:\n  fsm cancel load-7 --journal runs.db --message 'wrong day'")
@_acts
def cancel(message: str | None, **given: Any) -> None:
    """Cancel RUNs that have not ended, and their children.

    Who executes one notices within about a second.
    """
    from fsm.operations import control

    _act(lambda cls: partial(control.cancel, message=message, cls=cls), **given)


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
    from fsm.operations import control

    if failed_children:
        _act(lambda cls: partial(control.rerun_children, message=message, cls=cls), **given)
    else:
        _act(lambda cls: partial(control.retry, force=force, message=message, cls=cls), **given)


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
        for result in _each(act, journal, runs):
            if isinstance(result.error, UnknownRun):
                result = attrs.evolve(result, error=unknown(result.run, journal))
            refused = refused or result.error is not None
            if as_json:
                said.append(_as_data(result))
            else:
                _put(result)
    if as_json:
        put_json(said)
    if refused:
        click.get_current_context().exit(FAILED)


def _each(act: Act, journal: Journal, runs: Iterable[str]) -> Iterator[ControlResult]:
    for run in dict.fromkeys(runs):
        try:
            became = act(journal, run)
            if isinstance(became, State):
                yield ControlResult(run, became)
            else:
                yield from became
        except Exception as error:  # ours, or the veto of a listener: the other runs go on
            yield ControlResult(run, error=error)


def _put(result: ControlResult) -> None:
    if result.error is None:
        click.echo(escape(f"{result.run}: now {type(result.state).__name__}"))
        return
    click.echo(escape(f"error: {result.run}: {result.error}{_way_out(result.error)}"), err=True)
    for note in getattr(result.error, "__notes__", ()):
        click.echo(escape(f"note: {note}"), err=True)


def _way_out(refused: Exception) -> str:
    if isinstance(refused, GuardRejected) and refused.event == "retry":
        return "; --force runs it again all the same"
    return ""


def _as_data(result: ControlResult) -> dict[str, Any]:
    state, error = result.state, result.error
    return {
        "run": result.run,
        "state": None if state is None else type(state).__name__,
        "refused": None if error is None else str(error),
        "kind": None if error is None else type(error).__name__,
        "hint": None if error is None else _way_out(error).lstrip("; ") or hint(error),
    }


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:  # a container may not know its user
        raise click.UsageError("nobody is logged in by name; say --by NAME") from error
