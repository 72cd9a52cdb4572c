"""The classes of states there are, by name: ours for good, the users' while they live."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from .errors import DuplicateState, UnknownState

_PACKAGE = __name__.rpartition(".")[0]
_ours: dict[str, type[Any]] = {}
_families: dict[str, type[Any]] = {}  # ours that no run can be in, so that no wire can name them
_theirs: WeakValueDictionary[str, type[Any]] = WeakValueDictionary()
_declared: WeakValueDictionary[tuple[str, str], type[Any]] = WeakValueDictionary()


def register(cls: type[Any]) -> None:
    """Enter a class under its name; a later one of the same name takes its place.

    Raises:
        DuplicateState: A user's class has the name of one of ours.
    """
    name = cls.__name__
    if cls.__module__.rpartition(".")[0] == _PACKAGE:
        family = name == "State" or name.startswith("_")
        (_families if family else _ours)[name] = cls
    elif name in _ours or name in _families:
        raise DuplicateState(
            f"{cls.__module__}.{cls.__qualname__} takes the name of the built-in state {name}; "
            "choose another",
            name,
        )
    else:
        _theirs[name] = cls
    _declared[cls.__module__, cls.__qualname__] = cls


def is_ours(cls: type[Any]) -> bool:
    """Whether *cls* is one of the built-in states."""
    return cls in (_ours.get(cls.__name__), _families.get(cls.__name__))


def holds(cls: type[Any]) -> bool:
    """Whether *cls* is a state class, and not one that was rebuilt or declared again since."""
    return _declared.get((cls.__module__, cls.__qualname__)) is cls


def named(name: str) -> type[Any] | None:
    """Find the class that a name on the wire stands for."""
    return _ours.get(name) or _theirs.get(name)


def get(name: str, field: str) -> type[Any]:
    """Find the class that a name on the wire stands for.

    Raises:
        UnknownState: There is none.
    """
    cls = named(name)
    if cls is None:
        raise UnknownState(_unknown(name), field)
    return cls


def _unknown(name: str) -> str:
    from difflib import get_close_matches  # at the door: only who errs pays for it

    close = get_close_matches(name[:64], [*_ours, *_theirs], n=1)
    hint = f"did you mean {close[0]!r}?" if close else "is its module imported?"
    return f"no state class can be loaded under the name {name[:64]!r}; {hint}"
