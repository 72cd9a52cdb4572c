"""Step: one move of one run."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pendulum

from fsm.states import State, moment

__all__ = ["Step"]


class Step(NamedTuple):
    """One move of one run: from `source` to `dest` by `event`, the `seq`-th of its history.

    Guards are asked about it before it is made, journals keep it, listeners are called with it.
    """

    # A named tuple: every step makes one, and a frozen attrs object takes four times as long.

    run: str  # the id of the run
    seq: int  # 1 for the first
    event: str
    source: State
    dest: State
    micros: int  # the time, in microseconds since 1970-01-01 UTC
    settings: Mapping[str, Any] | None = None  # `Run.settings()`; on the first step only
    key: str | None = None  # the idempotency key; see `Run.once`

    @property
    def at(self) -> pendulum.DateTime:
        """The time, in UTC."""
        return moment.from_micros(self.micros)

    def __hash__(self) -> int:
        return hash((*self[:6], self.key))  # without the settings, a mapping

    def __repr__(self) -> str:
        source, dest = type(self.source).__name__, type(self.dest).__name__
        return f"#{self.seq} {self.event}: {source} → {dest}"


Step.__module__ = "fsm"  # where it is public; in the body a named tuple would take it for a field
