"""Address: where a journal is, for other processes to open it too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from .opening import masked, open_journal

if TYPE_CHECKING:
    from .base import Journal

__all__ = ["Address"]


@attrs.frozen
class Address:
    """Where a journal is, and what it strikes out. It may be pickled, and then holds passwords."""

    url: str = attrs.field(repr=masked)
    redact: tuple[re.Pattern[str], ...] = attrs.field(default=(), repr=False)  # may be secrets

    def open(self) -> Journal:
        """Open that journal here, striking out the same.

        Raises:
            JournalError: It is not there any more, or cannot be reached.
        """
        return open_journal(self.url, redact=self.redact, make=False)
