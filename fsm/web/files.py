"""Files: what a browser is sent as it stands in `static`; the scripts as one."""

from __future__ import annotations

from importlib import resources

__all__ = ["markup", "script", "style"]

_SCRIPTS = (  # each may use those before it
    "source.js", "draw.js", "list.js", "told.js", "run.js", "place.js", "events.js", "page.js",
)  # fmt: skip


def markup() -> str:
    """The page without its style and script, which it asks for."""
    return _read("index.html")


def style() -> str:
    """How it looks."""
    return _read("page.css")


def script() -> str:
    """What it does."""
    return "\n".join(map(_read, _SCRIPTS))


def _read(name: str) -> str:
    return resources.files("fsm.web").joinpath("static", name).read_text("utf-8")
