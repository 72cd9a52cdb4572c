"""Groups of runs, drawn as one row by how many of them are in each state."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import attrs

from .bars import Bar
from .style import StateStyle

__all__ = ["BarGroup", "groups"]

_STEMS = 12  # distinct names without numbers in one kind; with more, runs are grouped by kind only
_MOST = 40  # groups; the smallest beyond that share one
_NUMBERED = re.compile(r"[\W\d_]+\Z")


@attrs.frozen(eq=False)
class BarGroup:
    """Runs of one name or kind."""

    name: str
    bars: tuple[Bar, ...]

    @property
    def ends(self) -> list[tuple[StateStyle, int]]:
        """The last states of the runs, and how many runs are in each, the most frequent first."""
        counted = Counter(bar.last for bar in self.bars)
        return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0].name))

    def counts(self, began: int, ended: int, width: int) -> dict[StateStyle, list[int]]:
        """Return for each state how many runs are in it at each of *width* points in time.

        Runs that have ended are not counted. A run counts once at each point, and at one point at
        least; every failure counts. The time taken grows with the spans, not with the points.

        Args:
            began: When the picture begins, in microseconds since 1970.
            ended: When the picture ends, likewise.
            width: The number of points.
        """
        spread = max(ended - began, 1)
        changes: dict[StateStyle, list[int]] = defaultdict(lambda: [0] * (width + 1))
        for bar in self.bars:
            for style, first, last in _intervals(bar, began, spread, width):
                changes[style][first] += 1
                changes[style][last] -= 1
        order = sorted(changes, key=lambda style: (style.kind != "running", style.name))
        return {style: list(accumulate(changes[style][:width])) for style in order}


def _intervals(
    bar: Bar, began: int, spread: int, width: int
) -> Iterator[tuple[StateStyle, int, int]]:
    """Yield each state of a run, with its first point and the one after its last."""
    spans = bar.spans[:-1] if bar.last.final else bar.spans
    if not spans:
        return
    near = [min((span.began - began) * width // spread, width - 1) for span in spans]
    times = (*(span.began for span in spans), spans[-1].ended)
    edges = [-((began - micros) * width // spread) for micros in times]
    failed = -1
    if edges[0] == edges[-1]:  # the whole run lies between two points
        longest = max(spans, key=lambda span: span.ended - span.began)
        failed = near[0] if longest.style.kind == "failed" else failed
        yield longest.style, near[0], near[0] + 1
    for span, point, (first, last) in zip(spans, near, pairwise(edges), strict=True):
        if first < last:
            yield span.style, first, last
        elif span.style.kind == "failed" and point > failed:
            failed = point
            yield span.style, point, point + 1


def groups(bars: Iterable[Bar]) -> list[BarGroup]:
    """Group runs by kind and by name without its number, or by kind where names differ too much."""
    kinds: dict[str, list[Bar]] = defaultdict(list)
    for bar in bars:
        kinds[bar.kind].append(bar)
    found: dict[tuple[str, str], list[Bar]] = defaultdict(list)
    for kind, members in kinds.items():
        by_name = len({_stem(bar) for bar in members}) <= _STEMS
        for bar in members:
            found[kind, _stem(bar) if by_name else ""].append(bar)
    return _limit([
        BarGroup(stem or kind or "runs", tuple(same)) for (kind, stem), same in found.items()
    ])  # fmt: skip


def _limit(found: Sequence[BarGroup]) -> list[BarGroup]:
    """Merge the smallest groups into one, where there are too many."""
    if len(found) <= _MOST:
        return list(found)
    large = sorted(found, key=lambda group: -len(group.bars))
    rest = tuple(bar for group in large[_MOST - 1 :] for bar in group.bars)
    return [*large[: _MOST - 1], BarGroup(f"{len(found) - _MOST + 1} others", rest)]


def _stem(bar: Bar) -> str:
    return _NUMBERED.sub("", bar.name)
