"""The converters of the fields of states: from an argument to the value that is kept.

None means "not given". Only these read the ambient context.
"""

# No `from __future__ import annotations`: get_type_hints must find objects in public signatures.

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pendulum

from . import ambient, moment
from .errors import InvalidPayload

Names = Mapping[str, Any]


def as_names(value: Names | None, field: str) -> dict[str, Any] | None:
    """Copy a mapping; an empty one becomes None, which takes no memory: most are empty."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidPayload(
            f"{field} cannot hold {type(value).__name__}; give a mapping of names to values", field
        )
    return dict(value) or None


def as_context(value: Names | None) -> Names | None:
    """Copy a context; the ambient `task_tags` become its `tags` unless it has its own."""
    names = ambient.context()
    if not names:
        return None if value is None else as_names(value, "context")
    return _add_tags(as_names(value, "context"), names)


def as_scheduled_context(value: Names | None) -> Names | None:
    """Copy a context as `as_context` does, and add the ambient `task_run_count` if there is one."""
    names = ambient.context()
    if not names:
        return None if value is None else as_names(value, "context")
    context = _add_tags(as_names(value, "context"), names)
    run_count = names.get("task_run_count")
    return context if run_count is None else {**(context or {}), "task_run_count": run_count}


def _add_tags(context: dict[str, Any] | None, names: Names) -> dict[str, Any] | None:
    tags = names.get("task_tags")
    if tags is None or (context is not None and "tags" in context):
        return context
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise InvalidPayload(
            f"the ambient task_tags cannot be {type(tags).__name__}; give a list of strings",
            "context.tags",
        )
    return {**(context or {}), "tags": list(tags)}


def as_cached_inputs(value: Names | None) -> Names | None:
    """Copy cached inputs: a mapping of names to results."""
    return None if value is None else as_names(value, "cached_inputs")


def as_start_time(value: datetime | None) -> pendulum.DateTime:
    """Return the time given, or now in UTC."""
    return ambient.now() if value is None else moment.as_moment(value, "start_time")


def as_pause_end(value: datetime | None) -> pendulum.DateTime:
    """Return the time given, or ten calendar years from now in UTC."""
    if value is not None:
        return moment.as_moment(value, "start_time")
    try:
        return moment.years_after(ambient.now(), 10)
    except ValueError as error:
        raise InvalidPayload(
            "start_time ten years from now is past year 9999; give one", "start_time"
        ) from error


def as_expiration(value: datetime | None) -> pendulum.DateTime | None:
    """Return the time given; None means never."""
    return None if value is None else moment.as_moment(value, "cached_result_expiration")


def as_cached_parameters(value: Any) -> Any:
    """Return any value; a dict is copied."""
    return dict(value) if type(value) is dict else value


def as_run_count(value: int | None) -> int:
    """Return the count given, else the ambient `task_run_count`, else 1."""
    if value is None:
        value = ambient.context().get("task_run_count")
    return 1 if value is None else _check_count(value, "run_count")


def as_loop_count(value: int | None) -> int:
    """Return the count given, else the ambient `task_loop_count`, else 1."""
    if value is None:
        value = ambient.context().get("task_loop_count")
    return 1 if value is None else _check_count(value, "loop_count")


def _check_count(value: int, field: str) -> int:
    if type(value) is not int or value < 0:
        given = value if type(value) is int else type(value).__name__
        raise InvalidPayload(f"{field} cannot hold {given}; give a whole number from 0 up", field)
    return value
