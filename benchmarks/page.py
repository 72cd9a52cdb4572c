"""Write the figures reached into the table of the README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .measure import Table
from .reach import Target

__all__ = ["PAGE", "as_markdown", "fill"]

PAGE = Path(__file__).parent / "README.md"
_BLOCK = re.compile(r"(<!-- reach:.*?-->\n).*?(<!-- /reach -->)", re.DOTALL)


def as_markdown(
    targets: Iterable[Target], tables: Mapping[str, Table], surroundings: Mapping[str, Any]
) -> str:
    """The table of targets, and the environment of the measurement."""
    versions = ", ".join(f"{name} {number}" for name, number in surroundings["versions"].items())
    lines = [
        f"{surroundings['python']} on {surroundings['machine']}; {versions}.",
        "",
        "| what | wanted | reached | met |",
        "|---|---:|---:|---|",
    ]
    for target in targets:
        value = target.reached(tables)
        said = "-" if value is None else target.say(value)
        met = "not measured" if value is None else "yes" if target.met(value) else "no"
        lines.append(f"| {target.what} | {target.wanted} | {said} | {met} |")
    return "\n".join(lines) + "\n"


def fill(page: Path, text: str) -> None:
    """Put *text* between the marks of the page."""
    written = page.read_text(encoding="utf-8")
    found = _BLOCK.search(written)
    if found is None:
        raise ValueError(f"{page} has no place for the figures")
    filled = f"{written[: found.start()]}{found[1]}{text}{found[2]}{written[found.end() :]}"
    page.write_text(filled, encoding="utf-8")
