"""Summary: what a journal can say of a run without reading its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from fsm.states import moment

from .phase import FAILED, FINISHED

if TYPE_CHECKING:
    import pendulum

__all__ = ["Summary"]


@attrs.frozen
class Summary:
    """One run at a glance. Times are microseconds since 1970-01-01 UTC."""

    run: str
    state: str  # the name of the state it is in
    message: str | None
    steps: int
    began: int
    moved: int
    kind: str = ""  # the class it is a run of, as module:Class
    phase: str = ""  # waiting, running, finished or other
    due: int | None = None  # when it may start, or expires
    deadline: int | None = None  # when its time is up
    epoch: int = 0  # how often it was claimed
    owner: str | None = None  # who has claimed it
    lease: int | None = None  # until when
    parent: str | None = None  # the mapped run it is a child of
    child: int | None = None  # the how manieth of them, from 0

    @property
    def began_at(self) -> pendulum.DateTime:
        """When its first step was made, in UTC."""
        return moment.from_micros(self.began)

    @property
    def moved_at(self) -> pendulum.DateTime:
        """When its last step was made, in UTC."""
        return moment.from_micros(self.moved)

    @property
    def over(self) -> bool:
        """Whether it has finished or failed."""
        return self.phase in (FINISHED, FAILED)

    @property
    def wakes(self) -> int | None:
        """When time next moves it: its deadline, or when it is due; None if time does not."""
        return self.due if self.deadline is None else self.deadline
