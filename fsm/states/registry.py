"""The state classes by name: the built-in ones for good, a user's while they live."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

from .errors import DuplicateState, UnknownState

_PACKAGE = __name__.rpartition(".")[0]
_builtin: dict[str, type[Any]] = {}
_abstract: dict[str, type[Any]] = {}  # built-in bases: no run is in them, so none can be read
_custom: WeakValueDictionary[str, type[Any]] = WeakValueDictionary()
_latest: WeakValueDictionary[tuple[str, str], type[Any]] = WeakValueDictionary()


def register(cls: type[Any]) -> None:
    """Enter a class under its name; it replaces an earlier one of the same name.

    Raises:
        DuplicateState: A user's class has the name of a built-in one.
    """
    name = cls.__name__
    if cls.__module__ == _PACKAGE:
        is_abstract = name == "State" or name.startswith("_")
        (_abstract if is_abstract else _builtin)[name] = cls
    elif name in _builtin or name in _abstract:
        raise DuplicateState(
            f"{cls.__module__}.{cls.__qualname__} has the name of the built-in state {name}; "
            "choose another",
            name,
        )
    else:
        _custom[name] = cls
    _latest[cls.__module__, cls.__qualname__] = cls


def is_builtin(cls: type[Any]) -> bool:
    """Whether *cls* is one of the built-in states."""
    return cls in (_builtin.get(cls.__name__), _abstract.get(cls.__name__))


def is_registered(cls: type[Any]) -> bool:
    """Whether *cls* is a state class, and not one that was rebuilt or declared again since."""
    return _latest.get((cls.__module__, cls.__qualname__)) is cls


def find(name: str) -> type[Any] | None:
    """Return the class with this name; None if there is none."""
    return _builtin.get(name) or _custom.get(name)


def get(name: str, field: str) -> type[Any]:
    """Return the class with this name.

    Args:
        name: The name of the class, as it was read.
        field: The dotted path of the field that holds the name, for the error.

    Raises:
        UnknownState: There is none.
    """
    cls = find(name)
    if cls is None:
        raise UnknownState(_describe_unknown(name), field)
    return cls


def _describe_unknown(name: str) -> str:
    from difflib import get_close_matches  # imported on demand: only an error needs it

    close = get_close_matches(name[:64], [*_builtin, *_custom], n=1)
    hint = f"did you mean {close[0]!r}?" if close else "is its module imported?"
    return f"there is no state class named {name[:64]!r}; {hint}"
