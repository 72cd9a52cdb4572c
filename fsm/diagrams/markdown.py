"""A lifecycle or a run as a Markdown table.

Every character that might be markup is written as `&#code;`, which Markdown shows as the character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fsm.errors import InvalidArgument
from fsm.lifecycle.event import Transition
from fsm.lifecycle.table import Lifecycle
from fsm.run.run import Run
from fsm.states import moment
from fsm.text import as_label

__all__ = ["table"]

# A dot can make a link of the text before it, as in `www.`, and so can the colon of `https:`.
_HARMLESS = re.compile(
    r"[A-Za-z0-9 ,()?-]|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])|(?<![Ww])\.|(?<=[0-9]):|[^\x00-\x7f]"
)


def table(target: Lifecycle | Run | type[Run]) -> str:
    """Return *target* as a Markdown table: the rows of a lifecycle, or the steps of a run.

    Args:
        target: A Run class, its lifecycle, or a run.

    Raises:
        InvalidArgument: *target* is none of these.
    """
    if isinstance(target, Run):
        return _format(("#", "When (UTC)", "Event", "From", "To", "Message"), _steps(target))
    if isinstance(target, Lifecycle):
        return _format(("Event", "From", "If", "To"), _rows(target))
    if isinstance(target, type) and issubclass(target, Run):
        return table(target.lifecycle)
    raise InvalidArgument(
        f"a table is made of a Run class, a lifecycle or a run, not of {target!r:.80}"
    )


def _rows(lifecycle: Lifecycle) -> Iterator[Sequence[str]]:
    """Each row of the lifecycle once, with all the states that it leads from."""
    found: dict[tuple[str, Transition], list[str]] = {}
    order = {event: place for place, event in enumerate(lifecycle.events)}
    for edge in lifecycle.edges:
        found.setdefault((edge.event, edge.row), []).append(edge.source.__name__)
    for (event, row), sources in sorted(found.items(), key=lambda pair: order[pair[0][0]]):
        dest = row.dest.__name__ if row.dest else "(stays)"
        yield event, ", ".join(sources), row.label[1:-1], dest


def _steps(run: Run) -> Iterator[Sequence[str]]:
    for step in run.history:
        at = moment.from_micros(step.micros).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        ends = type(step.source).__name__, type(step.dest).__name__
        message = step.dest.message
        yield str(step.seq), at, step.event, *ends, "" if message is None else str(message)


def _format(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [_line(map(_escape, row)) for row in rows]
    return "\n".join([_line(head), _line("---" for _ in head), *lines]) + "\n"


def _line(cells: Iterator[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    text = as_label(text)
    return "".join(
        letter if _HARMLESS.match(text, place) else f"&#{ord(letter)};"
        for place, letter in enumerate(text)
    )
