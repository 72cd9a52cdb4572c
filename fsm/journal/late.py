"""Late: a step that came after others had gone on. It is no history, and it is not lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fsm.states import State, loads, moment

if TYPE_CHECKING:
    import pendulum

__all__ = ["Late"]


class Late(NamedTuple):
    """A step that a superseded writer would have made."""

    run: str
    seq: int
    event: str
    source: str
    dest: str
    micros: int
    payload: str
    epoch: int | None  # of the claim it came under
    owner: str | None  # who had claimed it
    reason: str  # what stood there already

    @property
    def at(self) -> pendulum.DateTime:
        """When it was made, in UTC."""
        return moment.from_micros(self.micros)

    @property
    def state(self) -> State:
        """What it would have led to.

        Raises:
            NotDeserializable: Its class is not known here.
        """
        return loads(self.payload)
