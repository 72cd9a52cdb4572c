"""Duration: a span of time as people write it on a command line."""

from __future__ import annotations

import re
from typing import Any

import click

from fsm.durations import A_CENTURY

__all__ = ["Duration"]

_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{1,6})?)"
_PARTS = re.compile(rf"{_NUMBER} ?(s|min|m|h|d|$)")
_WRITTEN = re.compile(rf"{_NUMBER}|(?:{_NUMBER} ?(?:s|min|m|h|d) ?)+")


class Duration(click.ParamType[float]):
    """`90s`, `10m`, `2h`, `1d`, `1h30m`, `3 h 7 min` as we write it; a bare number is seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        text = str(value).strip()
        if not _WRITTEN.fullmatch(text):
            self.fail(f"{value!r} is no time; write 90s, 10m, 2h, 1d or 1h30m", param, ctx)
        seconds = sum(float(count) * _SECONDS[unit] for count, unit in _PARTS.findall(text))
        if seconds > A_CENTURY:
            self.fail(f"{value!r} is longer than a century", param, ctx)
        return seconds
