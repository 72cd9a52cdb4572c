"""The frozen payloads of hand-written runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

__all__ = ["Idle", "Many", "Working"]


@attrs.frozen
class Idle:
    """Waiting."""

    message: str | None = None
    result: Any = None
    context: Mapping[str, Any] | None = None
    cached_inputs: Mapping[str, Any] | None = None


@attrs.frozen
class Working:
    """At work."""

    message: str | None = None
    result: Any = None
    context: Mapping[str, Any] | None = None
    cached_inputs: Mapping[str, Any] | None = None


@attrs.frozen
class Many:
    """Mapped over children."""

    children: list[Any]
    message: str | None = None

    @property
    def result(self) -> list[Any]:
        """The children's results in order."""
        return [child.result for child in self.children]
