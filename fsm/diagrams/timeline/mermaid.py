"""Runs over time as a Mermaid `gantt`, as GitHub renders it.

Text is escaped as in `fsm.diagrams.mermaid_source`. Each task begins with a number, so that no
name is a keyword of Mermaid. No two sections have the same title: Mermaid would merge them, and
show the titles of all later sections beside the wrong bars.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count

from fsm.diagrams.mermaid_source import escape_mermaid

from .bars import Bar, History, bars
from .groups import BarGroup, groups
from .style import StateStyle

__all__ = ["gantt"]

Section = tuple[str, Iterator[str]]  # the title, and the tasks below it

_MOST = 40  # runs with a section of their own
# Spans of each run: the most that keep the text short enough; of more, the first and the last.
_SPANS = (50, 40, 30, 20, 14, 10, 6, 4, 2)
_LONGEST = 50_000  # characters; Mermaid refuses more
# The format of the axis, for pictures of up to so many days.
_FORMS = ((1, "%H:%M:%S"), (180, "%m-%d %H:%M"), (math.inf, "%Y-%m-%d"))
_TAGS = {"running": "active, ", "failed": "crit, ", "finished": "milestone, "}


def gantt(
    histories: Iterable[History],
    *,
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> str:
    """Draw runs over time as a Mermaid `gantt`: a section for each run, a task for each state.

    More than 40 runs are grouped by name and kind, with one task for each state of a group.

    Args:
        histories: Runs, or their steps, or their records in a journal. Runs that have not moved
            are left out.
        until: When the picture ends, in microseconds since 1970; by default with the last step.
        kinds: The kind of each run by its id, where only steps or records are given.
    """
    drawn = bars(histories, until, kinds)
    span = max((bar.ended for bar in drawn), default=0) - min((b.began for b in drawn), default=0)
    form = next(form for days, form in _FORMS if span < days * 86_400_000_000)
    head = ("gantt", "    dateFormat x", f"    axisFormat {form}")
    for spans in _SPANS[:-1]:
        text = _render(head, drawn, spans)
        if len(text) < _LONGEST:
            return text
    return _render(head, drawn, _SPANS[-1])


def _render(head: Sequence[str], drawn: Sequence[Bar], spans: int) -> str:
    """Return the whole text, with at most *spans* spans of each run."""
    if len(drawn) > _MOST:
        sections = map(_group_section, groups(drawn))
    else:
        sections = map(partial(_run_section, spans), drawn)
    return "\n".join((*head, *(f"    {line}" for line in _lines(sections)))) + "\n"


def _lines(sections: Iterable[Section]) -> Iterator[str]:
    seen = set[str]()
    for name, tasks in sections:
        bare = escape_mermaid(name) or "?"
        if bare.isdigit():  # Mermaid would move it to the front
            bare = f"#{ord(bare[0])};{bare[1:]}"
        others = (f"{bare} ({number})" for number in count(2))
        title = next(each for each in chain([bare], others) if each not in seen)
        seen.add(title)
        yield f"section {title}"
        yield from tasks


def _run_section(most: int, bar: Bar) -> Section:
    return bar.name, _spans(bar, most)


def _spans(bar: Bar, most: int) -> Iterator[str]:
    chosen = list(enumerate(bar.spans, 1))
    if len(chosen) > most:
        chosen = chosen[: most // 2] + chosen[-most // 2 :]
    for place, span in chosen:
        yield _task(str(place), span.style, span.began, span.ended)


def _group_section(group: BarGroup) -> Section:
    return f"{group.name} ({len(group.bars)} runs)", _states(group)


def _states(group: BarGroup) -> Iterator[str]:
    seen: dict[StateStyle, tuple[int, int, int]] = {}
    for bar in group.bars:
        for span in bar.spans:
            count, began, ended = seen.get(span.style, (0, span.began, span.ended))
            seen[span.style] = (count + 1, min(began, span.began), max(ended, span.ended))
    for style, (count, began, ended) in sorted(seen.items(), key=lambda pair: pair[1][1:]):
        yield _task(f"{count}\N{MULTIPLICATION SIGN}", style, began, ended)


def _task(number: str, style: StateStyle, began: int, ended: int) -> str:
    tag = _TAGS.get(style.kind, "done, ")
    if ended > began and style.kind == "finished":
        tag = "done, "
    name = escape_mermaid(style.name) or "?"
    return f"{number} {name} :{tag}{began // 1000}, {max(ended, began) // 1000}"
