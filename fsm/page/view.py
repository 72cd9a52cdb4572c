"""View: what the page shows, as JSON values. All of it is text to the page, never markup."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from fsm import diagrams
from fsm.diagrams.color import safe, text_on
from fsm.errors import MissingExtra
from fsm.journal import Journal, Record, Summary
from fsm.run import Run
from states import State, moment

from .watch import Snapshot

__all__ = ["MOST_RUNS", "Query", "history", "listed", "overview", "page", "picture"]

MOST_RUNS = 200  # on a page
_MOST_STEPS = 500  # of a run; of more, the last
_LONGEST = 20_000  # characters of a payload


@attrs.frozen
class Query:
    """Which runs of a snapshot, and which page of them."""

    state: str = ""
    kind: str = ""
    search: str = ""  # a part of the id, in whatever case
    offset: int = 0
    limit: int = 50

    def admits(self, run: Summary) -> bool:
        """Whether *run* is one of them."""
        return (
            self.state in ("", run.state)
            and self.kind in ("", run.kind)
            and self.search.casefold() in run.run.casefold()
        )


def overview(snapshot: Snapshot, cls: type[Run]) -> dict[str, Any]:
    """How many runs are in each state, in the order of the lifecycle, then others by name."""
    counts = snapshot.counts
    known = [node.__name__ for node in cls.lifecycle.nodes]
    others = sorted(counts.keys() - set(known))
    colors = {state.__name__: safe(str(state.color)) for state in State.children()}
    colors |= {node.__name__: safe(str(node.color)) for node in cls.lifecycle.nodes}
    return {
        "version": snapshot.version,
        "trouble": snapshot.trouble,
        "lifecycle": cls.lifecycle.name,
        "total": len(snapshot.runs),
        "kinds": sorted({run.kind for run in snapshot.runs} - {""}),
        "states": [
            {
                "name": name,
                "count": counts[name],
                "color": colors.get(name, safe("")),
                "ink": text_on(colors.get(name, safe(""))),
            }
            for name in (*known, *others)
        ],
    }


def page(snapshot: Snapshot, query: Query) -> dict[str, Any]:
    """One page of the runs that *query* asks for, the last begun first."""
    found = [run for run in snapshot.runs if query.admits(run)]
    shown = found[query.offset : query.offset + query.limit]
    return {"matching": len(found), "offset": query.offset, "runs": [listed(run) for run in shown]}


def listed(run: Summary) -> dict[str, Any]:
    """One run of the list."""
    return {
        "run": run.run,
        "state": run.state,
        "phase": run.phase,
        "kind": run.kind,
        "message": run.message,
        "steps": run.steps,
        "began": _written(run.began),
        "moved": _written(run.moved),
        "owner": run.owner,
    }


def history(journal: Journal, run: str) -> dict[str, Any]:
    """What happened to one run, as recorded; its classes need not be there.

    Raises:
        UnknownRun: There is no such run.
    """
    summary = journal.summary(run)
    last = deque(journal.records(run), _MOST_STEPS)
    return {"run": listed(summary), "steps": _steps(last), "left_out": last[0].seq - 1}


def picture(target: diagrams.Target) -> str | None:
    """The lifecycle, or a run's own way through it, as SVG; None where nothing can draw it."""
    try:
        return diagrams.svg(target)
    except MissingExtra:
        return None


def _steps(records: Iterable[Record]) -> Sequence[dict[str, Any]]:
    return [
        {
            "seq": record.seq,
            "event": record.event,
            "source": record.source,
            "dest": record.dest,
            "at": _written(record.micros),
            "ms": record.micros / 1000,
            "payload": _readable(record.payload),
        }
        for record in records
    ]


def _readable(payload: str) -> str:
    """JSON with line breaks: here, since a browser would round its whole numbers."""
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = payload
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … ({len(text)} characters)"


def _written(micros: int) -> str:
    return moment.from_micros(micros).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
