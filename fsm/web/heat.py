"""Pictures of traffic: how long runs stay in each state, and how often they take each edge.

Counting takes time in proportion to the steps of a journal. So each picture is drawn at most once
for a snapshot, over a connection of its own, and served until it is replaced.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import attrs

from fsm.diagrams import StateGraph, heat
from fsm.journal import Journal

from .classes import KnownClasses
from .source import Source
from .views import draw

__all__ = ["HeatPictures", "traffic_graph"]

_REST = 3.0  # seconds for which a picture is served at least
_SHARE = 9  # it is served for as many times as long as it took to draw
_MOST = 64  # pictures kept


@attrs.frozen
class _CachedPicture:
    version: int  # of the snapshot it was drawn for
    until: float  # when it may be drawn anew
    data: dict[str, Any]


class HeatPictures:
    """Draws each kind once for a snapshot, and not more often than every *rest* seconds."""

    def __init__(self, source: Source, known: KnownClasses, rest: float = _REST) -> None:
        self._source, self._known, self._rest = source, known, rest
        self._lock = threading.Lock()
        self._pictures: dict[str, _CachedPicture] = {}

    def get(self, kind: str, version: int) -> dict[str, Any]:
        """Return the picture of a kind, or of all kinds if it is empty, and its snapshot's version.

        Args:
            kind: The kind of runs that are counted.
            version: Of the latest snapshot; an older picture is drawn anew if it has rested.
        """
        with self._lock:
            found = self._pictures.get(kind)
            if found is None or (found.version != version and time.monotonic() >= found.until):
                found = self._draw(kind, version)
            return {**found.data, "version": found.version}

    def _draw(self, kind: str, version: int) -> _CachedPicture:
        began = time.monotonic()
        with self._source.journal() as journal:
            graph, name = traffic_graph(journal, self._known, kind)
        data = {"diagram": draw(graph), "name": name}
        ended = time.monotonic()
        if len(self._pictures) >= _MOST:
            self._pictures.clear()
        until = ended + max(self._rest, _SHARE * (ended - began))
        found = self._pictures[kind] = _CachedPicture(version, until, data)
        return found


def traffic_graph(
    journal: Journal, known: KnownClasses, kind: str
) -> tuple[StateGraph | None, str | None]:
    """Return the graph of a kind with the traffic of its runs, and its name if it has a class."""
    drawable = known.find_drawable(journal, kind)
    if drawable is None:
        return None, None
    traffic = journal.traffic(kind or None)
    name = None if isinstance(drawable, StateGraph) else drawable.lifecycle.name
    # The page itself shows how many runs are in each state now.
    return heat(drawable, traffic, now=False), name
