"""The report: the page and its data in one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from fsm.diagrams import StateGraph
from fsm.errors import LifecycleError
from fsm.journal import Journal, Summary
from fsm.run.run import Run
from fsm.states import StateError
from fsm.text import cut

from .classes import KnownClasses
from .handler import markup, script, style
from .heat import traffic_graph
from .recorded import graph_of_steps
from .story import story
from .views import draw, draw_once, history, overview, row_of, timeline
from .watch import Snapshot

__all__ = ["report"]

_STYLE = '<link rel="stylesheet" href="/page.css">'
_SCRIPT = '<script src="/page.js" defer></script>'
_MOST_KINDS = 50  # lifecycles: of the kinds with the most runs
_MOST_PATHS = 50  # pictures with refusals, and without; runs with equal paths share one


def report(journal: Journal, *classes: type[Run], histories: int = 1000) -> str:
    """Return the runs of *journal* as an HTML page that needs no other files.

    Args:
        journal: Whose runs are shown.
        classes: Their lifecycles are drawn; at least one. The first stands for all kinds together.
        histories: How many runs are included with steps and payloads: the last ones that began.
    """
    known, snapshot = KnownClasses(classes), Snapshot(1, tuple(journal.runs())[::-1])
    included = snapshot.runs[: max(0, histories)]
    histories_by_run = {run.run: _history(journal, run.run) for run in included}
    readable = [run for run in included if "error" not in histories_by_run[run.run]]
    most = Counter(run.kind for run in snapshot.runs).most_common(_MOST_KINDS)
    data = {
        "overview": overview(snapshot, known),
        "runs": [row_of(run) for run in snapshot.runs],
        "histories": histories_by_run,
        "paths": _paths(journal, readable),
        "lifecycles": {kind: _lifecycle(journal, known, kind) for kind in ("", *dict(most))},
        "timeline": timeline(journal, readable),
    }
    return _build(_embed(data))


def _history(journal: Journal, run: str) -> dict[str, Any]:
    """Return the history of a run, or why it cannot be read."""
    try:
        return {**history(journal, run), "story": story(journal, run)}
    except (LifecycleError, StateError) as error:
        return {"error": cut(error)}


def _lifecycle(journal: Journal, known: KnownClasses, kind: str) -> dict[str, Any]:
    graph, name = traffic_graph(journal, known, kind)
    return {"diagram": draw(graph), "name": name}


def _paths(journal: Journal, runs: Iterable[Summary]) -> dict[str, Any]:
    """Draw the paths of the runs, each once; `of_run` has the index of each run's picture."""
    paths: dict[StateGraph, int] = {}
    left = {"plain": _MOST_PATHS, "refused": _MOST_PATHS}
    of_run = {}
    for run in runs:
        for sort, path in _candidates(journal, run.run):
            if path in paths or left[sort]:
                left[sort] -= path not in paths
                of_run[run.run] = paths.setdefault(path, len(paths))
                break
    return {"pictures": [draw_once(path) for path in paths], "of_run": of_run}


def _candidates(journal: Journal, run: str) -> Iterator[tuple[str, StateGraph]]:
    """Yield the path of a run with its refusals, if any, and then without them."""
    refusals = tuple(journal.refusals(run))
    for sort, shown in [("refused", refusals), ("plain", ())] if refusals else [("plain", ())]:
        path = graph_of_steps(journal.records(run), shown)
        if path is not None:
            yield sort, path


def _build(data: str) -> str:
    policy = (
        f"default-src 'none'; script-src {_hash(script())}; style-src {_hash(style())}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style()}</style>'
    body = f'<script type="application/json" id="data">{data}</script><script>{script()}</script>'
    before, after = markup().replace(_STYLE, head).split(_SCRIPT)
    return before + after.replace("</body>", f"{body}</body>")


def _embed(data: object) -> str:
    """Return JSON that cannot end the HTML element around it, or begin another."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
