"""Group: many runs as one row, by how many of them are in each state."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import attrs

from .bars import Bar
from .style import Look

__all__ = ["Group", "groups"]

_STEMS = 12  # names of runs of one kind; with more they are no names of groups
_MOST = 40  # groups; the smallest beyond share a row
_NUMBERED = re.compile(r"[\W\d_]+\Z")


@attrs.frozen(eq=False)
class Group:
    """Runs of one name or kind."""

    name: str
    bars: tuple[Bar, ...]

    @property
    def ends(self) -> list[tuple[Look, int]]:
        """The states its runs are in, and how many are: most first."""
        counted = Counter(bar.last for bar in self.bars)
        return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0].name))

    def counts(self, began: int, ended: int, width: int) -> dict[Look, list[int]]:
        """Return by state how many runs are in it at each of *width* points; not those at an end.

        A run counts once at a point, the shortest at one at least; but each failure is seen. Takes
        as long as there are spans, not points.
        """
        spread = max(ended - began, 1)
        changes: dict[Look, list[int]] = defaultdict(lambda: [0] * (width + 1))
        for bar in self.bars:
            for look, first, last in _stays(bar, began, spread, width):
                changes[look][first] += 1
                changes[look][last] -= 1
        order = sorted(changes, key=lambda look: (look.kind != "running", look.name))
        return {look: list(accumulate(changes[look][:width])) for look in order}


def _stays(bar: Bar, began: int, spread: int, width: int) -> Iterator[tuple[Look, int, int]]:
    """In which state the run is from which point on, up to which."""
    spans = bar.spans[:-1] if bar.last.final else bar.spans
    if not spans:
        return
    near = [min((span.began - began) * width // spread, width - 1) for span in spans]
    times = (*(span.began for span in spans), spans[-1].ended)
    edges = [-((began - micros) * width // spread) for micros in times]
    failed = -1
    if edges[0] == edges[-1]:  # all of it was between two points
        longest = max(spans, key=lambda span: span.ended - span.began)
        failed = near[0] if longest.look.kind == "failed" else failed
        yield longest.look, near[0], near[0] + 1
    for span, point, (first, last) in zip(spans, near, pairwise(edges), strict=True):
        if first < last:
            yield span.look, first, last
        elif span.look.kind == "failed" and point > failed:
            failed = point
            yield span.look, point, point + 1


def groups(bars: Iterable[Bar]) -> list[Group]:
    """Put together what belongs together: the runs of one name but for its number, or of a kind."""
    kinds: dict[str, list[Bar]] = defaultdict(list)
    for bar in bars:
        kinds[bar.kind].append(bar)
    found: dict[tuple[str, str], list[Bar]] = defaultdict(list)
    for kind, members in kinds.items():
        stems = {_stem(bar) for bar in members}
        named = len(stems) <= _STEMS
        for bar in members:
            found[kind, _stem(bar) if named else ""].append(bar)
    made = [Group(stem or kind or "runs", tuple(same)) for (kind, stem), same in found.items()]
    return _few(made)


def _few(made: Sequence[Group]) -> list[Group]:
    if len(made) <= _MOST:
        return list(made)
    large = sorted(made, key=lambda group: -len(group.bars))
    rest = tuple(bar for group in large[_MOST - 1 :] for bar in group.bars)
    return [*large[: _MOST - 1], Group(f"{len(made) - _MOST + 1} others", rest)]


def _stem(bar: Bar) -> str:
    return _NUMBERED.sub("", bar.name)
