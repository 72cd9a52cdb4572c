"""View: what the page shows, as JSON values. All of it is text to the page, never markup."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import attrs

from fsm import diagrams
from fsm.diagrams import Graph
from fsm.diagrams.color import safe, text_on
from fsm.diagrams.drawing import graph
from fsm.errors import MissingExtra
from fsm.journal import Journal, Record, Summary
from fsm.run import Run
from states import State, ambient, moment

from .catalog import Catalog
from .watch import Snapshot

__all__ = [
    "MOST_RUNS", "Query", "history", "lifecycle", "listed", "overview", "page", "picture",
    "timeline",
]  # fmt: skip

MOST_RUNS = 200  # on a page
_MOST_DRAWN = 1000  # runs on a timeline
_MOST_STEPS = 500  # of a run; of more, the last
_LONGEST = 20_000  # characters of a payload
_LONGEST_MESSAGE = 300  # characters, in a list


@attrs.frozen
class Query:
    """Which runs of a snapshot, and which page of them."""

    state: str = ""
    kind: str = ""
    search: str = ""  # a part of the id, in whatever case
    offset: int = 0
    limit: int = 50

    def found(self, snapshot: Snapshot) -> list[Summary]:
        """All runs that are asked for, the last begun first."""
        part = self.search.casefold()
        return [
            run
            for run in snapshot.runs
            if self.state in ("", run.state)
            and self.kind in ("", run.kind)
            and part in run.run.casefold()
        ]

    def shown(self, found: Sequence[Summary]) -> Sequence[Summary]:
        """The page of them."""
        return found[self.offset : self.offset + self.limit]


def overview(snapshot: Snapshot, catalog: Catalog) -> dict[str, Any]:
    """How many runs of each kind are in each state: those of the table, then others by name."""
    counts = Counter((run.kind, run.state) for run in snapshot.runs)
    known = {node.__name__: node for cls in catalog.classes for node in cls.lifecycle.nodes}
    others = sorted({state for _, state in counts} - known.keys())
    colors = {state.__name__: safe(str(state.color)) for state in State.children()}
    colors |= {name: safe(str(node.color)) for name, node in known.items()}
    names = (*known, *others)
    return {
        "version": snapshot.version,
        "trouble": snapshot.trouble,
        "lifecycle": catalog.main.lifecycle.name,
        "total": len(snapshot.runs),
        "states": [
            {"name": name, "color": color, "ink": text_on(color)}
            for name, color in ((name, colors.get(name, safe(""))) for name in names)
        ],
        "kinds": [
            {"name": kind, "counts": [counts[kind, name] for name in names]}
            for kind in sorted({kind for kind, _ in counts})
        ],
    }


def page(snapshot: Snapshot, query: Query) -> dict[str, Any]:
    """One page of the runs that *query* asks for, the last begun first."""
    found = query.found(snapshot)
    runs = [listed(run) for run in query.shown(found)]
    return {"matching": len(found), "offset": query.offset, "runs": runs}


def listed(run: Summary) -> dict[str, Any]:
    """One run of the list."""
    return {
        "run": run.run,
        "state": run.state,
        "phase": run.phase,
        "kind": run.kind,
        "message": None if run.message is None else _cut(run.message, _LONGEST_MESSAGE),
        "steps": run.steps,
        "began": _written(run.began),
        "moved": _written(run.moved),
        "owner": run.owner,
    }


def history(journal: Journal, run: str, after: int = 0) -> dict[str, Any]:
    """What happened to one run, as recorded; its classes need not be there.

    Args:
        after: How many steps are known already.

    Raises:
        UnknownRun: There is no such run.
    """
    summary = journal.summary(run)
    last = deque(journal.records(run) if summary.steps > after else (), _MOST_STEPS)
    return {
        "run": listed(summary),
        "now": ambient.micros() / 1000,
        "steps": _steps(record for record in last if record.seq > after),
        "left_out": max(0, summary.steps - _MOST_STEPS),
    }


def lifecycle(drawn: type[Run] | Graph | None) -> dict[str, Any]:
    """What `Catalog.drawn` finds for a kind, as SVG, with its name where it is a class."""
    if drawn is None or isinstance(drawn, Graph):
        return {"diagram": picture(drawn), "name": None}
    return {"diagram": picture(graph(drawn)), "name": drawn.lifecycle.name}


@lru_cache(256)
def picture(shown: Graph | None) -> str | None:
    """The SVG of it; None where there is nothing to draw, or nothing that can."""
    try:
        return None if shown is None else diagrams.svg(shown)
    except MissingExtra:
        return None


def timeline(journal: Journal, runs: Sequence[Summary], width: int = 1200) -> str:
    """Runs over time, until now, as SVG: the first thousand of them."""
    drawn = runs[:_MOST_DRAWN]
    histories = [tuple(deque(journal.records(run.run), _MOST_STEPS)) for run in drawn]
    kinds = {run.run: run.kind for run in drawn}
    return diagrams.chart(histories, width, until=ambient.micros(), kinds=kinds)


def _steps(records: Iterable[Record]) -> Sequence[dict[str, Any]]:
    return [
        {
            "seq": record.seq,
            "event": record.event,
            "source": record.source,
            "dest": record.dest,
            "at": _written(record.micros),
            "ms": record.micros / 1000,
            "payload": _cut(_readable(record.payload), _LONGEST),
        }
        for record in records
    ]


def _readable(payload: str) -> str:
    """JSON with line breaks: here, since a browser would round its whole numbers."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return payload


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text)} characters)"


def _written(micros: int) -> str:
    return moment.from_micros(micros).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
