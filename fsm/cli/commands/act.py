"""`fsm approve`, `resume`, `cancel` and `retry`: act on runs through their journal."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import attrs
import click

from fsm.cli.errors import FAILED, hint
from fsm.cli.options import journal_option, open_existing, unknown_run
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


def _add_options(command: Command) -> Command:
    """Add the parameters that the four commands share."""
    for option in (
        json_option("run", "state", "refused", "kind", "hint", lead="a list of objects with"),
        click.option(
            "--as",
            "target",
            metavar="TARGET",
            shell_complete=targets,
            help="The class of the runs, whose own listeners are called.",
        ),
        click.option("--message", metavar="TEXT", help="A message for the step."),
        journal_option(),
        click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=run_ids),
    ):
        command = option(command)
    return command


@click.command(
    help="""Approve RUNs that are paused until someone approves, so that they go on.

    Who approved is in the message of the step, and in the context of the states that follow, as
    approved_by.
    """,
    epilog="\b\nExamples:\n  fsm approve deploy-7 --journal runs.db --by ada",
)
@_add_options
@click.option("--by", metavar="NAME", help="Who approves. Default: your login name.")
def approve(by: str | None, message: str | None, **given: Any) -> None:
    from fsm.operations import control

    name = _login() if by is None else by
    _act(lambda cls: partial(control.approve, by=name, message=message, cls=cls), **given)


@click.command(
    help="Resume paused RUNs: they may start again at once.",
    epilog="\b\nExamples:\n  fsm resume load-7 load-8 --journal runs.db",
)
@_add_options
def resume(message: str | None, **given: Any) -> None:
    from fsm.operations import control

    _act(lambda cls: partial(control.resume, message=message, cls=cls), **given)


@click.command(
    help="""Cancel RUNs that have not ended, and their children.

    A worker that executes one notices within about a second.
    """,
    epilog="\b\nExamples:\n  fsm cancel load-7 --journal runs.db --message 'wrong day'",
)
@_add_options
def cancel(message: str | None, **given: Any) -> None:
    from fsm.operations import control

    _act(lambda cls: partial(control.cancel, message=message, cls=cls), **given)


@click.command(
    help="Retry failed RUNs, if their policy allows it.",
    epilog="\b\nExamples:\n  fsm retry fetch-7 --journal runs.db\n"
    "  fsm retry nightly --journal runs.db --failed-children",
)
@_add_options
@click.option("--force", is_flag=True, help="Retry even if the policy does not allow it.")
@click.option(
    "--failed-children",
    is_flag=True,
    help="Retry the failed children of the RUNs instead, even if the policy does not allow it.",
)
def retry(force: bool, failed_children: bool, message: str | None, **given: Any) -> None:
    from fsm.operations import control

    if failed_children:
        _act(lambda cls: partial(control.rerun_children, message=message, cls=cls), **given)
    else:
        _act(lambda cls: partial(control.retry, force=force, message=message, cls=cls), **given)


def _act(
    bind: Callable[[type[Run] | None], Act],
    *,
    runs: tuple[str, ...],
    url: str,
    target: str | None,
    as_json: bool,
) -> None:
    """Act on each run and print the outcome; exit with 1 if any run was refused.

    Args:
        bind: Makes the operation for a class of runs; None stands for the recorded one.
    """
    act = bind(None if target is None else load(target))
    refused, data = False, []
    with open_existing(url) as journal:
        for result in _each(act, journal, runs):
            if isinstance(result.error, UnknownRun):
                result = attrs.evolve(result, error=unknown_run(result.run, journal))
            refused = refused or result.error is not None
            if as_json:
                data.append(_as_data(result))
            else:
                _put(result)
    if as_json:
        put_json(data)
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
        except Exception as error:  # a listener may veto with any; go on with the other runs
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
        return "; --force retries it anyway"
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
    except (OSError, KeyError, ImportError) as error:  # a container may have no entry for its user
        raise click.UsageError("the login name is unknown; give --by NAME") from error
