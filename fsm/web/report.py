"""Report: the page as one file that needs nothing else, to mail around."""

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

from .classes import Catalog
from .handler import markup, script, style
from .heat import heated
from .recorded import trail
from .story import story
from .views import as_svg, history, listed, overview, picture, timeline
from .watch import Snapshot

__all__ = ["report"]

_STYLE = '<link rel="stylesheet" href="/page.css">'
_SCRIPT = '<script src="/page.js" defer></script>'
_MOST_KINDS = 50  # lifecycles, of the kinds with the most runs
_MOST_PATHS = 50  # pictures of each sort; runs that went the same way share one


def report(journal: Journal, *classes: type[Run], histories: int = 1000) -> str:
    """Write the runs of *journal* as an HTML file.

    Args:
        classes: Whose lifecycles are drawn; the first stands for runs at large.
        histories: How many runs come with their steps and payloads: the last begun.
    """
    catalog, snapshot = Catalog(classes), Snapshot(1, tuple(journal.runs())[::-1])
    included = snapshot.runs[: max(0, histories)]
    known = overview(snapshot, catalog)
    kept = {run.run: _history(journal, run.run) for run in included}
    told = [run for run in included if "error" not in kept[run.run]]
    most = Counter(run.kind for run in snapshot.runs).most_common(_MOST_KINDS)
    data = {
        "overview": known,
        "runs": [listed(run) for run in snapshot.runs],
        "histories": kept,
        "paths": _paths(journal, told),
        "lifecycles": {kind: _lifecycle(journal, catalog, kind) for kind in ("", *dict(most))},
        "timeline": timeline(journal, told),
    }
    return _file(_embedded(data))


def _history(journal: Journal, run: str) -> dict[str, Any]:
    """What happened to it; or why that cannot be read, which is no reason to tell of no run."""
    try:
        return {**history(journal, run), "story": story(journal, run)}
    except (LifecycleError, StateError) as error:
        return {"error": cut(error)}


def _lifecycle(journal: Journal, catalog: Catalog, kind: str) -> dict[str, Any]:
    shown, name = heated(journal, catalog, kind)
    return {"diagram": as_svg(shown), "name": name}


def _paths(journal: Journal, runs: Iterable[Summary]) -> dict[str, Any]:
    """The ways that the runs went, and by its id which of them a run went."""
    ways: dict[StateGraph, int] = {}
    room = {"bare": _MOST_PATHS, "refused": _MOST_PATHS}
    went = {}
    for run in runs:
        for sort, way in _trails(journal, run.run):
            if way in ways or room[sort]:
                room[sort] -= way not in ways
                went[run.run] = ways.setdefault(way, len(ways))
                break
    return {"pictures": [picture(way) for way in ways], "went": went}


def _trails(journal: Journal, run: str) -> Iterator[tuple[str, StateGraph]]:
    """The way it went, with what it was refused if anything; then without, if there is no room."""
    refusals = tuple(journal.refusals(run))
    for sort, told in [("refused", refusals), ("bare", ())] if refusals else [("bare", ())]:
        way = trail(journal.records(run), told)
        if way is not None:
            yield sort, way


def _file(data: str) -> str:
    policy = (
        f"default-src 'none'; script-src {_hash(script())}; style-src {_hash(style())}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style()}</style>'
    body = f'<script type="application/json" id="data">{data}</script><script>{script()}</script>'
    before, after = markup().replace(_STYLE, head).split(_SCRIPT)
    return before + after.replace("</body>", f"{body}</body>")


def _embedded(data: object) -> str:
    """JSON in which nothing ends the element it stands in, or begins another."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
