"""Explain a run in sentences: why it can or cannot make a step, and what happened to it.

Runs and journals are only read. On a run at hand, `run.why_not(event)` and `run.story()` do the
same as `explain` and `tell_story`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .entry import StoryEntry
    from .narrator import StoryLine
    from .search import PathStep
    from .story import Story, read_story, tell_story
    from .why import Why, explain

__all__ = [
    "PathStep",
    "Story",
    "StoryEntry",
    "StoryLine",
    "Why",
    "explain",
    "read_story",
    "tell_story",
]

# Names are imported on demand: `run.why_not()` does not load what stories need, and a worker that
# imports one module of this package does not load the others.
_MODULES = {
    "PathStep": "search",
    "Story": "story",
    "StoryEntry": "entry",
    "StoryLine": "narrator",
    "Why": "why",
    "explain": "why",
    "read_story": "story",
    "tell_story": "story",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
