"""Arguments: what the methods of a journal take, checked."""

import datetime
from collections.abc import Iterable, Iterator
from typing import Protocol

from fsm.durations import Duration, as_seconds
from fsm.errors import InvalidArgument
from fsm.ids import MAX_LENGTH
from fsm.lifecycle.step import Step
from fsm.lifecycle.table import Lifecycle
from fsm.states import ambient, moment

__all__ = [
    "LAST",
    "HasLifecycle",
    "LifecycleLike",
    "as_kinds",
    "as_lifecycle",
    "as_limit",
    "as_micros",
    "as_name",
    "as_owner",
    "as_run",
    "as_step",
    "as_steps",
    "check_names",
    "kind_of",
    "lease_end",
]

FIRST, LAST = -62135596800000000, 253402300799999999  # microseconds: the years 1 to 9999
_MAX_INTEGER = 2**63 - 1  # of databases


class HasLifecycle(Protocol):
    """What has a lifecycle: a class of runs."""

    @property
    def lifecycle(self) -> Lifecycle:
        """The table of the class."""
        ...


HasLifecycle.__module__ = "fsm.journal"
LifecycleLike = Lifecycle | HasLifecycle


def as_limit(value: object) -> int:
    """Accept a largest number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"limit is a whole number from 1, not {value!r}")
    return min(value, _MAX_INTEGER)


def as_owner(value: object) -> str:
    """Accept the name of a worker that every journal keeps and a terminal shows."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_LENGTH or not value.isprintable():
        raise InvalidArgument(
            f"an owner has a name of 1 to {MAX_LENGTH} printable characters, not {value!r:.60}"
        )
    return value


def as_name(argument: str, value: object) -> str | None:
    """Accept a name to look for, or None for any."""
    if value is not None and not isinstance(value, str):
        raise InvalidArgument(f"{argument} is a name or None, not {value!r:.60}")
    return value


def as_run(value: object) -> str:
    """Accept the id of a run to look for."""
    if not isinstance(value, str):
        raise InvalidArgument(f"a run is named by its id, not by {value!r:.60}")
    return value


def as_micros(now: object) -> int:
    """Accept an aware datetime, as microseconds since 1970; None is the present."""
    if now is None:
        return ambient.micros()
    if not isinstance(now, datetime.datetime) or now.tzinfo is None:
        raise InvalidArgument(f"a point in time is an aware datetime, not {now!r}")
    micros = moment.to_micros(now)
    if not FIRST <= micros <= LAST:
        raise InvalidArgument(f"{now} is in UTC outside of the years 1 to 9999")
    return micros


def lease_end(lease: Duration, now: object) -> int:
    """Return when a lease of this length ends that begins now: in the year 9999 at the latest."""
    return min(as_micros(now) + round(as_seconds(lease, "lease") * 1e6), LAST)


def as_step(value: object) -> Step:
    """Accept a step."""
    if not isinstance(value, Step):
        raise InvalidArgument(f"a step is a Step, not {value!r:.60}")
    return value


def as_steps(values: object) -> Iterator[Step]:
    """Accept steps, one by one."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidArgument(f"steps come as an iterable, not as {values!r:.60}")
    return map(as_step, values)


def check_names(*names: str) -> None:
    """Refuse names of states and events that no lifecycle can have. Schemas have the same bound.

    Raises:
        InvalidArgument: One has more than 200 characters.
    """
    for name in names:
        if len(name) > MAX_LENGTH:
            raise InvalidArgument(
                f"the name {name[:60]!r}... has {len(name)} characters; "
                f"names of states and events have {MAX_LENGTH} at most"
            )


def as_lifecycle(value: object) -> Lifecycle | None:
    """Accept a lifecycle, a class that has one, or None for unknown.

    Raises:
        InvalidArgument: It is none of these.
    """
    if value is None or isinstance(value, Lifecycle):
        return value
    lifecycle = getattr(value, "lifecycle", None) if isinstance(value, type) else None
    if not isinstance(lifecycle, Lifecycle):
        raise InvalidArgument(f"a lifecycle or a class of runs is needed, not {value!r:.60}")
    return lifecycle


def kind_of(value: LifecycleLike | None) -> str:
    """Return what journals call a lifecycle; an empty string for None, an unknown one.

    Raises:
        InvalidArgument: It is no lifecycle, nor a class that has one.
    """
    lifecycle = as_lifecycle(value)
    return "" if lifecycle is None else lifecycle.kind


def as_kinds(values: object) -> tuple[str, ...] | None:
    """Accept lifecycles or classes of runs, as their kinds; None for all kinds.

    Raises:
        InvalidArgument: One is none of these; also None, which elsewhere is an unknown lifecycle.
    """
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidArgument(f"kinds come as an iterable of classes, not as {values!r:.60}")
    return tuple(map(_kind, values))


def _kind(value: LifecycleLike | None) -> str:
    if value is None:
        raise InvalidArgument("a lifecycle or a class of runs is needed, not None")
    return kind_of(value)
