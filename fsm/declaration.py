"""Declaration: the events that a class of runs declares, its parents' included."""

from __future__ import annotations

from typing import Any

from .errors import InvalidLifecycle
from .event import Event

__all__ = ["declared"]


def declared(owner: type) -> list[Event[Any, Any]]:
    """The events of *owner*, in order: those of its parents replaced, removed (None), added to.

    Raises:
        InvalidLifecycle: A name is taken by something else, or an event has two names.
    """
    found: dict[str, Event[Any, Any]] = {}
    for base in reversed(owner.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, Event):
                _check_name(owner, base, name, value)
                found[name] = value
            elif name in found:
                if value is not None:
                    raise InvalidLifecycle(
                        f"{base.__name__}.{name} replaces an event by {value!r}; "
                        "None would remove it"
                    )
                del found[name]
    return list(found.values())


def _check_name(owner: type, base: type, name: str, event: Event[Any, Any]) -> None:
    if event.name != name:
        raise InvalidLifecycle(
            f"{base.__name__}.{name} is the event {event.name!r} again; declare a row of its own"
        )
    above = owner.__mro__[owner.__mro__.index(base) + 1 :]
    if any(not isinstance(vars(each).get(name), Event | None) for each in above):
        raise InvalidLifecycle(
            f"{base.__name__}.{name} hides what every run has under that name; rename the event"
        )
