"""The program: `python -m benchmarks [NAME ...]` measures, prints tables and writes JSON."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from .measure import FULL, QUICK, Table
from .page import PAGE, as_markdown, fill
from .peers import missing
from .reach import REACH
from .report import as_json, grid, reach_grid, surroundings

__all__ = ["BENCHES", "main"]

BENCHES = (
    "trigger", "parts", "create", "memory", "million", "fanout", "growth", "contention",
    "wire", "imports", "journal", "restore", "diagram", "perform", "workflow",
)  # fmt: skip


@click.command(epilog=f"Benches: {', '.join(BENCHES)}.")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=click.Choice(BENCHES))
@click.option("--quick", is_flag=True, help="Only see that they run; the figures mean nothing.")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write figures there."
)
@click.option("--page", is_flag=True, help="Put what all benches reached into their README.")
def main(names: Sequence[str], quick: bool, file: Path | None, page: bool) -> None:
    """Run the named benchmarks, or all. It does not fail because of a figure."""
    if page and (names or quick):
        raise click.UsageError("--page wants a full run of all benches")
    console = Console(highlight=False)
    effort = QUICK if quick else FULL
    if missing():
        console.print(f"not installed, so not measured: {', '.join(missing())}", markup=False)
        console.print("pip install runstates[bench] gets them", markup=False)
    measured: dict[str, list[Table]] = {}
    for name in dict.fromkeys(names or BENCHES):
        console.rule(name)
        measured[name] = []
        for table in importlib.import_module(f"benchmarks.{name}").tables(effort):
            measured[name].append(table)
            console.print(grid(table))
    by_title = {table.title: table for tables in measured.values() for table in tables}
    targets = [
        target for target in REACH if not names or any(title in by_title for title in target.tables)
    ]
    if targets:
        console.print(reach_grid(targets, by_title))
    if quick:
        console.print("quick: the figures mean nothing")
    if page:
        fill(PAGE, as_markdown(REACH, by_title, surroundings(effort)))
    if file is not None:
        file.write_text(json.dumps(as_json(measured, targets, effort), indent=1) + "\n")
