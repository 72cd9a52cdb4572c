"""The time of `import fsm`, next to its dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .child import run_python
from .measure import Effort, Figure, Table, repeat

__all__ = ["tables"]

_HEAVY = ("asyncio", "click", "rich", "sqlalchemy", "sqlite3")
_TIMED = """
import sys, time
sys.dont_write_bytecode = False  # the warm-up compiles; what is timed is the import
begin = time.perf_counter()
import {modules}
print((time.perf_counter() - begin) * 1e3)
"""
_PULLED_IN = """
import json, sys
import {modules}
print(json.dumps([name for name in {heavy} if name in sys.modules]))
"""
_BELOW = "attrs, pendulum, transitions"


def tables(effort: Effort) -> Iterator[Table]:
    """The time in fresh processes, and the heavy modules that are loaded."""

    def importing(modules: str) -> Callable[[], float]:
        return lambda: float(run_python("-c", _TIMED.format(modules=modules)))

    contenders = {modules: importing(modules) for modules in (_BELOW, "states", "fsm")}
    turns = effort.turns
    if effort.share == 1:
        repeat("warm up", contenders, against=_BELOW, unit="ms", turns=1)
    timed = repeat("import", contenders, against=_BELOW, unit="ms", turns=turns)
    ours, below = timed.figure("fsm"), timed.figure(_BELOW)
    assert ours is not None
    assert below is not None
    yield timed
    more = tuple(one - other for one, other in zip(ours.turns, below.turns, strict=True))
    yield Table("import fsm, beyond what it stands on", "ms", (Figure("fsm", more),), "fsm")
    heavy = {
        modules: run_python("-c", _PULLED_IN.format(modules=modules, heavy=_HEAVY))
        for modules in (_BELOW, "fsm")
    }
    yield Table(
        "heavy modules imported",
        "of them",
        tuple(Figure(modules, (float(len(found)),)) for modules, found in heavy.items()),
        _BELOW,
        f"of {', '.join(_HEAVY)}; with fsm: {', '.join(heavy['fsm']) or 'none'}",
    )
