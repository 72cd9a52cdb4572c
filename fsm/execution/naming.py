"""Naming: from the name that journals and workers have for a class of runs to the class."""

from __future__ import annotations

import importlib
import sys

from fsm.run.run import Run

__all__ = ["named"]


def named(kind: str, *, imported: bool = False) -> type[Run] | None:
    """The class called `module:Class`; a decorated function stands for the class of its runs.

    Args:
        imported: Whether to import its module if nobody has. For names that our own program
            sends, never for what is stored.
    """
    module_name, _, path = kind.partition(":")
    if module_name == "__main__" or not path:
        return None
    if imported:
        importlib.import_module(module_name)
    found: object = sys.modules.get(module_name)
    for name in path.split("."):
        found = getattr(found, name, None)
    found = getattr(found, "kind", found)
    return found if isinstance(found, type) and issubclass(found, Run) else None
