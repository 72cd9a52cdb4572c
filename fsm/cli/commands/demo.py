"""`fsm demo`: a real job, done by about forty runs."""

from __future__ import annotations

from pathlib import Path

import click

from fsm.cli.options import Choice
from fsm.cli.printing import console, json_option, put_json

__all__ = ["demo"]


_HELP = """Turn the flight records of a year into a report of delays.

The records are those of New York in 2013. Interrupt the demo at any time, even with kill -9: the
next one continues where it stopped.
"""
_EXAMPLES = """\b
Examples:
  fsm demo
  fsm demo --executor process
  fsm demo --directory flights --reset"""


@click.command(help=_HELP, epilog=_EXAMPLES)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("fsm-demo"),
    show_default=True,
    help="Where the journal, the report and the pictures are written.",
)
@click.option(
    "--executor",
    type=Choice(("thread", "process", "dask")),
    default="thread",
    show_default=True,
    help="Where tasks are executed. One process or Dask worker is killed on purpose.",
)
@click.option("--reset", is_flag=True, help="Start anew; remove what earlier demos left.")
@json_option(
    "demo",
    "finished",
    "lost",
    "retried",
    "rescued",
    "refused",
    "problems",
    lead="at the end, an object with",
)
def demo(directory: Path, executor: str, reset: bool, as_json: bool) -> int:
    from fsm.demo import run_demo  # imported on demand: other commands start faster

    screen, report = (console(stderr=True), put_json) if as_json else (console(), None)
    return run_demo(directory, screen, executor=executor, fresh=reset, report=report)
