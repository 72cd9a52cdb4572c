"""Gantt: many runs over time as Mermaid text, as GitHub renders it.

The laws of `mermaid` hold here too: what is not plainly harmless is written as `#code;`. Each task
begins with a number, so that no name is a word of Mermaid's. And no two sections have one title:
Mermaid would take them for one, and put the titles of all others beside bars of somebody else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count

from fsm.diagrams.mermaid_source import escaped

from .bars import Bar, History, bars
from .groups import Group, groups
from .style import Look

__all__ = ["gantt"]

Section = tuple[str, Iterator[str]]  # a title, and the tasks below it

_MOST = 40  # runs with a section of their own
# Of one run, as many as may be; of more, the first and the last.
_SPANS = (50, 40, 30, 20, 14, 10, 6, 4, 2)
_LONGEST = 50_000  # characters that Mermaid reads
_FORMS = ((1, "%H:%M:%S"), (180, "%m-%d %H:%M"), (math.inf, "%Y-%m-%d"))  # up to so many days
_TAGS = {"running": "active, ", "failed": "crit, ", "finished": "milestone, "}


def gantt(
    histories: Iterable[History],
    *,
    until: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> str:
    """Draw runs over time as a Mermaid `gantt`: a section a run, a task for each state it was in.

    More than 40 runs are grouped by name and kind, with a task for each state that any was in.

    Args:
        histories: Runs, or their steps. Runs that have not moved are left out.
        until: When the picture ends, in microseconds since 1970; with the last step if left out.
        kinds: By its id, what a run is a run of, where only its steps are given.
    """
    drawn = bars(histories, until, kinds)
    span = max((bar.ended for bar in drawn), default=0) - min((b.began for b in drawn), default=0)
    form = next(form for days, form in _FORMS if span < days * 86_400_000_000)
    head = ("gantt", "    dateFormat x", f"    axisFormat {form}")
    for spans in _SPANS[:-1]:
        text = _written(head, drawn, spans)
        if len(text) < _LONGEST:
            return text
    return _written(head, drawn, _SPANS[-1])


def _written(head: Sequence[str], drawn: Sequence[Bar], spans: int) -> str:
    """All of it, with at most so many spans of a run."""
    if len(drawn) > _MOST:
        sections = map(_together, groups(drawn))
    else:
        sections = map(partial(_apart, spans), drawn)
    return "\n".join((*head, *(f"    {line}" for line in _lines(sections)))) + "\n"


def _lines(sections: Iterable[Section]) -> Iterator[str]:
    seen = set[str]()
    for name, tasks in sections:
        bare = escaped(name) or "?"
        if bare.isdigit():  # Mermaid would move it to the front
            bare = f"#{ord(bare[0])};{bare[1:]}"
        others = (f"{bare} ({number})" for number in count(2))
        title = next(each for each in chain([bare], others) if each not in seen)
        seen.add(title)
        yield f"section {title}"
        yield from tasks


def _apart(most: int, bar: Bar) -> Section:
    return bar.name, _spans(bar, most)


def _spans(bar: Bar, most: int) -> Iterator[str]:
    chosen = list(enumerate(bar.spans, 1))
    if len(chosen) > most:
        chosen = chosen[: most // 2] + chosen[-most // 2 :]
    for place, span in chosen:
        yield _task(str(place), span.look, span.began, span.ended)


def _together(group: Group) -> Section:
    return f"{group.name} ({len(group.bars)} runs)", _states(group)


def _states(group: Group) -> Iterator[str]:
    seen: dict[Look, tuple[int, int, int]] = {}
    for bar in group.bars:
        for span in bar.spans:
            count, began, ended = seen.get(span.look, (0, span.began, span.ended))
            seen[span.look] = (count + 1, min(began, span.began), max(ended, span.ended))
    for look, (count, began, ended) in sorted(seen.items(), key=lambda pair: pair[1][1:]):
        yield _task(f"{count}\N{MULTIPLICATION SIGN}", look, began, ended)


def _task(number: str, look: Look, began: int, ended: int) -> str:
    tag = _TAGS.get(look.kind, "done, ")
    if ended > began and look.kind == "finished":
        tag = "done, "
    return (
        f"{number} {escaped(look.name) or '?'} :{tag}{began // 1000}, {max(ended, began) // 1000}"
    )
