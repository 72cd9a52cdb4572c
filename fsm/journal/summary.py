"""Summary: what a journal can say of a run without reading its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from states import moment

if TYPE_CHECKING:
    import pendulum

__all__ = ["Summary"]


@attrs.frozen
class Summary:
    """One run at a glance."""

    run: str
    state: str  # the name of the state it is in
    message: str | None
    steps: int
    began: int  # microseconds since 1970-01-01 UTC, as the next
    moved: int

    @property
    def began_at(self) -> pendulum.DateTime:
        """When its first step was made, in UTC."""
        return moment.from_micros(self.began)

    @property
    def moved_at(self) -> pendulum.DateTime:
        """When its last step was made, in UTC."""
        return moment.from_micros(self.moved)
