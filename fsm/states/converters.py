"""What a constructor makes of what it is given: the named converters of the fields.

Each is value -> value, and None means "not given". Only these ask the ambient context.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pendulum

from . import ambient, moment
from .errors import InvalidPayload

Names = Mapping[str, Any]


def as_names(value: Names | None, field: str) -> dict[str, Any] | None:
    """Copy a mapping in; an empty one is kept as None, because most are and there are many."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidPayload(
            f"{field} cannot hold {type(value).__name__}; give a mapping of names to values", field
        )
    return dict(value) or None


def as_context(value: Names | None) -> Names | None:
    """Copy a context in, with the ambient task_tags as its tags unless it has its own."""
    surroundings = ambient.context()
    if not surroundings:
        return None if value is None else as_names(value, "context")
    return _tagged(as_names(value, "context"), surroundings)


def as_scheduled_context(value: Names | None) -> Names | None:
    """Copy a context in as `as_context` does, and with the ambient task_run_count if any."""
    surroundings = ambient.context()
    if not surroundings:
        return None if value is None else as_names(value, "context")
    names = _tagged(as_names(value, "context"), surroundings)
    run_count = surroundings.get("task_run_count")
    return names if run_count is None else {**(names or {}), "task_run_count": run_count}


def _tagged(names: dict[str, Any] | None, surroundings: Names) -> dict[str, Any] | None:
    tags = surroundings.get("task_tags")
    if tags is None or (names is not None and "tags" in names):
        return names
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise InvalidPayload(
            f"the ambient task_tags cannot be {type(tags).__name__}; give a list of strings",
            "context.tags",
        )
    return {**(names or {}), "tags": list(tags)}


def as_cached_inputs(value: Names | None) -> Names | None:
    """Copy cached inputs in: names to results."""
    return None if value is None else as_names(value, "cached_inputs")


def as_start_time(value: datetime | None) -> pendulum.DateTime:
    """Take the moment given, or now in UTC."""
    return ambient.now() if value is None else moment.as_moment(value, "start_time")


def as_pause_end(value: datetime | None) -> pendulum.DateTime:
    """Take the moment given, or ten calendar years from now in UTC."""
    if value is not None:
        return moment.as_moment(value, "start_time")
    try:
        return moment.years_after(ambient.now(), 10)
    except ValueError as error:
        raise InvalidPayload(
            "start_time ten years from now is past year 9999; give one", "start_time"
        ) from error


def as_expiration(value: datetime | None) -> pendulum.DateTime | None:
    """Take the moment given; a cached result without one never expires."""
    return None if value is None else moment.as_moment(value, "cached_result_expiration")


def as_cached_parameters(value: Any) -> Any:
    """Take any value; a dict is copied in."""
    return dict(value) if type(value) is dict else value


def as_run_count(value: int | None) -> int:
    """Take the count given, else the ambient task_run_count, else 1."""
    if value is None:
        value = ambient.context().get("task_run_count")
    return 1 if value is None else _counted(value, "run_count")


def as_loop_count(value: int | None) -> int:
    """Take the count given, else the ambient task_loop_count, else 1."""
    if value is None:
        value = ambient.context().get("task_loop_count")
    return 1 if value is None else _counted(value, "loop_count")


def _counted(value: int, field: str) -> int:
    if type(value) is not int or value < 0:
        shown = value if type(value) is int else type(value).__name__
        raise InvalidPayload(f"{field} cannot hold {shown}; give a whole number from 0 up", field)
    return value
