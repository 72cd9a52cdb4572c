"""Kind: what a journal calls the class of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fsm.errors import InvalidArgument

from .arguments import as_class

if TYPE_CHECKING:
    from fsm.run.run import Run

__all__ = ["as_kinds", "kind_of"]


def kind_of(cls: type[Run] | None) -> str:
    """What a journal calls the class of a run; empty where it was not said."""
    cls = as_class(cls)
    return "" if cls is None else f"{cls.__module__}:{cls.__qualname__}"


def as_kinds(classes: Any) -> tuple[str, ...] | None:
    """Take classes of runs, by what a journal calls them; None is any."""
    if classes is None:
        return None
    if not isinstance(classes, Iterable):
        raise InvalidArgument(f"kinds come as an iterable of classes, not as {classes!r:.60}")
    return tuple(map(_named, classes))


def _named(cls: object) -> str:
    if cls is None:  # elsewhere that is a class nobody has said; here it would claim any such run
        raise InvalidArgument("a class of runs is needed, not None")
    return kind_of(as_class(cls))
