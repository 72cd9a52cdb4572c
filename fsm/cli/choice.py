"""Choice: one word of a few; a misspelt one is answered with the one that was meant."""

from __future__ import annotations

from typing import Any

import click

from fsm.errors import did_you_mean

__all__ = ["Choice"]


class Choice(click.Choice[str]):
    """One of these words."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is said of a word that is none of them."""
        said = super().get_invalid_choice_message(value, ctx).rstrip(".")
        return f"{said}{did_you_mean(str(value), self.choices)}"
