"""Quorum: how many children of a mapped run must succeed for the run to succeed."""

import math
from collections.abc import Sequence
from typing import Self

import attrs

from fsm.errors import InvalidArgument
from fsm.states import State

__all__ = ["Quorum"]


@attrs.frozen
class Quorum:
    """How many children of a mapped run must succeed for the run to succeed. Frozen.

    Create one with `Quorum.all()`, `any()`, `at_least(count)` or `percent(percent)`. A skipped
    child counts as successful, a cancelled one does not.
    """

    __module__ = "fsm"

    count: int | None = None
    share: float | None = None  # of all, from 0 to 1

    @classmethod
    def all(cls) -> Self:
        """Every child."""
        return cls(share=1.0)

    @classmethod
    def any(cls) -> Self:
        """At least one child. A run mapped over nothing cannot meet it."""
        return cls(count=1)

    @classmethod
    def at_least(cls, count: int) -> Self:
        """At least *count* children.

        Raises:
            InvalidArgument: *count* is not a whole number from 0.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InvalidArgument(f"a quorum is a whole number from 0, not {count!r}")
        return cls(count=count)

    @classmethod
    def percent(cls, percent: float) -> Self:
        """At least *percent* of a hundred children, rounded up to whole children.

        Raises:
            InvalidArgument: *percent* is not a number from 0 to 100.
        """
        number = isinstance(percent, int | float) and not isinstance(percent, bool)
        if not number or not 0 <= percent <= 100:
            raise InvalidArgument(f"a percentage is between 0 and 100, not {percent!r}")
        return cls(share=percent / 100)

    def threshold(self, total: int) -> int:
        """The number of children that must succeed, of *total*."""
        if self.count is not None:
            return self.count
        return math.ceil(round((self.share or 0.0) * total, 9))  # 29 % of 100 is 29, not 30

    def shortfall(self, ends: Sequence[State | None]) -> str | None:
        """Say why the children do not meet the quorum, if they do not.

        Args:
            ends: The states of all children; None for a child whose state is unknown.

        Returns:
            The reason; None if the quorum is met, or still can be.
        """
        finished = [end for end in ends if end is not None and end.is_finished()]
        succeeded, needed = sum(end.is_successful() for end in finished), self.threshold(len(ends))
        if succeeded >= needed or len(finished) < len(ends):
            return None
        return f"{succeeded} of {len(ends)} mapped tasks succeeded, {needed} had to"
