"""Answer: what a command prints for programs to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["as_line", "json_option"]

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(
    *names: str, lead: str = "an object with", parameter: str = "as_json"
) -> Callable[[Command], Command]:
    """Return the option that asks for JSON; its help says what every object of it has.

    The names are a promise: programs read them.
    """
    return click.option(
        "--json", parameter, is_flag=True, help=f"Print JSON: {lead} {', '.join(names)}."
    )


def as_line(data: Any) -> str:
    """Write *data* as JSON in one line of ASCII, which no terminal takes for a command."""
    return json.dumps(data, allow_nan=False)
