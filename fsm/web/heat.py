"""Heat: the lifecycle of a kind with how long its runs stay where, and which ways they take.

The law of this file: whoever asks again meanwhile gets the picture that is there. To count takes as
long as there are steps, so it is done once for a snapshot, and over a connection of its own.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import attrs

from fsm.diagrams import StateGraph, heat
from fsm.journal import Journal

from .classes import Catalog
from .source import Source
from .views import as_svg

__all__ = ["Heat", "heated"]

_REST = 3.0  # seconds that a picture is good for, whatever happens
_SHARE = 9  # times as long as it took to draw, it is good for
_MOST = 64  # pictures that are kept


@attrs.frozen
class _Drawn:
    version: int  # of the snapshot it was drawn for
    until: float  # when it may be drawn anew
    said: dict[str, Any]


class Heat:
    """Draws each kind once for a snapshot, and not more often than every *rest* seconds."""

    def __init__(self, source: Source, catalog: Catalog, rest: float = _REST) -> None:
        self._source, self._catalog, self._rest = source, catalog, rest
        self._lock = threading.Lock()
        self._kept: dict[str, _Drawn] = {}

    def drawn(self, kind: str, version: int) -> dict[str, Any]:
        """The picture of a kind, or of all where it is empty, and of which snapshot it is."""
        with self._lock:
            kept = self._kept.get(kind)
            if kept is None or (kept.version != version and time.monotonic() >= kept.until):
                kept = self._draw(kind, version)
            return {**kept.said, "version": kept.version}

    def _draw(self, kind: str, version: int) -> _Drawn:
        began = time.monotonic()
        with self._source.journal() as journal:
            shown, name = heated(journal, self._catalog, kind)
        said = {"diagram": as_svg(shown), "name": name}
        ended = time.monotonic()
        if len(self._kept) >= _MOST:
            self._kept.clear()
        until = ended + max(self._rest, _SHARE * (ended - began))
        kept = self._kept[kind] = _Drawn(version, until, said)
        return kept


def heated(journal: Journal, catalog: Catalog, kind: str) -> tuple[StateGraph | None, str | None]:
    """What `Catalog.drawn` finds for a kind with the traffic of its runs; its name, if a class."""
    drawn = catalog.drawn(journal, kind)
    if drawn is None:
        return None, None
    traffic = journal.traffic(kind or None)
    name = None if isinstance(drawn, StateGraph) else drawn.lifecycle.name
    # How many are where now says the page itself, as it changes.
    return heat(drawn, traffic, now=False), name
