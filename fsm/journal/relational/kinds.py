"""Kinds of our own classes of runs, under the names that earlier releases wrote into journals."""

from __future__ import annotations

__all__ = ["CURRENT_KIND", "RENAMED_KINDS", "current_kind", "names_of_kind"]

# A journal that is opened for writing is upgraded. One that may only be read is mapped on reading.
RENAMED_KINDS = {
    "fsm.task:TaskRun": "fsm:TaskRun",
    "fsm.function_run:FunctionRun": "fsm.flow:FunctionRun",
    "fsm.demo.flow:DemoRun": "fsm.demo.pipeline:DemoRun",
}

_CASES = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in RENAMED_KINDS.items())
CURRENT_KIND = f"CASE kind {_CASES} ELSE kind END"  # `current_kind` in SQL, for upgrades


def current_kind(kind: str) -> str:
    """Return what a kind in a journal is called now."""
    return RENAMED_KINDS.get(kind, kind)


def names_of_kind(kind: str) -> list[str]:
    """Return the names that a journal may have for a kind: that of today, then earlier ones."""
    return [kind, *(old for old, new in RENAMED_KINDS.items() if new == kind)]
