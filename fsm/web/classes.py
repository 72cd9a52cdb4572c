"""The Run classes that the page was given.

No class is imported because a journal names it: a journal is data.
"""

from __future__ import annotations

import attrs

from fsm.diagrams import StateGraph
from fsm.errors import CorruptJournal
from fsm.journal import Journal
from fsm.operations.control import restore_task_run
from fsm.run.run import Run

from .recorded import graph_of_edges

__all__ = ["KnownClasses"]


@attrs.frozen
class KnownClasses:
    """Finds the class of a run among the given ones; the first is the default."""

    classes: tuple[type[Run], ...] = attrs.field(validator=attrs.validators.min_len(1))

    @property
    def default(self) -> type[Run]:
        """The class that is drawn for all kinds together."""
        return self.classes[0]

    def find(self, kind: str) -> type[Run] | None:
        """Return the class of that kind; None if it was not given."""
        return next((cls for cls in self.classes if cls.lifecycle.kind == kind), None)

    def find_drawable(self, journal: Journal, kind: str) -> type[Run] | StateGraph | None:
        """Return what to draw for the runs of a kind, or of all if *kind* is empty.

        That is the class of the kind, or a given class with exactly the edges that the journal
        records for the kind, or else a graph of those edges; None if there are none.
        """
        known = self.find(kind) if kind else self.default
        if known is not None:
            return known
        edges = journal.edges(kind)
        same = (cls for cls in self.classes if cls.lifecycle.edge_names() == edges)
        return next(same, None) or graph_of_edges(edges)

    def restore(self, journal: Journal, id: str) -> Run | None:
        """Restore a run by its class; None if neither that nor one of the same edges is known.

        Raises:
            UnknownRun: There is no such run.
        """
        kind = journal.summary(id).kind
        known = self.find(kind)
        if known is not None:
            return known.restore(id, journal)
        if not isinstance(self.find_drawable(journal, kind), type):
            return None
        try:
            return restore_task_run(id, journal)
        except CorruptJournal:
            return None
