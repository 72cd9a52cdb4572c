"""Step: one move of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fsm.states import State, moment

if TYPE_CHECKING:
    import pendulum

__all__ = ["Step"]


class Step(NamedTuple):
    """One move of one run: from `source` to `dest` by `event`, the `seq`-th of its history.

    Guards see it before it is made, journals keep it, listeners are told of it. A named tuple,
    because every step makes one and a frozen attrs object takes four times as long.
    """

    run: str
    seq: int  # 1 for the first
    event: str
    source: State
    dest: State
    micros: int  # when, in microseconds since 1970-01-01 UTC
    settings: Mapping[str, Any] | None = None  # what the run was made with; on its first step only
    key: str | None = None  # of the request it answers; see `Run.once`

    @property
    def at(self) -> pendulum.DateTime:
        """When, in UTC."""
        return moment.from_micros(self.micros)

    def __hash__(self) -> int:
        return hash((*self[:6], self.key))  # without the settings, a mapping

    def __repr__(self) -> str:
        source, dest = type(self.source).__name__, type(self.dest).__name__
        return f"#{self.seq} {self.event}: {source} → {dest}"
