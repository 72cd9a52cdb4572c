"""The figures as tables and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from .measure import Effort, Table
from .peers import missing
from .reach import Target

__all__ = ["as_json", "grid", "reach_grid", "surroundings"]

_DISTRIBUTIONS = (
    "attrs", "automat", "cattrs", "pendulum", "python-statemachine", "runstates", "transitions",
)  # fmt: skip


def grid(table: Table) -> Grid:
    """One table: medians, quartiles, ratios."""
    drawn = _grid(f"{table.title} [{table.unit}]", table.note)
    for heading in ("", "median", "from", "to", "ratio"):
        drawn.add_column(heading, justify="left" if not heading else "right")
    for figure in table.figures:
        ratio = table.ratio(figure.name)
        drawn.add_row(
            figure.name,
            _number(figure.median),
            *map(_number, figure.spread),
            "-" if ratio is None else f"{ratio:,.2f}x",
            style="bold" if figure.name.startswith("ours") else "",
        )
    return drawn


def reach_grid(targets: Iterable[Target], tables: Mapping[str, Table]) -> Grid:
    """Each target, the figure reached, and whether it is met."""
    drawn = _grid("Reach", "of several tables the worst counts")
    for heading in ("what", "wanted", "reached", "met"):
        drawn.add_column(heading, justify="right" if heading in ("wanted", "reached") else "left")
    for target in targets:
        value = target.reached(tables)
        if value is None:
            drawn.add_row(target.what, target.wanted, "-", "not measured", style="dim")
        else:
            met = target.met(value)
            answer = Text("yes", style="green") if met else Text("no", style="red")
            drawn.add_row(target.what, target.wanted, target.say(value), answer)
    return drawn


def as_json(
    tables: Mapping[str, Sequence[Table]], targets: Iterable[Target], effort: Effort
) -> dict[str, Any]:
    """All results: by benchmark, and against the targets."""
    by_title = {table.title: table for each in tables.values() for table in each}
    return {
        "surroundings": surroundings(effort),
        "benches": {name: [_table(table) for table in each] for name, each in tables.items()},
        "reach": [_reached(target, by_title) for target in targets],
    }


def surroundings(effort: Effort) -> dict[str, Any]:
    """The environment that the figures depend on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "turns": effort.turns,
        "share": effort.share,
        "versions": dict(_versions()),
        "missing": missing(),
    }


def _versions() -> Iterable[tuple[str, str]]:
    for name in _DISTRIBUTIONS:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "unit": table.unit,
        "note": table.note,
        "against": table.against,
        "figures": {
            figure.name: {
                "median": figure.median,
                "spread": list(figure.spread),
                "ratio": table.ratio(figure.name),
                "turns": list(figure.turns),
            }
            for figure in table.figures
        },
    }


def _reached(target: Target, tables: Mapping[str, Table]) -> dict[str, Any]:
    value = target.reached(tables)
    return {
        "what": target.what,
        "wanted": target.wanted,
        "reached": value,
        "met": None if value is None else target.met(value),
    }


def _grid(title: str, caption: str) -> Grid:
    return Grid(
        title=Text(title), caption=Text(caption), title_justify="left", caption_justify="left",
        box=box.SIMPLE_HEAD,
    )  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.3g}"
