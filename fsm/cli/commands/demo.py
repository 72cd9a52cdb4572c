"""demo: a real job, done by some forty runs."""

from __future__ import annotations

from pathlib import Path

import click

from fsm.cli.options import Choice
from fsm.cli.printing import console, json_option, put_json

__all__ = ["demo"]


_EXAMPLES = """\b
Examples:
  fsm demo
  fsm demo --executor process
  fsm demo --directory flights --reset"""


@click.command(epilog=_EXAMPLES)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("fsm-demo"),
    show_default=True,
    help="Where its journal, its report and its diagrams go.",
)
@click.option(
    "--executor",
    type=Choice(("thread", "process", "dask")),
    default="thread",
    show_default=True,
    help="Who does the work; of processes and Dask workers, one is killed on purpose.",
)
@click.option("--reset", is_flag=True, help="Begin anew; what earlier demos left there is removed.")
@json_option(
    "demo",
    "finished",
    "lost",
    "retried",
    "rescued",
    "refused",
    "problems",
    lead="when it has ended, an object with",
)
def demo(directory: Path, executor: str, reset: bool, as_json: bool) -> int:
    """Turn the flight records of a year into a report of delays.

    They are those of New York in 2013. Stop it when you like, even with kill -9: the next demo
    goes on where it was.
    """
    from fsm.demo import run_demo  # at the door: the others do not pay for it

    screen, judged = (console(stderr=True), put_json) if as_json else (console(), None)
    return run_demo(directory, screen, executor=executor, fresh=reset, judged=judged)
