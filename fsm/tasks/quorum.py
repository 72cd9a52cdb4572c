"""Quorum: how many of a mapped run's children have to succeed, so that it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import attrs

from fsm.errors import InvalidArgument
from fsm.states import State

__all__ = ["Quorum"]


@attrs.frozen
class Quorum:
    """How many children have to succeed. Made by `all`, `any`, `at_least` and `percent`.

    A skipped child has succeeded; one that was cancelled has not.
    """

    count: int | None = None
    share: float | None = None  # of all, from 0 to 1

    @classmethod
    def all(cls) -> Self:
        """Every child."""
        return cls(share=1.0)

    @classmethod
    def any(cls) -> Self:
        """One child at least; over nothing, that cannot be met."""
        return cls(count=1)

    @classmethod
    def at_least(cls, count: int) -> Self:
        """So many children."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise InvalidArgument(f"a quorum is a whole number from 0, not {count!r}")
        return cls(count=count)

    @classmethod
    def percent(cls, percent: float) -> Self:
        """So many of a hundred children, from 0 to 100."""
        number = isinstance(percent, int | float) and not isinstance(percent, bool)
        if not number or not 0 <= percent <= 100:
            raise InvalidArgument(f"a percentage is between 0 and 100, not {percent!r}")
        return cls(share=percent / 100)

    def needed(self, total: int) -> int:
        """How many of *total* that is."""
        if self.count is not None:
            return self.count
        return math.ceil(round((self.share or 0.0) * total, 9))  # 29 % of 100 are 29, not 30

    def missed(self, ends: Sequence[State | None]) -> str | None:
        """Why children that ended so do not meet it; None if they do, or still may."""
        finished = [end for end in ends if end is not None and end.is_finished()]
        succeeded, needed = sum(end.is_successful() for end in finished), self.needed(len(ends))
        if succeeded >= needed or len(finished) < len(ends):
            return None
        return f"{succeeded} of {len(ends)} mapped tasks succeeded, {needed} had to"
