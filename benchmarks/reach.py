"""The targets as data, and whether the figures reach them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .measure import Table

__all__ = ["REACH", "Target"]


@attrs.frozen
class Target:
    """A bound on a figure, or on its ratio to another; of several tables the worst counts."""

    what: str
    tables: tuple[str, ...]  # titles
    figure: str
    against: str | None  # another figure of the same table; None: the figure itself
    sense: str  # "<=" or ">="
    bound: float
    unit: str = "x"

    @property
    def wanted(self) -> str:
        """The bound as text."""
        return f"{self.sense} {self.say(self.bound)}"

    def say(self, value: float) -> str:
        """A value in the target's unit."""
        return f"{value:,.0f} {self.unit}" if self.unit != "x" else f"{value:,.2f}x"

    def reached(self, tables: Mapping[str, Table]) -> float | None:
        """The figure reached; None if it was not measured."""
        values = [self._value(tables[title]) for title in self.tables if title in tables]
        known = [value for value in values if value is not None]
        if not known:
            return None
        return min(known) if self.sense == ">=" else max(known)

    def met(self, value: float) -> bool:
        """Whether *value* is within the bound."""
        return value >= self.bound if self.sense == ">=" else value <= self.bound

    def _value(self, table: Table) -> float | None:
        if self.against is not None:
            return table.ratio(self.figure, self.against)
        figure = table.figure(self.figure)
        return None if figure is None else figure.median


_HAND = "hand-written"
_KINDS = ("Running", "Success", "Retrying")

# fmt: off
REACH = (
    Target("a full step, against hand-written",
           ("a full step",), "ours", _HAND, "<=", 1.6),
    Target("plain transitions, against our full step",
           ("a full step",), "transitions", "ours", ">=", 5),
    Target("python-statemachine, against our full step",
           ("a full step",), "python-statemachine", "ours", ">=", 50),
    Target("an async step, against hand-written",
           ("an async step",), "ours", _HAND, "<=", 2),
    Target("AsyncMachine, against our async step",
           ("an async step",), "transitions, async", "ours", ">=", 30),
    Target("create a run, against hand-written",
           ("create a run",), "ours", _HAND, "<=", 3),
    Target("create a TaskRun, against hand-written",
           ("create a run",), "ours, TaskRun", _HAND, "<=", 3),
    Target("a transitions machine of its table, against a TaskRun",
           ("create a run",), "transitions, own machine of TaskRun's table", "ours, TaskRun",
           ">=", 100),
    Target("a transitions machine of two states, against our run of two",
           ("create a run",), "transitions, own machine", "ours", ">=", 100),
    Target("create the last of a million, against the first thousand",
           ("create and keep, ours, collector held back",), "up to 1,000,000", "up to 1,000",
           "<=", 1.3),
    Target("a live run, Pending, no listeners",
           ("memory, traced",), "ours", None, "<=", 350, "bytes"),
    Target("the same, once its id and state were looked at",
           ("memory, traced",), "ours, state looked at", None, "<=", 350, "bytes"),
    Target("a million live TaskRuns with one step each",
           ("a million: resident",), "ours", None, "<=", 800, "MB"),
    Target("a refused trigger, against a step",
           ("a refused trigger",), "ours, refused", "ours, a step", "<=", 3),
    Target("a guard that said no, against a step",
           ("a refused trigger",), "ours, a guard said no", "ours, a step", "<=", 3),
    Target("a step among 1,000 states, against 10",
           ("a step in a large table",), "ours, 1,000 states", "ours, 10 states", "<=", 1.3),
    Target("fan-out of 100,000 children, against hand-written",
           ("fan-out: all",), "ours", _HAND, "<=", 2),
    Target("a child among 100,000, against 1,000",
           ("fan-out grows, ours",), "100,000", "1,000", "<=", 1.3),
    Target("serialize a state, against hand-written",
           tuple(f"serialize a {kind}" for kind in _KINDS), "ours", _HAND, "<=", 3),
    Target("cattrs, against our serialize",
           tuple(f"serialize a {kind}" for kind in _KINDS), "cattrs", "ours", ">=", 5),
    Target("deserialize a state, against hand-written",
           tuple(f"deserialize a {kind}" for kind in _KINDS), "ours", _HAND, "<=", 3),
    Target("cattrs, against our deserialize",
           tuple(f"deserialize a {kind}" for kind in _KINDS), "cattrs", "ours", ">=", 5),
    Target("SQLite in batches of 100, of the speed of raw executemany",
           ("append to SQLite in batches of 100",), "raw sqlite3", "ours", ">=", 0.6),
    Target("SQLite one by one, of the speed of raw commits",
           ("append to SQLite one by one",), "raw sqlite3", "ours", ">=", 0.9),
    Target("perform a trivial task, against thrice bare and the steps",
           ("perform a trivial task",), "ours", "thrice bare and the steps", "<=", 1),
    Target("import fsm, beyond attrs, pendulum and transitions",
           ("import fsm, beyond what it stands on",), "fsm", None, "<=", 25, "ms"),
    Target("heavy modules that import fsm pulls in",
           ("heavy modules imported",), "fsm", None, "<=", 0, "of them"),
)
# fmt: on
