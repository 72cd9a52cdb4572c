"""Lifecycle: a table of transitions as immutable data, checked when its class is made."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from fsm.errors import CorruptJournal, InvalidLifecycle
from fsm.ids import MAX_LENGTH
from fsm.states import State

from .display import Display
from .event import Event, StateClass, Transition, is_node
from .step import Step

__all__ = ["Edge", "Lifecycle"]

Leading = Mapping[str, tuple[Transition, ...]]  # by event in table order: its rows from one node
Families = Mapping[type, list[StateClass]]  # by class: the nodes of its kind

_NOTHING: Leading = MappingProxyType({})


@attrs.frozen(eq=False)
class Edge:
    """One arrow of the diagram: a row, seen from one of its sources."""

    __module__ = "fsm.lifecycle"

    source: StateClass
    event: str
    dest: StateClass  # the source itself where the row stays
    row: Transition


@attrs.frozen(eq=False)
class Lifecycle(Display):
    """A table of transitions: where runs begin, what can happen, and where it leads.

    `f"{lifecycle:mermaid}"` draws it, as `dot`, `svg` and `markdown` do.
    """

    __module__ = "fsm"

    name: str
    kind: str  # what journals call it: "module:qualname" of the class of runs
    initial: StateClass
    events: Mapping[str, Event[Any, Any]]
    nodes: tuple[StateClass, ...]  # the classes that a run can be in
    edges: tuple[Edge, ...]
    finals: tuple[StateClass, ...]  # the nodes that nothing leads out of
    _rows: Mapping[StateClass, Leading]

    @classmethod
    def of(
        cls,
        name: str,
        initial: StateClass,
        events: Iterable[Event[Any, Any]],
        kind: str | None = None,
    ) -> "Lifecycle":
        """Build the table and check that it makes sense.

        Args:
            kind: What journals call it; the name if left out.

        Raises:
            InvalidLifecycle: Two states of one name, a name of more than 200 characters, a row
                that can never be taken, or a state that cannot be reached.
        """
        if not is_node(initial):
            raise InvalidLifecycle(f"{name} begins in a state class, not in {initial!r}")
        named = {event.name: event for event in events}
        nodes = _nodes(initial, named.values())
        rows = _rows(nodes, named.values())
        edges = tuple(
            Edge(node, event, row.dest or node, row)
            for node, leading in rows.items()
            for event, tried in leading.items()
            for row in tried
        )
        finals = tuple(node for node, leading in rows.items() if not leading)
        lifecycle = cls(
            name, kind or name, initial, MappingProxyType(named), nodes, edges, finals, rows
        )
        _check(lifecycle)
        return lifecycle

    def rows(self, event: str, node: StateClass) -> tuple[Transition, ...]:
        """The rows that lead out of *node* under *event*, in the order in which they are tried."""
        return self._rows.get(node, _NOTHING).get(event, ())

    def allowed(self, node: StateClass) -> tuple[str, ...]:
        """The events that lead out of *node* by the table, whatever guards answer, in its order."""
        return tuple(self._rows.get(node, _NOTHING))

    def leads(self, event: str, node: StateClass) -> bool:
        """Whether *event* leads out of *node* by the table, whatever guards answer."""
        return event in self._rows.get(node, _NOTHING)

    def dests(self, event: str, node: StateClass) -> tuple[StateClass, ...]:
        """Where *event* may lead from *node*, each class once."""
        return tuple(dict.fromkeys(row.dest or node for row in self.rows(event, node)))

    def leading(self, node: StateClass, dest: StateClass) -> tuple[str, ...]:
        """The events that may lead from *node* to *dest*, in table order.

        Events with an `explicit_only` row are left out: they are taken only when fired themselves.
        """
        return tuple(
            event
            for event in self.allowed(node)
            if dest in self.dests(event, node)
            and not any(row.explicit_only for row in self.rows(event, node))
        )

    def node(self, name: str) -> StateClass | None:
        """The state class of this name; None where the table has none."""
        return next((node for node in self.nodes if node.__name__ == name), None)

    def edge_names(self) -> set[tuple[str, str, str]]:
        """The edges by the names of their source, event and destination."""
        return {(edge.source.__name__, edge.event, edge.dest.__name__) for edge in self.edges}

    def check_history(self, run: str, steps: Sequence[Step]) -> None:
        """Accept *steps* as the history of the run with the id *run*.

        They are numbered from 1 without a gap, each begins in the state in which the one before
        it ended, and each is in the table.

        Raises:
            CorruptJournal: They are not the history of a run of this lifecycle.
        """
        before = steps[0].source
        if type(before) not in self.nodes:
            raise CorruptJournal(f"run {run!r} began in {before!r}, where no {self.name} can be")
        for seq, step in enumerate(steps, 1):
            if step.seq != seq or type(step.source) is not type(before):
                raise CorruptJournal(
                    f"run {run!r}: {step!r} stands where step {seq} from "
                    f"{type(before).__name__} should be"
                )
            if type(step.dest) not in self.dests(step.event, type(step.source)):
                raise CorruptJournal(f"run {run!r}: {step!r} is not in the table of {self.name}")
            before = step.dest

    def matrix(self) -> str:
        """Every state by every event as text: the destination, with `?` where guarded, or a dot."""
        header = ["", *self.events]
        body = [
            [node.__name__, *(self._cell(event, node) for event in self.events)]
            for node in self.nodes
        ]
        widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
        lines = (
            "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in row)
            for row in (enumerate(zip(line, widths, strict=True)) for line in [header, *body])
        )
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def _cell(self, event: str, node: StateClass) -> str:
        rows = self.rows(event, node)
        names = ((row.dest.__name__ if row.dest else "(stays)") + "?" * row.guarded for row in rows)
        return " or ".join(dict.fromkeys(names)) or "·"

    def __repr__(self) -> str:
        return f"<Lifecycle {self.name}: {len(self.nodes)} states, {len(self.events)} events>"


def _nodes(initial: StateClass, events: Iterable[Event[Any, Any]]) -> tuple[StateClass, ...]:
    """The state classes that a run can be in, in the order of `State.children()`."""
    dests = {row.dest for event in events for row in event.rows if row.dest}
    found = dests | {initial}
    order = {cls: place for place, cls in enumerate(State.children())}
    return tuple(sorted(found, key=lambda cls: (order.get(cls, len(order)), cls.__qualname__)))


def _rows(
    nodes: Iterable[StateClass], events: Iterable[Event[Any, Any]]
) -> Mapping[StateClass, Leading]:
    """By node and event, both in table order: the rows, in the order in which they are tried.

    Goes from each row to the nodes it leads from, never through all nodes for each event: a
    table of a thousand states has as many events.
    """
    families: Families = defaultdict(list)
    for node in nodes:
        for cls in node.__mro__:
            families[cls].append(node)
    rows: dict[StateClass, dict[str, tuple[Transition, ...]]] = {node: {} for node in nodes}
    for event in events:
        for node, tried in _leading(event, families).items():
            rows[node][event.name] = tried
    return MappingProxyType(rows)


def _leading(
    event: Event[Any, Any], families: Families
) -> dict[StateClass, tuple[Transition, ...]]:
    """The event's rows by node, nearest ancestor first, then as declared."""
    found: dict[StateClass, list[tuple[int, Transition]]] = defaultdict(list)
    for row in event.rows:
        for node, distance in _distances(row, families).items():
            found[node].append((distance, row))
    return {
        node: tuple(row for _, row in sorted(near, key=lambda pair: pair[0]))
        for node, near in found.items()
    }


