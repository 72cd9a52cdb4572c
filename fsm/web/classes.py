"""Catalog: the classes of runs that were named to the page.

The law of this file: no class is imported because a journal names it.
"""

from __future__ import annotations

import attrs

from fsm.diagrams import StateGraph
from fsm.errors import CorruptJournal
from fsm.journal import Journal
from fsm.operations.control import restore_task_run
from fsm.run.run import Run

from .recorded import table

__all__ = ["Catalog"]


@attrs.frozen
class Catalog:
    """Finds the class of a run among those that were named; the first stands for runs at large."""

    classes: tuple[type[Run], ...] = attrs.field(validator=attrs.validators.min_len(1))

    @property
    def main(self) -> type[Run]:
        """The one that was named first."""
        return self.classes[0]

    def named(self, kind: str) -> type[Run] | None:
        """The class that a journal calls so."""
        return next((cls for cls in self.classes if cls.lifecycle.kind == kind), None)

    def drawn(self, journal: Journal, kind: str) -> type[Run] | StateGraph | None:
        """What to draw for the runs of a kind, or of any.

        That is its class, or one whose table has just the edges that are recorded of the kind;
        else these edges, as they are.
        """
        known = self.named(kind) if kind else self.main
        if known is not None:
            return known
        edges = journal.edges(kind)
        same = (cls for cls in self.classes if cls.lifecycle.edge_names() == edges)
        return next(same, None) or table(edges)

    def restored(self, journal: Journal, id: str) -> Run | None:
        """The run, in a lifecycle that is known here; None where its own is another.

        Raises:
            UnknownRun: There is no such run.
        """
        kind = journal.summary(id).kind
        known = self.named(kind)
        if known is not None:
            return known.restore(id, journal)
        try:
            return (
                restore_task_run(id, journal)
                if isinstance(self.drawn(journal, kind), type)
                else None
            )
        except CorruptJournal:
            return None
