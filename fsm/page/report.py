"""Report: the page as one file that needs nothing else, to mail around."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources

from fsm.journal import Journal
from fsm.run import Run

from .view import history, listed, overview, picture
from .watch import Snapshot

__all__ = ["report"]

_STYLE = '<link rel="stylesheet" href="/page.css">'
_SCRIPT = '<script src="/page.js" defer></script>'


def report(journal: Journal, cls: type[Run], *, histories: int = 1000) -> str:
    """Write the runs of *journal* as an HTML file.

    Args:
        cls: Whose lifecycle is drawn.
        histories: How many runs come with their steps and payloads: the last begun.
    """
    snapshot = Snapshot(1, tuple(journal.runs())[::-1])
    data = {
        "overview": overview(snapshot, cls) | {"diagram": picture(cls)},
        "runs": [listed(run) for run in snapshot.runs],
        "histories": {
            run.run: history(journal, run.run) for run in snapshot.runs[: max(0, histories)]
        },
    }
    style, script = _read("page.css"), _read("page.js")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style>'
    body = (
        f'<script type="application/json" id="data">{_embedded(data)}</script>'
        f"<script>{script}</script>"
    )
    before, after = _read("index.html").replace(_STYLE, head).split(_SCRIPT)
    return before + after.replace("</body>", f"{body}</body>")


def _embedded(data: object) -> str:
    """JSON in which nothing ends the element it stands in, or begins another."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _read(name: str) -> str:
    return resources.files("fsm.page").joinpath("static", name).read_text("utf-8")