def _distances(row: Transition, families: Families) -> dict[StateClass, int]:
    """By node: how far up its ancestry the row is declared."""
    near: dict[StateClass, int] = {}
    for source in row.sources:
        for node in families.get(source, ()):
            distance = node.__mro__.index(source)
            near[node] = min(distance, near.get(node, distance))
    for excluded in row.excluding:
        for node in families.get(excluded, ()):
            near.pop(node, None)
    return near


def _check(lifecycle: Lifecycle) -> None:
    _check_lengths(lifecycle)
    _check_names(lifecycle)
    _check_rows(lifecycle)
    _check_reach(lifecycle)


def _check_lengths(lifecycle: Lifecycle) -> None:
    """Journals and pages rely on the bound."""
    names = [
        ("kind", lifecycle.kind),
        *(("state", node.__name__) for node in lifecycle.nodes),
        *(("event", event) for event in lifecycle.events),
    ]
    for what, name in names:
        if not 1 <= len(name) <= MAX_LENGTH:
            raise InvalidLifecycle(
                f"the {what} {name[:60]!r}... of {lifecycle.name[:60]} has {len(name)} characters; "
                f"names of kinds, states and events have 1 to {MAX_LENGTH}"
            )


def _check_names(lifecycle: Lifecycle) -> None:
    seen: dict[str, StateClass] = {}
    for node in lifecycle.nodes:
        other = seen.setdefault(node.__name__, node)
        if other is not node:
            raise InvalidLifecycle(
                f"{lifecycle.name} has two states called {node.__name__}: "
                f"{other.__module__} and {node.__module__}; rename one"
            )


def _check_rows(lifecycle: Lifecycle) -> None:
    """Require of each row a source where no unguarded row stands before it."""
    open_to = _open_to(lifecycle)
    for event in lifecycle.events.values():
        twice = len(set(event.rows)) < len(event.rows)
        for row in event.rows:
            row_name = (
                f"{lifecycle.name}.{event.name} → {row.dest.__name__ if row.dest else '(stays)'}"
            )
            if (event.name, row) not in open_to:
                names = ", ".join(source.__name__ for source in row.sources)
                raise InvalidLifecycle(
                    f"{row_name} leads from {names}, where a run of {lifecycle.name} can never be"
                )
            if twice:
                raise InvalidLifecycle(f"{row_name} stands twice under one name")
            if not open_to[event.name, row]:
                raise InvalidLifecycle(
                    f"{row_name} can never be taken: an unguarded row stands before it"
                )


def _open_to(lifecycle: Lifecycle) -> Mapping[tuple[str, Transition], bool]:
    """By event and row, for rows with a source that is a node: whether the row can be taken."""
    found: dict[tuple[str, Transition], bool] = defaultdict(bool)
    for node in lifecycle.nodes:
        for event in lifecycle.allowed(node):
            free = True
            for row in lifecycle.rows(event, node):
                found[event, row] |= free
                free = free and row.guarded
    return found


def _check_reach(lifecycle: Lifecycle) -> None:
    dests: dict[StateClass, set[StateClass]] = defaultdict(set)
    for edge in lifecycle.edges:
        dests[edge.source].add(edge.dest)
    reached = {lifecycle.initial}
    frontier = [lifecycle.initial]
    while frontier:
        fresh = dests[frontier.pop()] - reached
        reached |= fresh
        frontier.extend(fresh)
    lost = [node.__name__ for node in lifecycle.nodes if node not in reached]
    if lost:
        raise InvalidLifecycle(
            f"{lifecycle.name} can never reach {', '.join(lost)}: "
            f"no chain of events leads there from {lifecycle.initial.__name__}"
        )
