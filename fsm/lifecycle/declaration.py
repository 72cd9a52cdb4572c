"""Declaration: the events that a class of runs declares, its parents' included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fsm.errors import InvalidLifecycle

from .event import Event, StateClass, Transition

__all__ = ["collect_events"]


def collect_events(owner: type) -> list[Event[Any, Any]]:
    """The events of *owner* in order: its parents' and its own, which may replace or remove them.

    Raises:
        InvalidLifecycle: An event's name is taken by something else, or an event has two names.
    """
    found: dict[str, Event[Any, Any]] = {}
    removed = False
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Event):
                _check_name(owner, base, name, value)
                found[name] = value
            elif name in found:
                if value is not None:
                    raise InvalidLifecycle(
                        f"{base.__name__}.{name} replaces an event by {value!r}; "
                        "only None may stand here, which removes it"
                    )
                del found[name]
                removed = True
    return list(found.values()) if not removed else _without_orphans(owner, found)


def _without_orphans(owner: type, found: dict[str, Event[Any, Any]]) -> list[Event[Any, Any]]:
    """The events without those inherited rows whose sources no run can reach any more.

    A class that removes `map` need not name the rows that lead out of Mapped. A row that the class
    itself declares stays; where it leads from a state that cannot be reached, that is an error.
    """
    while True:
        nodes = {row.dest for event in found.values() for row in event.rows} | {owner.initial}  # type: ignore[attr-defined]  # a class of runs
        kept = {
            name: event
            if vars(owner).get(name) is event
            else Event([row for row in event.rows if _leads(row, nodes)], name)
            for name, event in found.items()
        }
        kept = {
            name: found[name] if len(event.rows) == len(found[name].rows) else event
            for name, event in kept.items()
            if event.rows
        }
        if kept == found:
            return list(kept.values())
        found = kept


def _leads(row: Transition, nodes: Iterable[StateClass | None]) -> bool:
    return any(node is not None and issubclass(node, row.sources) for node in nodes)


def _check_name(owner: type, base: type, name: str, event: Event[Any, Any]) -> None:
    if event.name != name:
        raise InvalidLifecycle(
            f"{base.__name__}.{name} is the event {event.name!r} again; declare a row of its own"
        )
    above = owner.__mro__[owner.__mro__.index(base) + 1 :]
    if any(not isinstance(vars(each).get(name), Event | None) for each in above):
        raise InvalidLifecycle(
            f"{base.__name__}.{name} hides an attribute of every run; rename the event"
        )
