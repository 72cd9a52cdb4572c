"""Refusal: the record of an attempt that did not become a step."""

from typing import NamedTuple

import pendulum

from fsm.states import moment

__all__ = ["Refusal"]


class Refusal(NamedTuple):
    """An attempt to move a run that did not become a step."""

    run: str
    seq: int  # number of steps the run had made before the attempt
    event: str
    state: str  # name of the state the run was in
    micros: int  # time of the last attempt, in microseconds since 1970-01-01 UTC
    reason: str  # of the last attempt
    who: str | None = None  # the operator, or the owner of the claim, as far as known
    times: int = 1  # attempts of this event after this step, as counted by one process

    @property
    def at(self) -> pendulum.DateTime:
        """Time of the last attempt, in UTC."""
        return moment.from_micros(self.micros)


Refusal.__module__ = "fsm.lifecycle"  # where it is public
